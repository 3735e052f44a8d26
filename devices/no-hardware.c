/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queries about hardware that is never there: QEMU's answers for a machine
 * that was started without it. */
#include "devices/board.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

/* Not of the small kind that has no more of it than it needs. */
CONTROL_ONLY
static bool is_pc(void)
{
    const Board *board = board_chosen();

    return board->has_isa && strcmp(board->name, "microvm") != 0;
}

/* --- lists with nothing in them ------------------------------------------ */

TPMInfoList *qmp_query_tpm(Error **errp)
{
    return g_new0(TPMInfoList, 1);
}

ACPIOSTInfoList *qmp_query_acpi_ospm_status(Error **errp)
{
    ACPIOSTInfoList *list = NULL;

    control_assert();
    if (board_chosen()->pci_bus || (board_chosen()->has_isa && !is_pc())) {
        list = g_new0(ACPIOSTInfoList, 1);
    } else {
        error_set(errp, "command is not supported, missing ACPI device");
    }
    return list;
}

DirtyLimitInfoList *qmp_query_vcpu_dirty_limit(Error **errp)
{
    return g_new0(DirtyLimitInfoList, 1);
}

PRManagerInfoList *qmp_query_pr_managers(Error **errp)
{
    return g_new0(PRManagerInfoList, 1);
}

/* --- what has not begun -------------------------------------------------- */

DumpQueryResult *qmp_query_dump(Error **errp)
{
    return g_new0(DumpQueryResult, 1);
}

COLOStatus *qmp_query_colo_status(Error **errp)
{
    return g_new0(COLOStatus, 1);
}

ReplayInfo *qmp_query_replay(Error **errp)
{
    return g_new0(ReplayInfo, 1);
}

SevInfo *qmp_query_sev(Error **errp)
{
    return g_new0(SevInfo, 1);
}

/* --- what cannot be told ------------------------------------------------- */

GuidInfo *qmp_query_vm_generation_id(Error **errp)
{
    error_set(errp, "VM Generation ID device not found");
    return NULL;
}

SevLaunchMeasureInfo *qmp_query_sev_launch_measure(Error **errp)
{
    error_set(errp, "SEV launch measurement is not available");
    return NULL;
}

SGXInfo *qmp_query_sgx(Error **errp)
{
    control_assert();
    error_set(errp, is_pc() ? "No EPC regions defined, SGX not available"
                            : "SGX is only supported on PC machines");
    return NULL;
}

/* --- what people read ---------------------------------------------------- */

static HumanReadableText *text_of(const char *text)
{
    HumanReadableText *result = g_new0(HumanReadableText, 1);

    result->human_readable_text = g_strdup(text);
    return result;
}

HumanReadableText *qmp_x_query_numa(Error **errp)
{
    return text_of("0 nodes\n");
}

HumanReadableText *qmp_x_query_opcount(Error **errp)
{
    return text_of("[TCG profiler not compiled]\n");
}

HumanReadableText *qmp_x_query_profile(Error **errp)
{
    error_set(errp, "Internal profiler not compiled");
    return NULL;
}

HumanReadableText *qmp_x_query_rdma(Error **errp)
{
    return text_of("");
}

/* --- the mouse ----------------------------------------------------------- */

MouseInfoList *qmp_query_mice(Error **errp)
{
    MouseInfoList *list = g_new0(MouseInfoList, 1);
    MouseInfo *mouse;

    control_assert();
    if (is_pc()) {
        mouse = g_new0(MouseInfo, 1);
        mouse->name = g_strdup("QEMU PS/2 Mouse");
        mouse->index = 2;
        mouse->current = true;
        MouseInfoList_append(list, mouse);
    }
    return list;
}
