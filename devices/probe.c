/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs that manage machines ask before they start one. What a guest
 * would need is not there, and not listed.
 */
#include <json-c/json.h>

#include "devices/board.h"
#include "devices/device.h"
#include "devices/model.h"
#include "objects/qom-types.h"
#include "qapi/qapi-commands.h"

/* --- the machine --------------------------------------------------------- */

TargetInfo *qmp_query_target(Error **errp)
{
    TargetInfo *info = g_new0(TargetInfo, 1);

    info->arch = SYS_EMU_TARGET_X86_64;
    return info;
}

KvmInfo *qmp_query_kvm(Error **errp)
{
    return g_new0(KvmInfo, 1);
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
        info->cpu_max = board->pci_bus ? 255 : 1;
        MachineInfoList_append(list, info);
    }
    return list;
}

/* --- processors ---------------------------------------------------------- */

static const char *const cpu_models[] = {"max",    "host",  "base", "qemu64",
                                         "qemu32", "kvm64", "kvm32"};

static bool cpu_model_exists(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(cpu_models); i++) {
        if (!strcmp(cpu_models[i], name)) {
            return true;
        }
    }
    return false;
}

CpuDefinitionInfoList *qmp_query_cpu_definitions(Error **errp)
{
    CpuDefinitionInfoList *list = g_new0(CpuDefinitionInfoList, 1);

    for (size_t i = 0; i < ARRAY_SIZE(cpu_models); i++) {
        CpuDefinitionInfo *info = g_new0(CpuDefinitionInfo, 1);
        bool host = !strcmp(cpu_models[i], "host");

        info->name = g_strdup(cpu_models[i]);
        info->typename = g_strdup_printf("%s-x86_64-cpu", cpu_models[i]);
        info->q_static = !strcmp(cpu_models[i], "base");
        info->has_migration_safe = true;
        info->migration_safe = i > 1;
        info->unavailable_features = g_new0(StrList, 1);
        if (host) {
            StrList_append(info->unavailable_features, g_strdup("kvm"));
        }
        CpuDefinitionInfoList_append(list, info);
    }
    return list;
}

CpuModelExpansionInfo *
qmp_query_cpu_model_expansion(const QmpQueryCpuModelExpansionArgs *args,
                              Error **errp)
{
    CpuModelExpansionInfo *info;

    if (!cpu_model_exists(args->model->name)) {
        error_set(errp, "CPU model '%s' not found", args->model->name);
        return NULL;
    }
    info = g_new0(CpuModelExpansionInfo, 1);
    info->model = g_new0(CpuModelInfo, 1);
    info->model->name = g_strdup(args->type == CPU_MODEL_EXPANSION_TYPE_STATIC
                                     ? "base"
                                     : args->model->name);
    info->model->props = json_object_new_object();
    return info;
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
    error_set(errp, "KVM not enabled");
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
    ObjectPropertyInfoList *list;

    if (!model || strcmp(model->name, args->typename)) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", args->typename);
        return NULL;
    }
    list = g_new0(ObjectPropertyInfoList, 1);
    for (const DeviceProperty *p = model->properties; p && p->name; p++) {
        ObjectPropertyInfo *info = g_new0(ObjectPropertyInfo, 1);

        info->name = g_strdup(p->name);
        info->type = g_strdup(p->type);
        info->description = g_strdup(p->text);
        ObjectPropertyInfoList_append(list, info);
    }
    return list;
}

/* What -accel takes, although none of them does anything. */
static const char *const accels[] = {"qtest-accel", "tcg-accel"};

static const char *type_at(unsigned index, const char **parent)
{
    const DeviceModel *model;
    unsigned n_models = 0;

    if (index < ARRAY_SIZE(accels)) {
        *parent = "accel";
        return accels[index];
    }
    index -= ARRAY_SIZE(accels);
    model = device_model_at(index);
    if (model) {
        *parent = "device";
        return model->name;
    }
    while (device_model_at(n_models)) {
        n_models++;
    }
    *parent = "machine";
    return board_at(index - n_models) ? board_at(index - n_models)->type : NULL;
}

void devices_init_types(void)
{
    qom_set_more_types(type_at);
}

/* --- the command line ---------------------------------------------------- */

typedef struct OptionRow {
    const char *option;
    const char *parameters; /* words; "?" after one that is on or off */
} OptionRow;

static const OptionRow options[] = {
    {"machine", "type usb? dump-guest-core? mem-merge? graphics? "
                "memory-backend accel"},
    {"sandbox", "enable? obsolete elevateprivileges spawn resourcecontrol"},
    {"action", "reboot shutdown panic watchdog"},
    {"name", "guest process debug-threads?"},
    {"msg", "timestamp? guest-name?"},
    {"overcommit", "mem-lock? cpu-pm?"},
    {"object", ""},
    {"add-fd", "fd set opaque"},
    {"boot-opts", "order once menu? strict?"},
    {"smp-opts", "cpus sockets dies clusters cores threads maxcpus"},
    {"memory", "size slots maxmem"},
    {"accel", ""},
    {"trace", "enable events file"},
    {"mon", "mode chardev pretty?"},
    {"global", "driver property value"},
    {"rtc", "base clock driftfix"},
    {"device", ""},
    {"chardev", "backend path host port server? wait? fd logfile"},
    {"drive", ""},
};

static void add_parameter(CommandLineParameterInfoList *list, const char *word)
{
    CommandLineParameterInfo *info = g_new0(CommandLineParameterInfo, 1);
    bool flag = g_str_has_suffix(word, "?");

    info->name = g_strndup(word, strlen(word) - flag);
    info->type = flag ? COMMAND_LINE_PARAMETER_TYPE_BOOLEAN
                      : COMMAND_LINE_PARAMETER_TYPE_STRING;
    CommandLineParameterInfoList_append(list, info);
}

static CommandLineOptionInfo *option_info(const OptionRow *row)
{
    CommandLineOptionInfo *info = g_new0(CommandLineOptionInfo, 1);
    g_auto(GStrv) words = g_strsplit(row->parameters, " ", -1);

    info->option = g_strdup(row->option);
    info->parameters = g_new0(CommandLineParameterInfoList, 1);
    for (char **word = words; *word; word++) {
        if (**word) {
            add_parameter(info->parameters, *word);
        }
    }
    return info;
}

CommandLineOptionInfoList *
qmp_query_command_line_options(const QmpQueryCommandLineOptionsArgs *args,
                               Error **errp)
{
    CommandLineOptionInfoList *list = g_new0(CommandLineOptionInfoList, 1);

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (!args->option || !strcmp(args->option, options[i].option)) {
            CommandLineOptionInfoList_append(list, option_info(&options[i]));
        }
    }
    if (args->option && !list->n) {
        CommandLineOptionInfoList_free(list);
        error_set(errp, "invalid option name: %s", args->option);
        return NULL;
    }
    return list;
}
