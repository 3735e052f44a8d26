/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query-command-line-options: options that have parameters, and these. */
#include "qapi/qapi-commands.h"

typedef struct OptionRow {
    const char *option;
    /* Words; behind one "?": on or off, "#": a number, "%": a size. */
    const char *parameters;
} OptionRow;

static const OptionRow options[] = {
    {"machine",
     "loadparm dea-key-wrap? aes-key-wrap? suppress-vmdesc? iommu? firmware "
     "usb? mem-merge? dump-guest-core? dt_compatible phandle_start# dumpdtb "
     "dtb append initrd kernel kvm_shadow_mem% kernel_irqchip? accel type"},
    {"sandbox", "resourcecontrol spawn elevateprivileges obsolete enable?"},
    {"smbios", ""},
    {"acpi", ""},
    {"vnc",
     "power-control? audiodev non-adaptive? lossy? sasl-authz tls-authz sasl? "
     "key-delay-ms# lock-key-sync? reverse? password-secret password? ipv6? "
     "ipv4? to# connections# head# display share tls-creds websocket vnc"},
    {"action", "watchdog panic reboot shutdown"},
    {"fw_cfg", "gen_id string file name"},
    {"icount", "rrsnapshot rrfile rr sleep? align? shift"},
    {"numa", ""},
    {"name", "debug-threads? process guest"},
    {"msg", "guest-name? timestamp?"},
    {"overcommit", "cpu-pm? mem-lock?"},
    {"object", ""},
    {"add-fd", "opaque set# fd#"},
    {"boot-opts",
     "strict? reboot-timeout# splash-time# splash menu? once order"},
    {"smp-opts", "maxcpus# threads# cores# clusters# dies# sockets# cpus#"},
    {"memory", "maxmem% slots# size%"},
    {"accel", ""},
    {"option-rom", "romfile bootindex#"},
    {"trace", "file events enable"},
    {"mon", "pretty? chardev mode"},
    {"global", "value property driver"},
    {"rtc", "driftfix clock base"},
    {"net", ""},
    {"nic", ""},
    {"netdev", ""},
    {"device", ""},
    {"chardev",
     "abstract? tight? clipboard? mouse? logappend? logfile append? chardev "
     "size% debug# name signal? mux? rows# cols# height# width# websocket? "
     "tls-authz tls-creds tn3270? telnet? reconnect# nodelay? delay? server? "
     "wait? ipv6? ipv4? to# localport localaddr fd port host path backend"},
    {"drive",
     "copy-on-read? werror rerror read-only? file if media index# unit# bus# "
     "stats-account-failed? stats-account-invalid? detect-zeroes "
     "throttling.group throttling.iops-size# throttling.bps-write-max-length# "
     "throttling.bps-read-max-length# throttling.bps-total-max-length# "
     "throttling.iops-write-max-length# throttling.iops-read-max-length# "
     "throttling.iops-total-max-length# throttling.bps-write-max# "
     "throttling.bps-read-max# throttling.bps-total-max# "
     "throttling.iops-write-max# throttling.iops-read-max# "
     "throttling.iops-total-max# throttling.bps-write# throttling.bps-read# "
     "throttling.bps-total# throttling.iops-write# throttling.iops-read# "
     "throttling.iops-total# werror format cache.writeback? aio snapshot? "
     "force-share? discard auto-read-only? cache.no-flush? cache.direct? "
     "driver node-name"},
};

static CommandLineParameterType type_of(const char *word)
{
    switch (word[strlen(word) - 1]) {
    case '?':
        return COMMAND_LINE_PARAMETER_TYPE_BOOLEAN;
    case '#':
        return COMMAND_LINE_PARAMETER_TYPE_NUMBER;
    case '%':
        return COMMAND_LINE_PARAMETER_TYPE_SIZE;
    default:
        return COMMAND_LINE_PARAMETER_TYPE_STRING;
    }
}

static void add_parameter(CommandLineParameterInfoList *list, const char *word)
{
    CommandLineParameterInfo *info = g_new0(CommandLineParameterInfo, 1);

    info->name = g_strndup(word, strcspn(word, "?#%"));
    info->type = type_of(word);
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
