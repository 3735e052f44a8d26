/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tidemark daemon`: the life of the storage daemon.
 *
 *     co_daemon_start --> serving --quit or signal--> co_stop --> end
 *           |failed ------------------------------------^
 *
 * Invariants:
 * 1. Monitors take clients only when all options were applied.
 * 2. However it ends, jobs are cancelled, exports closed, images flushed and
 *    closed, socket and pid files removed, in this order.
 * 3. A service manager hears READY=1 after all is set up and monitors take
 *    clients, then STOPPING=1 before anything is taken down.
 * 4. Signals after the first change nothing. If the end takes longer than
 *    --stop-timeout (a disk hangs), the process gives up: exit code 1, pid and
 *    socket files removed, images as after a crash.
 * 5. The answer to `quit` is sent after all that is done but for the files.
 */
#include <stdio.h>
#include <unistd.h>

#include "block/backend/backend.h"
#include "block/export/export.h"
#include "block/export/nbd-server.h"
#include "block/filter/copy-before-write.h"
#include "block/filter/throttle-group.h"
#include "block/graph/node.h"
#include "block/job/job.h"
#include "block/net/nbd.h"
#include "monitor/control.h"
#include "monitor/dispatch.h"
#include "monitor/chardev.h"
#include "monitor/hmp/hmp.h"
#include "monitor/monitor.h"
#include "objects/object.h"
#include "tools/daemon-apply.h"
#include "tools/daemon-process.h"
#include "tools/tools.h"
#include "util/log.h"
#include "util/reactor/service.h"

#define NS_PER_S INT64_C(1000000000)

typedef struct Daemon {
    /* CONST */
    DaemonOptions options;
    int ready_fd; /* to the parent in the foreground, or -1 */
    int signal_fd;
    /* CONTROL */
    bool pidfile_written;
    bool announced; /* to the service manager */
    bool end_asked; /* by quit or a signal */
    bool quit_runs; /* a command `quit` waits for the end */
    bool stopped;   /* everything but the monitors */
    bool watcher_ended;
    CoQueue changed;
    Timer stop_timer;
    int exit_code;
} Daemon;

/* A disk that hangs is not to keep the process for ever. */
CONTROL_ONLY
static void give_up(void *opaque)
{
    Daemon *d = opaque;

    log_say(LOG_LEVEL_ERROR,
            "not ended within %u seconds: giving up, images "
            "are not closed",
            d->options.stop_timeout_s);
    nbd_server_unlink();
    chardevs_unlink();
    if (d->pidfile_written) {
        io_unlink(d->options.pidfile);
    }
    fflush(NULL);
    _exit(1);
}

static void ask_end(Daemon *d)
{
    if (!d->end_asked && d->options.stop_timeout_s) {
        timer_arm(&d->stop_timer,
                  reactor_now_ns() + d->options.stop_timeout_s * NS_PER_S);
    }
    d->end_asked = true;
    coqueue_wake_all(&d->changed);
}

/* The command `quit`. */
COROUTINE_ONLY
static void co_quit(void *opaque)
{
    Daemon *d = opaque;

    d->quit_runs = true;
    log_say(LOG_LEVEL_INFO, "ending: a client has sent quit");
    ask_end(d);
    while (!d->stopped) {
        co_queue_wait(&d->changed);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_watch_signals(void *opaque)
{
    Daemon *d = opaque;
    int signo;

    while ((signo = co_process_wait_signal(d->signal_fd, NULL))) {
        log_say(LOG_LEVEL_INFO, "%s: %s",
                d->end_asked ? "ending already" : "ending", g_strsignal(signo));
        ask_end(d);
        /* A start may be waiting for the first client of a monitor. */
        chardevs_stop();
    }
    d->watcher_ended = true;
    coqueue_wake_all(&d->changed);
}

/* --- start --------------------------------------------------------------- */

COROUTINE_ONLY
static bool co_write_pidfile(Daemon *d)
{
    Error *err = NULL;

    if (!d->options.pidfile) {
        return true;
    }
    if (!co_pidfile_write(d->options.pidfile, &err)) {
        error_prepend(&err, "cannot create PID file: ");
        error_report_err(err);
        return false;
    }
    d->pidfile_written = true;
    return true;
}

static bool tell_ready(Daemon *d)
{
    Error *err = NULL;

    if (d->ready_fd >= 0 && !process_ready(d->ready_fd, &err)) {
        error_report_err(err);
        return false;
    }
    return true;
}

/* That it cannot be said stops no service: who waits for it in vain, acts. */
COROUTINE_ONLY
static void co_tell_manager(const char *state)
{
    Error *err = NULL;

    if (!co_service_notify(state, &err)) {
        log_say(LOG_LEVEL_WARNING, "%s", error_text(err));
        error_free(err);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool co_daemon_start(Daemon *d)
{
    bool done = false;

    if (!co_daemon_apply(&d->options, &done)) {
        /* A signal in the middle of it is a wish, not a failure. */
        return d->end_asked;
    }
    if (done) {
        ask_end(d);
        return true;
    }
    if (!co_write_pidfile(d) || !tell_ready(d)) {
        return false;
    }
    monitors_start();
    d->announced = true;
    log_say(LOG_LEVEL_INFO, "ready");
    co_tell_manager("READY=1");
    return true;
}

/* --- end ----------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_stop(Daemon *d)
{
    throttle_release_all();
    nbd_release_all();
    dispatch_close();
    if (!d->quit_runs) {
        co_dispatch_wait_idle();
    }
    co_nbd_server_stop(NULL);
    co_exports_shutdown();
    co_jobs_shutdown();
    co_cbw_wait_late();
    co_graph_shutdown();
    co_objects_free();
    d->stopped = true;
    coqueue_wake_all(&d->changed);
}

COROUTINE_ONLY CONTROL_ONLY static void co_end(Daemon *d)
{
    if (d->announced) {
        co_tell_manager("STOPPING=1");
    }
    co_stop(d);
    co_monitors_shutdown();
    if (d->pidfile_written) {
        io_unlink(d->options.pidfile);
    }
    io_cancel_fd(d->signal_fd);
    while (!d->watcher_ended) {
        co_queue_wait(&d->changed);
    }
    timer_cancel(&d->stop_timer);
    log_sum_up();
    log_say(LOG_LEVEL_INFO, "ended");
}

COROUTINE_ONLY CONTROL_ONLY static void co_daemon(void *opaque)
{
    Daemon *d = opaque;

    coqueue_init(&d->changed);
    timer_init(&d->stop_timer, give_up, d);
    log_say(LOG_LEVEL_INFO, "starting as process %d", (int)getpid());
    daemon_hide_commands();
    monitors_init();
    hmp_init();
    backends_init();
    control_set_quit(co_quit, d);
    coroutine_start(co_watch_signals, d);
    d->exit_code = co_daemon_start(d) ? 0 : 1;
    while (!d->exit_code && !d->end_asked) {
        co_queue_wait(&d->changed);
    }
    co_end(d);
}

/* --- main ---------------------------------------------------------------- */

static bool set_up(Daemon *d, Error **errp)
{
    /* They are meant for this process id. */
    if (!service_sockets_init(errp)) {
        return false;
    }
    if (d->options.daemonize) {
        d->ready_fd = process_daemonize(errp);
        if (d->ready_fd < 0) {
            return false;
        }
    }
    d->signal_fd = process_catch_signals(errp);
    return d->signal_fd >= 0 && reactor_new(REACTOR_AUTO, errp);
}

static int run(Daemon *d)
{
    Error *err = NULL;

    if (!set_up(d, &err)) {
        error_report_err(err);
        return 1;
    }
    reactor_run_coroutine(co_daemon, d);
    io_close(d->signal_fd);
    reactor_free(reactor_current());
    coroutine_pool_drain();
    return d->exit_code;
}

int tool_daemon_main(int argc, char **argv)
{
    Daemon d = {.ready_fd = -1, .signal_fd = -1};
    int exit_code;

    if (daemon_options_parse(&d.options, argc, argv, &exit_code)) {
        log_set_level(d.options.log_level);
        exit_code = run(&d);
    }
    daemon_options_free(&d.options);
    return exit_code;
}
