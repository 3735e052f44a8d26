/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's state and the commands that change it: see run-state.h. */
#include "devices/run-state.h"

#include "block/backend/backend.h"
#include "block/graph/activity.h"
#include "block/job/block-job.h"
#include "block/graph/snapshot.h"
#include "devices/board.h"
#include "devices/device.h"
#include "objects/fd-set.h"
#include "objects/named-fd.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-events.h"
#include "util/reactor/reactor.h"
#include "util/reactor/virtual-clock.h"

/* CONTROL */
static RunState state = RUN_STATE_PRELAUNCH;
static bool runs_after;       /* the migration that is waited for */
static int64_t ran_before_ns; /* until the last stop */
static int64_t runs_since_ns; /* while it runs */

int64_t run_state_clock_ns(void)
{
    if (vclock_stands_still()) {
        return vclock_now_ns();
    }
    return ran_before_ns +
           (state == RUN_STATE_RUNNING ? reactor_now_ns() - runs_since_ns : 0);
}

void run_state_set_clock_ns(int64_t ns)
{
    ran_before_ns = ns;
    runs_since_ns = reactor_now_ns();
}

RunState run_state_get(void)
{
    return state;
}

bool run_state_runs_after(void)
{
    return runs_after;
}

void run_state_set(RunState next)
{
    bool ran = state == RUN_STATE_RUNNING, runs = next == RUN_STATE_RUNNING;

    ran_before_ns = run_state_clock_ns();
    runs_since_ns = reactor_now_ns();
    state = next;
    if (runs && !ran) {
        qapi_event_resume();
        devices_let_go(false);
    } else if (ran && !runs) {
        qapi_event_stop();
    }
    fd_sets_machine_runs(runs);
}

/* A request failed, and the disk is to be looked after first. */
CONTROL_ONLY
static void stop_for_error(void)
{
    if (state == RUN_STATE_RUNNING) {
        run_state_set(RUN_STATE_IO_ERROR);
    }
}

void run_state_expect(void)
{
    state = RUN_STATE_INMIGRATE;
}

void run_state_begin(bool stopped, bool incoming)
{
    backends_on_stop(stop_for_error);
    fd_sets_machine_runs(false);
    named_fds_offer();
    internal_snapshots_use_clock(run_state_clock_ns);
    if (incoming) {
        state = RUN_STATE_INMIGRATE;
        runs_after = !stopped;
    } else if (!stopped) {
        run_state_set(RUN_STATE_RUNNING);
    }
}

void run_state_tell_shutdown(ShutdownCause cause)
{
    QapiEventShutdown data = {.guest = false, .reason = cause};

    qapi_event_shutdown(&data);
}

/* --- commands ------------------------------------------------------------ */

StatusInfo *qmp_query_status(Error **errp)
{
    StatusInfo *info = g_new0(StatusInfo, 1);

    info->status = state;
    info->running = state == RUN_STATE_RUNNING;
    return info;
}

bool qmp_stop(Error **errp)
{
    jobs_show_pause();
    if (state == RUN_STATE_RUNNING) {
        run_state_set(RUN_STATE_PAUSED);
    }
    return true;
}

bool qmp_cont(Error **errp)
{
    if (state == RUN_STATE_FINISH_MIGRATE) {
        error_set(errp, "Migration is not finalized yet");
        return false;
    }
    if (state == RUN_STATE_SHUTDOWN) {
        error_set(errp, "Resetting the Virtual Machine is required");
        return false;
    }
    /* After a migration the images may be another program's. */
    if (!co_graph_activate_all(errp)) {
        return false;
    }
    switch (state) {
    case RUN_STATE_INMIGRATE:
        /* It goes on by itself when the migration is complete. */
        runs_after = true;
        return true;
    default:
        backends_forget_errors();
        run_state_set(RUN_STATE_RUNNING);
        return true;
    }
}

bool qmp_system_powerdown(Error **errp)
{
    qapi_event_powerdown();
    return true;
}

bool qmp_system_wakeup(Error **errp)
{
    control_assert();
    if (!board_chosen()->pci_bus) {
        error_set(errp, "wake-up from suspend is not supported by this guest");
        return false;
    }
    if (state != RUN_STATE_SUSPENDED) {
        error_set(errp, "Unable to wake up: guest is not in suspended state");
        return false;
    }
    run_state_set(RUN_STATE_RUNNING);
    return true;
}
