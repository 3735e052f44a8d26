/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human-monitor-command, and where HMP is found: see human.h. */
#include "monitor/human.h"

#include "qapi/qapi-commands.h"
#include "util/stdout.h"

/* CONTROL */
static const HumanOps *human;

void human_set_ops(const HumanOps *ops)
{
    human = ops;
}

const HumanOps *human_ops(void)
{
    return human;
}

char *qmp_human_monitor_command(const QmpHumanMonitorCommandArgs *args,
                                Error **errp)
{
    g_autoptr(GString) text = NULL;
    g_auto(GStrv) lines = NULL;

    if (args->has_cpu_index && !(human && human->cpu_exists(args->cpu_index))) {
        error_set(errp, "Parameter 'cpu-index' expects a CPU number");
        return NULL;
    }
    if (!human) {
        error_set(errp, "This program has no commands for people");
        return NULL;
    }
    co_stdout_settle(); /* the command may print there */
    text = human->co_run(args->command_line);
    lines = g_strsplit(text->str, "\n", -1);
    return g_strjoinv("\r\n", lines);
}
