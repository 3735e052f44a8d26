/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: where the connections of a monitor come from. A listening
 * socket, a socket that is connected or connects, an inherited descriptor, or
 * standard input and output. Others are there for who asks for them
 * (chardev-silent.c).
 *
 * Invariants:
 * 1. A chardev has one connection at a time; further clients of a listening
 *    socket wait in its backlog.
 * 2. However a connection ended, the next one can be taken.
 * 3. A chardev has one user at most (chardev_claim).
 * All: control thread.
 */
#ifndef MONITOR_CHARDEV_H
#define MONITOR_CHARDEV_H

#include "qapi/qapi-types.h"
#include "util/annotations.h"
#include "util/error.h"

typedef struct Chardev Chardev;

/* One connection. */
typedef struct Stream {
    int in_fd, out_fd;     /* the same for sockets */
    size_t max_send_bytes; /* most to give to one send; pipes would block */
} Stream;

/*
 * Makes a chardev and puts it on the list. A socket listens or has connected
 * when this returns; with wait=on (the default of server=on) its first client
 * has come. Texts are QEMU's. The chardev lives until chardevs_free.
 */
Chardev *co_chardev_new(const ChardevOptions *options,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* NULL if there is none of that name. */
Chardev *chardev_find(const char *id) CONTROL_ONLY;
/* It is the process's standard input and output. */
bool chardev_is_stdio(const Chardev *chr) CONTROL_ONLY;
/* False, with a text, for a file, a terminal or a ring buffer: no user here
 * reads from these. What leads nowhere is as good as any. */
bool chardev_can_speak(const Chardev *chr, Error **errp) CONTROL_ONLY;
/* Makes the caller its user, or `Device 'ID' is in use`. */
bool chardev_claim(Chardev *chr, Error **errp) CONTROL_ONLY;

/* Waits for the next connection; false: there will be none any more. */
bool co_chardev_connect(Chardev *chr,
                        Stream *stream) COROUTINE_ONLY CONTROL_ONLY;
/* Ends what co_chardev_connect gave. */
void chardev_disconnect(Chardev *chr, const Stream *stream) CONTROL_ONLY;

/* No chardev gives connections from now on; who waits for one (here or in
 * co_chardev_new) returns soon. */
void chardevs_stop(void) CONTROL_ONLY;
/* Removes their socket files only, for an end in a hurry. */
void chardevs_unlink(void) CONTROL_ONLY;
/* Closes all and removes their socket files. Nobody waits or is connected. */
void chardevs_free(void) CONTROL_ONLY;

#endif
