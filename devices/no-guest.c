/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What needs a guest, its memory, or a network card: questions are answered as
 * by a machine in which nothing has happened yet, the rest fails.
 */
#include "devices/about.h"
#include "devices/device.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

static bool refuse(const char *what, const char *why, Error **errp)
{
    error_set(errp, "%s: this machine has no guest%s", what, why);
    return false;
}

/* --- memory -------------------------------------------------------------- */

#define THAT_HAS_MEMORY " that has memory"

DumpGuestMemoryCapability *qmp_query_dump_guest_memory_capability(Error **errp)
{
    static const DumpGuestMemoryFormat formats[] = {
        DUMP_GUEST_MEMORY_FORMAT_ELF, DUMP_GUEST_MEMORY_FORMAT_KDUMP_ZLIB,
        DUMP_GUEST_MEMORY_FORMAT_WIN_DMP};
    DumpGuestMemoryCapability *all = g_new0(DumpGuestMemoryCapability, 1);

    all->formats = g_new0(DumpGuestMemoryFormatList, 1);
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        DumpGuestMemoryFormatList_append(all->formats, formats[i]);
    }
    return all;
}

bool qmp_dump_guest_memory(const QmpDumpGuestMemoryArgs *args, Error **errp)
{
    bool kdump =
        args->has_format && args->format != DUMP_GUEST_MEMORY_FORMAT_ELF;

    if (kdump && (args->paging || args->has_begin || args->has_length)) {
        error_set(errp, "kdump-compressed format doesn't support paging or "
                        "filter");
    } else if (args->has_begin != args->has_length) {
        error_set(errp, "Parameter '%s' is missing",
                  args->has_begin ? "length" : "begin");
    } else if (!g_str_has_prefix(args->protocol, "file:") &&
               !g_str_has_prefix(args->protocol, "fd:")) {
        error_set(errp, "Invalid parameter 'protocol'");
    } else {
        return refuse("dump-guest-memory", THAT_HAS_MEMORY, errp);
    }
    return false;
}

bool qmp_memsave(const QmpMemsaveArgs *args, Error **errp)
{
    control_assert();
    if (args->has_cpu_index &&
        (args->cpu_index < 0 || args->cpu_index >= machine_cpus())) {
        error_set(errp, "Parameter 'cpu-index' expects a CPU number");
        return false;
    }
    return refuse("memsave", THAT_HAS_MEMORY, errp);
}

bool qmp_pmemsave(const QmpPmemsaveArgs *args, Error **errp)
{
    return refuse("pmemsave", THAT_HAS_MEMORY, errp);
}

bool qmp_dumpdtb(const QmpDumpdtbArgs *args, Error **errp)
{
    error_set(errp, "This machine doesn't have a FDT");
    return false;
}

/* --- network cards ------------------------------------------------------- */

RockerSwitch *qmp_query_rocker(const QmpQueryRockerArgs *args, Error **errp)
{
    error_set(errp, "rocker %s not found", args->name);
    return NULL;
}

/* --- processors ---------------------------------------------------------- */

bool qmp_set_vcpu_dirty_limit(const QmpSetVcpuDirtyLimitArgs *args,
                              Error **errp)
{
    error_set(errp, "dirty page limit feature requires KVM with accelerator "
                    "property 'dirty-ring-size' set'");
    return false;
}

/* There is none to take away. */
bool qmp_cancel_vcpu_dirty_limit(const QmpCancelVcpuDirtyLimitArgs *args,
                                 Error **errp)
{
    return true;
}

SevAttestationReport *
qmp_query_sev_attestation_report(const QmpQuerySevAttestationReportArgs *args,
                                 Error **errp)
{
    error_set(errp, "SEV is not enabled");
    return NULL;
}

bool qmp_sev_inject_launch_secret(const QmpSevInjectLaunchSecretArgs *args,
                                  Error **errp)
{
    error_set(errp, "SEV not enabled for guest");
    return false;
}

/* A guest has missed no tick of the clock. */
bool qmp_rtc_reset_reinjection(Error **errp)
{
    return true;
}

/* --- what has not begun -------------------------------------------------- */

bool qmp_replay_break(const QmpReplayBreakArgs *args, Error **errp)
{
    error_set(errp, "setting the breakpoint is allowed only in play mode");
    return false;
}

bool qmp_replay_delete_break(Error **errp)
{
    error_set(errp, "replay breakpoints are allowed only in play mode");
    return false;
}

bool qmp_replay_seek(const QmpReplaySeekArgs *args, Error **errp)
{
    error_set(errp, "replay must be enabled to seek");
    return false;
}

ReplicationStatus *qmp_query_xen_replication_status(Error **errp)
{
    return g_new0(ReplicationStatus, 1);
}

bool qmp_x_exit_preconfig(Error **errp)
{
    error_set(errp, "The command is permitted only before machine "
                    "initialization");
    return false;
}

bool qmp_x_colo_lost_heartbeat(Error **errp)
{
    error_set(errp, "The feature 'colo' is not enabled");
    return false;
}

/* --- what people read ---------------------------------------------------- */

#define NO_TEXT(name, shown, why)                       \
    HumanReadableText *qmp_x_query_##name(Error **errp) \
    {                                                   \
        refuse(shown, why, errp);                       \
        return NULL;                                    \
    }

NO_TEXT(irq, "x-query-irq", " that would be interrupted")
NO_TEXT(jit, "x-query-jit", " whose code would be translated")
NO_TEXT(ramblock, "x-query-ramblock", THAT_HAS_MEMORY)
NO_TEXT(roms, "x-query-roms", THAT_HAS_MEMORY)

HumanReadableText *qmp_x_query_usb(Error **errp)
{
    control_assert();
    for (Bus *bus = bus_next(NULL); bus; bus = bus_next(bus)) {
        if (!strcmp(bus->type, "usb-bus")) {
            refuse("x-query-usb", " that would set USB up; see info qtree",
                   errp);
            return NULL;
        }
    }
    error_set(errp, "USB support not enabled");
    return NULL;
}
