/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the machine runs. Without a guest that is a word: requests of users
 * are served in every state.
 *
 *     prelaunch, inmigrate --cont--> running <--cont/stop--> paused
 *                                       |a request fails, werror=stop
 *                                       v
 *                                    io-error --cont--> running
 *
 * All: control thread.
 */
#ifndef DEVICES_RUN_STATE_H
#define DEVICES_RUN_STATE_H

#include "qapi/qapi-types.h"
#include "util/annotations.h"

/* A machine will come: devices that are made from now on wait for their
 * images. Before run_state_begin. */
void run_state_expect(void) CONTROL_ONLY;
/* At the end of the start: it runs, unless it is to wait for `cont` or for a
 * migration. */
void run_state_begin(bool stopped, bool incoming) CONTROL_ONLY;
RunState run_state_get(void) CONTROL_ONLY;
/* Goes over to @state; STOP or RESUME is told if it stops or goes on. */
void run_state_set(RunState state) CONTROL_ONLY;
/* How long it has run by now; run_state_set_clock_ns: it is that long ago that
 * it began, for it was made what it once was. */
int64_t run_state_clock_ns(void) CONTROL_ONLY;
void run_state_set_clock_ns(int64_t ns) CONTROL_ONLY;
/* Whether it runs when the machine that it waits for has come. */
bool run_state_runs_after(void) CONTROL_ONLY;
/* Why the program ends; for SHUTDOWN and the end of run_state_begin's life. */
void run_state_tell_shutdown(ShutdownCause cause) CONTROL_ONLY;

#endif
