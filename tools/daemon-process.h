/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a Unix process: background, pid file, signals.
 *
 * Invariant: the parent that `--daemonize` leaves in the foreground ends when
 * the child is ready (exit code 0) or has ended (its exit code).
 */
#ifndef TOOLS_DAEMON_PROCESS_H
#define TOOLS_DAEMON_PROCESS_H

#include "util/annotations.h"
#include "util/error.h"

/* Forks; returns in the child only. Before there are reactors or threads. The
 * result goes to process_ready, -1 with @errp. */
int process_daemonize(Error **errp);
/* In the child: lets go of the terminal, the directory and the parent.
 * @ready_fd: what process_daemonize gave. */
bool process_ready(int ready_fd, Error **errp);

/* Creates and locks @path and writes our id into it. The lock lasts as long as
 * the process. Texts are QEMU's. */
bool co_pidfile_write(const char *path, Error **errp) COROUTINE_ONLY;

/* From now on SIGINT, SIGTERM and SIGHUP come out of the descriptor that this
 * returns (-1 with @errp) instead of ending the process; SIGPIPE is ignored.
 * Before there are threads. */
int process_catch_signals(Error **errp);
/* Waits for one of them: its number; 0: cancelled (io_cancel_fd). @sender, if
 * not NULL, becomes who sent it; 0: nobody did. */
int co_process_wait_signal(int signal_fd, pid_t *sender) COROUTINE_ONLY;
/* How @pid was called, as long as that is known: the caller frees it. */
char *process_name(pid_t pid);

#endif
