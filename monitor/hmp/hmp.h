/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HMP: the monitor's commands for people. A command line becomes words by the
 * command's own table, and then, wherever there is one, a command of QMP: what
 * is done and what is refused is the same.
 *
 * Invariants:
 * 1. A line is run while no other command is run (as a command of QMP, or
 *    between co_dispatch_begin and dispatch_end).
 * 2. What a line prints is a string with "\n" at line ends; the session makes
 *    "\r\n" of them.
 * All: control thread.
 */
#ifndef MONITOR_HMP_HMP_H
#define MONITOR_HMP_HMP_H

#include <glib.h>
#include <stdbool.h>

#include "util/annotations.h"

/* Once: monitors may speak HMP from now on (mode=readline). */
void hmp_init(void);

/* Runs one line and returns what it printed. */
GString *co_hmp_run(const char *line) COROUTINE_ONLY CONTROL_ONLY;
/* The same for a session. *@waits is set if it takes no more lines until the
 * migration that the line began is over. */
GString *co_hmp_run_in_session(const char *line,
                               bool *waits) COROUTINE_ONLY CONTROL_ONLY;

/* The words that could stand where @line ends, for line editors: names of
 * commands, of what info shows, of devices, nodes, jobs, exports. Each is a
 * string of the array's. */
GPtrArray *hmp_complete(const char *line) CONTROL_ONLY;

/* The program ends: requests that qemu-io has under way are let go. */
void hmp_close(void) CONTROL_ONLY;

#endif
