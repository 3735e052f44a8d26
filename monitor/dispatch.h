/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one QMP request to its answer: the outer form, negotiation, the look-up
 * of the command, and the order in which commands run.
 *
 * Invariants:
 * 1. Over all sessions one command runs at a time, in order of arrival; it may
 *    yield. Commands that may run out of band (allow-oob) and are sent by
 *    `exec-oob` run at once, beside it.
 * 2. After dispatch_close no command starts.
 * Texts and classes of errors are QEMU 7.2's. Control thread.
 */
#ifndef MONITOR_DISPATCH_H
#define MONITOR_DISPATCH_H

#include <json-c/json.h>

#include "util/annotations.h"
#include "util/error.h"

/* What one session has negotiated. */
typedef struct QmpState {
    bool negotiated;
    bool oob;
} QmpState;

/* Once, before the first request. */
void dispatch_init(void);

/* True if @request asks to be run out of band by a session that may. */
bool dispatch_is_oob(const QmpState *state, json_object *request);

/*
 * Runs one request (any JSON value; borrowed) and returns the answer, which
 * the caller owns; NULL where there is none (a command without response, or
 * the program ends).
 */
json_object *co_dispatch(QmpState *state,
                         json_object *request) COROUTINE_ONLY CONTROL_ONLY;

/* The answer to what was no JSON; takes @err. */
json_object *dispatch_error_answer(Error *err);

/* The session whose command runs now: for the handlers in control.c. */
QmpState *dispatch_current_state(void);

/* Around what runs commands by itself (HMP): as if it were one command. False:
 * no command starts any more. */
bool co_dispatch_begin(void) COROUTINE_ONLY CONTROL_ONLY;
void dispatch_end(void) CONTROL_ONLY;

/* Within a command: waits by @co_wait, while others may run or the end come. */
void co_dispatch_stand_aside(void (*co_wait)(void *opaque),
                             void *opaque) COROUTINE_ONLY CONTROL_ONLY;

/* Starts no command any more; the one that runs goes on. */
void dispatch_close(void);
/* Waits until the command that runs has ended; after dispatch_close. Not from
 * within a command. */
void co_dispatch_wait_idle(void) COROUTINE_ONLY;

#endif
