/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs that manage machines ask before they start one. What a guest
 * would need is not there, and not listed.
 */
#include <json-c/json.h>

#include "devices/about.h"
#include "devices/board.h"
#include "devices/device.h"
#include "devices/model.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-parse.h"
#include "util/reactor/reactor.h"

/* --- the machine --------------------------------------------------------- */

TargetInfo *qmp_query_target(Error **errp)
{
    TargetInfo *info = g_new0(TargetInfo, 1);

    info->arch = SYS_EMU_TARGET_X86_64;
    return info;
}

KvmInfo *qmp_query_kvm(Error **errp)
{
    KvmInfo *info = g_new0(KvmInfo, 1);

    control_assert();
    info->present = true;
    info->enabled = machine_about()->kvm;
    return info;
}

MachineInfoList *qmp_query_machines(Error **errp)
{
    MachineInfoList *list = g_new0(MachineInfoList, 1);
    const Board *board;

    for (unsigned i = 0; (board = board_at(i)); i++) {
        MachineInfo *info = g_new0(MachineInfo, 1);

        info->name = g_strdup(board->name);
        info->alias = g_strdup(board->alias);
        info->has_is_default = info->is_default = board_is_default(board);
        info->cpu_max = board->cpu_max;
        info->hotpluggable_cpus = board->plugs_cpus;
        info->numa_mem_supported = board->numa_memory;
        info->deprecated = board->deprecated;
        info->default_cpu_type = g_strdup(board->cpu_type);
        info->default_ram_id = g_strdup(board->ram_id);
        MachineInfoList_append(list, info);
    }
    return list;
}

/* --- what there is not --------------------------------------------------- */

TpmModelList *qmp_query_tpm_models(Error **errp)
{
    return g_new0(TpmModelList, 1);
}

TpmTypeList *qmp_query_tpm_types(Error **errp)
{
    return g_new0(TpmTypeList, 1);
}

SevCapability *qmp_query_sev_capabilities(Error **errp)
{
    control_assert();
    error_set(errp, machine_about()->kvm ? "SEV is not enabled in KVM"
                                         : "KVM not enabled");
    return NULL;
}

SGXInfo *qmp_query_sgx_capabilities(Error **errp)
{
    error_set(errp, "SGX is not enabled in KVM");
    return NULL;
}

/* --- devices ------------------------------------------------------------- */

ObjectPropertyInfoList *
qmp_device_list_properties(const QmpDeviceListPropertiesArgs *args,
                           Error **errp)
{
    const DeviceModel *model = device_model_find(args->typename);
    g_autoptr(GPtrArray) all = NULL;
    ObjectPropertyInfoList *list;

    if (!model || strcmp(model->name, args->typename)) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", args->typename);
        return NULL;
    }
    list = g_new0(ObjectPropertyInfoList, 1);
    all = device_model_properties(model);
    for (guint i = 0; i < all->len; i++) {
        const DeviceProperty *p = all->pdata[i];
        ObjectPropertyInfo *info = g_new0(ObjectPropertyInfo, 1);

        info->name = g_strdup(p->name);
        info->type = g_strdup(p->type);
        info->description = g_strdup(p->text);
        info->default_value =
            p->value ? json_parse_string(p->value, NULL) : NULL;
        ObjectPropertyInfoList_append(list, info);
    }
    return list;
}
