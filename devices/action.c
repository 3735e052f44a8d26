/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done on a reset and on a shutdown: see action.h. */
#include "devices/action.h"

#include "devices/device.h"
#include "devices/run-state.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-events.h"
#include "util/opts.h"
#include "util/reactor/reactor.h"

/* CONTROL */
static RebootAction on_reboot = REBOOT_ACTION_RESET;
static ShutdownAction on_shutdown = SHUTDOWN_ACTION_POWEROFF;
static void (*end_fn)(void *opaque);
static void *end_opaque;

void action_on_end(void (*fn)(void *opaque), void *opaque)
{
    end_fn = fn;
    end_opaque = opaque;
}

void action_set_reboot(RebootAction action)
{
    on_reboot = action;
}

void action_set_shutdown(ShutdownAction action)
{
    on_shutdown = action;
}

/* --- the command line ---------------------------------------------------- */

static bool refuse(const char *name, const char *value, Error **errp)
{
    error_set(errp, "Parameter '%s' does not accept value '%s'", name, value);
    return false;
}

static bool take_one(const Opt *opt, Error **errp)
{
    PanicAction panic;
    WatchdogAction watchdog;

    if (!strcmp(opt->name, "reboot")) {
        return RebootAction_parse(opt->value, &on_reboot) ||
               refuse(opt->name, opt->value, errp);
    }
    if (!strcmp(opt->name, "shutdown")) {
        return ShutdownAction_parse(opt->value, &on_shutdown) ||
               refuse(opt->name, opt->value, errp);
    }
    if (!strcmp(opt->name, "panic")) {
        return PanicAction_parse(opt->value, &panic) ||
               refuse(opt->name, opt->value, errp);
    }
    if (!strcmp(opt->name, "watchdog")) {
        return WatchdogAction_parse(opt->value, &watchdog) ||
               refuse(opt->name, opt->value, errp);
    }
    error_set(errp, "Invalid parameter '%s'", opt->name);
    return false;
}

bool action_set_words(const char *text, const char *where, Error **errp)
{
    Opts *opts = opts_parse(text, NULL, where);
    bool ok = true;

    for (guint i = 0; ok && i < opts->list->len; i++) {
        ok = take_one(opts->list->pdata[i], errp);
    }
    opts_free(opts);
    return ok;
}

/* --- commands ------------------------------------------------------------ */

bool qmp_set_action(const QmpSetActionArgs *args, Error **errp)
{
    control_assert();
    on_reboot = args->has_reboot ? args->reboot : on_reboot;
    on_shutdown = args->has_shutdown ? args->shutdown : on_shutdown;
    return true;
}

bool qmp_watchdog_set_action(const QmpWatchdogSetActionArgs *args, Error **errp)
{
    return true;
}

CONTROL_ONLY
static void shut_down(ShutdownCause cause)
{
    run_state_tell_shutdown(cause);
    if (on_shutdown == SHUTDOWN_ACTION_PAUSE || !end_fn) {
        run_state_set(RUN_STATE_SHUTDOWN);
    } else {
        end_fn(end_opaque);
    }
}

bool qmp_system_reset(Error **errp)
{
    QapiEventReset data = {.guest = false,
                           .reason = SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET};

    control_assert();
    if (on_reboot == REBOOT_ACTION_SHUTDOWN) {
        shut_down(SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
        return true;
    }
    if (run_state_get() == RUN_STATE_SHUTDOWN) {
        run_state_set(RUN_STATE_PRELAUNCH);
    }
    qapi_event_reset(&data);
    devices_let_go(true);
    return true;
}
