/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that make monitors, ports, and the test protocol's. */
#include "monitor/monitor.h"
#include "tools/apply-text.h"
#include "tools/machine/apply.h"

bool apply_mon(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *text = apply_flags_written_out(option, "chardev");

    return apply_monitor_text(text, MONITOR_MODE_READLINE, errp);
}

/* In front of the name of a chardev that is there already. */
#define CHARDEV "chardev:"

/* What -qmp, -monitor and -qtest listen or speak on is made with the other
 * channels; the monitor comes later. */
static char *channel_id(Apply *apply)
{
    return g_strdup_printf("compat_monitor%u", apply->monitors++);
}

/* Says what is wrong with the channel, before what that leads to. */
static void tell_first(const MachineOption *option, Error **errp)
{
    error_prepend(errp, "%s: ", option->shown);
    error_report_err(*errp);
    *errp = NULL;
}

bool co_open_monitor(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *id = channel_id(apply);
    Chardev *chr;

    if (g_str_has_prefix(option->text, CHARDEV)) {
        const char *name = option->text + strlen(CHARDEV);

        if (!chardev_find(name)) {
            error_set(errp, "chardev \"%s\" not found", name);
            return false;
        }
        return true;
    }
    if (co_machine_channel(option->text, id, &chr, errp)) {
        return true;
    }
    if (g_str_has_prefix(error_text(*errp), "Failed to ")) {
        return false; /* it says all */
    }
    tell_first(option, errp);
    error_set(errp, "parse error: %s", option->text);
    return false;
}

bool apply_monitor(Apply *apply, const MachineOption *option, Error **errp)
{
    bool named = g_str_has_prefix(option->text, CHARDEV);
    g_autofree char *own = channel_id(apply);
    const char *id = named ? option->text + strlen(CHARDEV) : own;
    MonitorMode mode = option->kind == MOPT_MONITOR ? MONITOR_MODE_READLINE
                                                    : MONITOR_MODE_CONTROL;
    g_autofree char *text = g_strdup_printf(
        "%s%s", id, option->kind == MOPT_QMP_PRETTY ? ",pretty=on" : "");

    /* "none" and "null" have no other side. */
    return !chardev_find(id) || apply_monitor_text(text, mode, errp);
}

/* A port's other side, which nobody speaks to. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_open_port(const char *text, const char *id, Error **errp)
{
    Chardev *chr;

    if (g_str_has_prefix(text, CHARDEV)) {
        chr = chardev_find(text + strlen(CHARDEV));
        return chr && chardev_claim(chr, errp);
    }
    return co_machine_channel(text, id, &chr, errp) &&
           (!chr || chardev_claim(chr, errp));
}

bool co_apply_port(Apply *apply, const MachineOption *option, Error **errp)
{
    bool serial = !strcmp(option->name, "serial");
    g_autofree char *id = g_strdup_printf(
        "%s%u", option->name, serial ? apply->serials++ : apply->parallels++);

    if (co_open_port(option->text, id, errp)) {
        return true;
    }
    if (*errp) {
        tell_first(option, errp);
    }
    error_set(errp, "could not connect %s device to character backend '%s'",
              option->name, option->text);
    return false;
}

bool co_apply_qtest(Apply *apply, const MachineOption *option, Error **errp)
{
    Chardev *chr;

    if (!co_machine_channel(option->text, "qtest", &chr, errp)) {
        if (errp && *errp) {
            error_report_err(*errp);
            *errp = NULL;
        }
        error_set(errp, "Failed to initialize device for qtest: \"%s\"",
                  option->text);
        return false;
    }
    if (chr && chardev_claim(chr, errp)) {
        machine_qtest_start(chr);
        return true;
    }
    return !chr;
}
