/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast a guest runs and writes its memory, and runs that are played again:
 * there is none.
 */
#include "monitor/hmp/commands.h"

static void co_singlestep(Hmp *hmp, json_object *args)
{
    const char *option = hmp_str(args, "option");

    if (option && strcmp(option, "on") && strcmp(option, "off")) {
        hmp_printf(hmp, "unexpected option %s\n", option);
    }
}

const HmpCommand hmp_calc_dirty_rate = {
    .name = "calc_dirty_rate",
    .args = {{"dirty_ring", HMP_FLAG, .flag = 'r'},
             {"dirty_bitmap", HMP_FLAG, .flag = 'b'},
             {"second", HMP_LONG},
             {"sample_pages_per_GB", HMP_LONG, true}},
    .params = "[-r] [-b] second [sample_pages_per_GB]",
    .help = "start a round of guest dirty rate measurement (using -r to\n"
            "\t\t\t specify dirty ring as the method of calculation and\n"
            "\t\t\t -b to specify dirty bitmap as method of calculation)",
    .refused = HMP_NO_MEMORY,
};

const HmpCommand hmp_cancel_vcpu_dirty_limit = {
    .name = "cancel_vcpu_dirty_limit",
    .args = {{"cpu_index", HMP_LONG, true}},
    .params = "[cpu_index]",
    .help = "cancel dirty page rate limit, use cpu_index to cancel\n"
            "\t\t\t\t\t limit on a specified virtual cpu",
    .answer = "[Please use 'info vcpu_dirty_limit' to query dirty limit for "
              "virtual CPU]\n",
};

const HmpCommand hmp_exit_preconfig = {
    .name = "exit_preconfig",
    .params = "",
    .help = "exit the preconfig state",
    .answer =
        "Error: The command is permitted only before machine initialization\n",
};

const HmpCommand hmp_replay_break = {
    .name = "replay_break",
    .args = {{"icount", HMP_LONG}},
    .params = "icount",
    .help = "set breakpoint at the specified instruction count",
    .answer = "setting the breakpoint is allowed only in play mode\n",
};

const HmpCommand hmp_replay_delete_break = {
    .name = "replay_delete_break",
    .params = "",
    .help = "remove replay breakpoint",
    .answer = "replay breakpoints are allowed only in play mode\n",
};

const HmpCommand hmp_replay_seek = {
    .name = "replay_seek",
    .args = {{"icount", HMP_LONG}},
    .params = "icount",
    .help = "replay execution to the specified instruction count",
    .answer = "replay must be enabled to seek\n",
};

const HmpCommand hmp_set_vcpu_dirty_limit = {
    .name = "set_vcpu_dirty_limit",
    .args = {{"dirty_rate", HMP_LONG}, {"cpu_index", HMP_LONG, true}},
    .params = "dirty_rate [cpu_index]",
    .help = "set dirty page rate limit, use cpu_index to set limit\n"
            "\t\t\t\t\t on a specified virtual cpu",
    .answer = "Error: dirty page limit feature requires KVM with accelerator "
              "property 'dirty-ring-size' set'\n",
};

const HmpCommand hmp_singlestep = {
    .name = "singlestep",
    .args = {{"option", HMP_STRING, true}},
    .params = "[on|off]",
    .help = "run emulation in singlestep mode or switch to normal mode",
    .co_run = co_singlestep,
};

const HmpCommand hmp_x_colo_lost_heartbeat = {
    .name = "x_colo_lost_heartbeat",
    .params = "",
    .help = "Tell COLO that heartbeat is lost,\n"
            "\t\t\ta failover or takeover is needed.",
    .answer = "Error: The feature 'colo' is not enabled\n",
};
