/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monitors: each serves the connections of one chardev, one after the other,
 * with a QMP session. The monitor is also where events go.
 *
 * Invariants:
 * 1. Between monitor_add and monitors_start clients may connect; they are
 *    greeted after the start, when the program is complete.
 * 2. An event reaches every session that has negotiated, in the order in which
 *    events were emitted, with the time at which it was.
 * All: control thread.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "qapi/qapi-types.h"
#include "util/annotations.h"
#include "util/error.h"

/* Once, first. Events are sent to sessions from now on. */
void monitors_init(void) CONTROL_ONLY;

/* A monitor on an existing chardev. Texts are QEMU's. */
bool monitor_add(const MonitorOptions *options, Error **errp) CONTROL_ONLY;

/* The program is about to end since one of its devices cannot be made: who
 * reads standard output sees that its monitors were there, as with QEMU. */
void monitors_greet_in_vain(void) CONTROL_ONLY;

/* Takes clients. */
void monitors_start(void) CONTROL_ONLY;

/* Sends what waits to be sent, for a second at most, and ends all sessions,
 * monitors and chardevs. No command runs any more (dispatch_close). */
void co_monitors_shutdown(void) COROUTINE_ONLY CONTROL_ONLY;

#endif
