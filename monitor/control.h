/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands about the session and the program itself. Control thread. */
#ifndef MONITOR_CONTROL_H
#define MONITOR_CONTROL_H

#include <json-c/json.h>

#include "util/annotations.h"
#include "util/common.h"

/* The version of QEMU whose behaviour clients can expect. */
#define QMP_VERSION_MAJOR 7
#define QMP_VERSION_MINOR 2
#define QMP_VERSION_MICRO 22

/* The first document of a session; the caller owns it. */
json_object *control_greeting(void);

/*
 * What `quit` does. @co_quit brings everything to its end (jobs, exports,
 * nodes) and returns then: so the events of that come before the answer, as in
 * qemu-storage-daemon. It runs in the command's coroutine. Without one, quit
 * is an error.
 */
void control_set_quit(void (*co_quit)(void *opaque), void *opaque);

#endif
