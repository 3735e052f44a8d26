/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logs and profiles of the program: it writes none of QEMU's.
 */
#include "monitor/hmp/commands.h"

static void co_log(Hmp *hmp, json_object *args)
{
    if (strcmp(hmp_str(args, "items"), "none")) {
        hmp_printf(hmp, "Error: log: this program writes no log\n");
    }
}

static void co_sync_profile(Hmp *hmp, json_object *args)
{
    const char *op = hmp_str(args, "op");

    if (!op) {
        hmp_printf(hmp, "sync-profile is off\n");
    } else if (!strcmp(op, "on")) {
        hmp_printf(hmp, "Error: sync-profile: this program makes no profile\n");
    } else if (strcmp(op, "off") && strcmp(op, "reset")) {
        hmp_printf(hmp, "Error: Invalid parameter '%s'\n", op);
    }
}

/* There are none of QEMU's events. A pattern may match nothing. */
static void co_trace_event(Hmp *hmp, json_object *args)
{
    const char *name = hmp_str(args, "name");
    int64_t vcpu = hmp_int(args, "vcpu", -1);

    if (vcpu >= 0) {
        hmp_printf(hmp, "invalid vCPU index %" PRId64 "\n", vcpu);
    } else if (!strchr(name, '*')) {
        hmp_printf(hmp, "unknown event \"%s\"\n", name);
    }
}

const HmpCommand hmp_log = {
    .name = "log",
    .args = {{"items", HMP_STRING}},
    .params = "item1[,...]",
    .help = "activate logging of the specified items",
    .co_run = co_log,
};

const HmpCommand hmp_logfile = {
    .name = "logfile",
    .args = {{"filename", HMP_FILENAME}},
    .params = "filename",
    .help = "output logs to 'filename'",
    .refused = "this program writes no log",
};

const HmpCommand hmp_sync_profile = {
    .name = "sync-profile",
    .args = {{"op", HMP_STRING, true}},
    .params = "[on|off|reset]",
    .help = "enable, disable or reset synchronization profiling. With no "
            "arguments, prints whether profiling is on or off.",
    .co_run = co_sync_profile,
};

const HmpCommand hmp_trace_event = {
    .name = "trace-event",
    .args = {{"name", HMP_STRING},
             {"option", HMP_SWITCH},
             {"vcpu", HMP_INT, true}},
    .params = "name on|off [vcpu]",
    .help = "changes status of a specific trace event (vcpu: vCPU to set, "
            "default is all)",
    .co_run = co_trace_event,
};
