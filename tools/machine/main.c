/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tidemark machine`: the life of a machine without a guest.
 *
 *     probes -> co_start -> serving --quit or signal--> co_stop --> end
 *
 * Invariants:
 * 1. What only asks (help, lists) does nothing else.
 * 2. SHUTDOWN is told first, then jobs are cancelled, which tells of events,
 *    and then `quit` is answered.
 * 3. However it ends, exports, jobs, devices, drives and nodes go in this
 *    order, and files are flushed.
 */
#include <stdio.h>
#include <unistd.h>

#include "block/backend/backend.h"
#include "block/export/export.h"
#include "block/export/nbd-server.h"
#include "block/filter/copy-before-write.h"
#include "block/filter/throttle-group.h"
#include "block/graph/format.h"
#include "block/graph/node.h"
#include "block/job/job.h"
#include "block/net/nbd.h"
#include "devices/action.h"
#include "devices/device.h"
#include "devices/run-state.h"
#include "migration/migration.h"
#include "monitor/control.h"
#include "monitor/dispatch.h"
#include "monitor/hmp/hmp.h"
#include "monitor/monitor.h"
#include "objects/object.h"
#include "tools/daemon-process.h"
#include "tools/machine/machine.h"
#include "tools/tools.h"
#include "util/reactor/service.h"
#include "util/reactor/virtual-clock.h"

typedef struct Machine {
    /* CONST */
    GPtrArray *options;
    const char *pidfile;
    bool daemonize;
    int ready_fd;
    int signal_fd;
    /* CONTROL */
    bool pidfile_written;
    bool end_asked;
    bool stopped;
    bool watcher_ended;
    CoQueue changed;
    int exit_code;
} Machine;

static void ask_end(Machine *m)
{
    m->end_asked = true;
    coqueue_wake_all(&m->changed);
}

COROUTINE_ONLY CONTROL_ONLY static void co_wait_stopped(void *opaque)
{
    Machine *m = opaque;

    while (!m->stopped) {
        co_queue_wait(&m->changed);
    }
}

/* The command `quit`: it is answered when nothing is left to be told. */
COROUTINE_ONLY CONTROL_ONLY static void co_quit(void *opaque)
{
    Machine *m = opaque;

    if (!m->end_asked) {
        run_state_tell_shutdown(SHUTDOWN_CAUSE_HOST_QMP_QUIT);
    }
    ask_end(m);
    co_dispatch_stand_aside(co_wait_stopped, m);
}

static void report_signal(int signo, pid_t sender)
{
    g_autofree char *name = NULL;

    if (!sender) {
        error_report("terminating on signal %d", signo);
        return;
    }
    name = process_name(sender);
    error_report("terminating on signal %d from pid %ld (%s)", signo,
                 (long)sender, name);
}

COROUTINE_ONLY CONTROL_ONLY static void co_watch_signals(void *opaque)
{
    Machine *m = opaque;
    pid_t sender;
    int signo;

    while ((signo = co_process_wait_signal(m->signal_fd, &sender))) {
        if (!m->end_asked) {
            report_signal(signo, sender);
            run_state_tell_shutdown(SHUTDOWN_CAUSE_HOST_SIGNAL);
        }
        ask_end(m);
        /* A start may be waiting for the first client of a monitor. */
        chardevs_stop();
    }
    m->watcher_ended = true;
    coqueue_wake_all(&m->changed);
}

/* A reset or a shutdown ends it, which was told. */
static void shut_down(void *opaque)
{
    ask_end(opaque);
}

/* What came cannot be run. */
static void incoming_failed(void *opaque)
{
    Machine *m = opaque;

    m->exit_code = 1;
    ask_end(m);
}

/* --- start --------------------------------------------------------------- */

COROUTINE_ONLY
static bool co_write_pidfile(Machine *m)
{
    Error *err = NULL;

    if (!m->pidfile) {
        return true;
    }
    if (!co_pidfile_write(m->pidfile, &err)) {
        error_prepend(&err, "cannot create PID file: ");
        error_report_err(err);
        return false;
    }
    m->pidfile_written = true;
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_start(Machine *m)
{
    Error *err = NULL;

    if (!co_machine_apply(m->options) || !co_write_pidfile(m)) {
        return false;
    }
    if (m->ready_fd >= 0 && !process_ready(m->ready_fd, &err)) {
        error_report_err(err);
        return false;
    }
    monitors_start();
    return true;
}

/* --- end ----------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_stop(Machine *m)
{
    throttle_release_all();
    backends_release();
    nbd_release_all();
    dispatch_close();
    co_dispatch_wait_idle();
    co_migration_shutdown();
    co_nbd_server_stop(NULL);
    co_exports_shutdown();
    co_jobs_shutdown();
    co_cbw_wait_late();
    co_devices_shutdown();
    co_graph_shutdown();
    co_objects_free();
}

COROUTINE_ONLY CONTROL_ONLY static void co_end(Machine *m)
{
    co_stop(m);
    m->stopped = true;
    coqueue_wake_all(&m->changed);
    chardevs_stop();
    co_machine_qtest_stop();
    co_monitors_shutdown();
    if (m->pidfile_written) {
        io_unlink(m->pidfile);
    }
    io_cancel_fd(m->signal_fd);
    while (!m->watcher_ended) {
        co_queue_wait(&m->changed);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_machine(void *opaque)
{
    Machine *m = opaque;

    coqueue_init(&m->changed);
    monitors_init();
    hmp_init();
    backends_init();
    devices_init_qom();
    control_set_quit(co_quit, m);
    migration_on_failure(incoming_failed, m);
    action_on_end(shut_down, m);
    coroutine_start(co_watch_signals, m);
    m->exit_code = co_start(m) || m->end_asked ? 0 : 1;
    while (!m->exit_code && !m->end_asked) {
        co_queue_wait(&m->changed);
    }
    co_end(m);
}

/* --- main ---------------------------------------------------------------- */

/* What has to be known before anything is made. */
static void look_ahead(Machine *m)
{
    for (guint i = 0; i < m->options->len; i++) {
        const MachineOption *option = m->options->pdata[i];

        switch (option->kind) {
        case MOPT_PIDFILE:
            m->pidfile = option->text;
            break;
        case MOPT_DAEMONIZE:
            m->daemonize = true;
            break;
        default:
            break;
        }
    }
}

/* The test protocol steps the clock; so does an accelerator that runs
 * nothing. */
static bool clock_stands_still(const Machine *m)
{
    for (guint i = 0; i < m->options->len; i++) {
        const MachineOption *option = m->options->pdata[i];

        if (option->kind == MOPT_QTEST ||
            (option->kind == MOPT_ACCEL &&
             g_str_has_prefix(option->text, "qtest"))) {
            return true;
        }
    }
    return false;
}

/* The terminal is not there any more when it is in the background. */
static bool stdio_is_free(const Machine *m, Error **errp)
{
    for (guint i = 0; i < m->options->len; i++) {
        const MachineOption *option = m->options->pdata[i];
        bool channel = option->kind == MOPT_MONITOR ||
                       option->kind == MOPT_QMP ||
                       option->kind == MOPT_QMP_PRETTY;

        if (channel && !strcmp(option->text, "stdio")) {
            error_set(errp, "%s: cannot use stdio with -daemonize",
                      option->shown);
            return false;
        }
    }
    return true;
}

static bool set_up(Machine *m, Error **errp)
{
    if (!service_sockets_init(errp)) {
        return false;
    }
    if (m->daemonize) {
        if (!stdio_is_free(m, errp)) {
            return false;
        }
        m->ready_fd = process_daemonize(errp);
        if (m->ready_fd < 0) {
            return false;
        }
    }
    m->signal_fd = process_catch_signals(errp);
    return m->signal_fd >= 0 && reactor_new(REACTOR_AUTO, errp);
}

static int run(Machine *m)
{
    Error *err = NULL;

    look_ahead(m);
    format_for_machine = true;
    if (!set_up(m, &err)) {
        error_report_err(err);
        return 1;
    }
    if (clock_stands_still(m)) {
        control_assert();
        vclock_stand_still();
        devices_nobody_answers();
    }
    reactor_run_coroutine(co_machine, m);
    io_close(m->signal_fd);
    reactor_free(reactor_current());
    coroutine_pool_drain();
    return m->exit_code;
}

CONTROL_ONLY
int tool_machine_main(int argc, char **argv)
{
    Machine m = {.ready_fd = -1, .signal_fd = -1};
    int code;

    m.options = machine_options_parse(argc, argv);
    if (!m.options) {
        return 1;
    }
    code = machine_probe(m.options);
    code = code >= 0 ? code : run(&m);
    g_ptr_array_unref(m.options);
    return code;
}
