/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QMP conversation: greeting, requests, answers, events. Three coroutines:
 * the reader (who called co_session_run), the executor, which runs requests in
 * order, and the sender (output.h).
 *
 *     reader --requests, at most SESSION_MAX_REQUESTS--> executor --> sender
 *
 * Invariants:
 * 1. Answers come in the order of the requests; only those of `exec-oob`
 *    overtake.
 * 2. A request that was received whole is run, also when the client has closed
 *    its side meanwhile (unless the program ends).
 * 3. Nothing of a session outlives co_session_run, however the client left.
 * All: control thread.
 */
#ifndef MONITOR_SESSION_H
#define MONITOR_SESSION_H

#include "monitor/chardev.h"
#include "qapi/qapi-types.h"

#include <json-c/json.h>

/* Requests that wait; more stay in the socket. One slice of input (see
 * session.c) may bring some more. */
#define SESSION_MAX_REQUESTS 8

/* Serves @stream until the client has left or co_sessions_end. Does not close
 * its descriptors. @pretty: indented output. */
void co_session_run(const Stream *stream,
                    bool pretty) COROUTINE_ONLY CONTROL_ONLY;

/* Sends @event to all sessions that have negotiated. Does not yield. */
void sessions_broadcast(json_object *event) CONTROL_ONLY;

/* Ends all sessions; answers and events that wait are sent if the clients take
 * them soon. Returns while the sessions are ending. */
void co_sessions_end(void) COROUTINE_ONLY CONTROL_ONLY;

#endif
