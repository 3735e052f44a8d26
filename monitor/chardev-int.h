/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a chardev is made of: for the files chardev*.c only. */
#ifndef MONITOR_CHARDEV_INT_H
#define MONITOR_CHARDEV_INT_H

#include "monitor/chardev.h"
#include "util/list.h"
#include "util/reactor/reactor.h"

typedef struct RingBuffer RingBuffer;

struct Chardev {
    /* CONST */
    char *id;
    ChardevOptions *options;
    int listen_fd;     /* of a server, else -1 */
    int held_fd;       /* of a file or terminal, else -1 */
    int log_fd;        /* of its log, else -1 */
    char *pty_name;    /* the terminal's other side, or NULL */
    char *unlink_path; /* socket file to remove at the end, or NULL */
    /* CONTROL */
    RingBuffer *ring; /* NULL: it is none */
    bool claimed;
    bool stopped;
    bool had_connection;
    int next_fd;        /* connection that waits to be taken, or -1 */
    int current_fd;     /* the one that was taken, or -1 */
    CoQueue stop_queue; /* who sleeps until chardevs_stop */
    ListLink link;
};

/* The parts that differ by kind. open: false with @errp set. connect: a
 * connected fd or -1 when there will be none. */
bool co_chardev_socket_open(Chardev *chr, Error **errp) COROUTINE_ONLY;
int co_chardev_socket_connect(Chardev *chr) COROUTINE_ONLY;

bool chardev_silent_open(Chardev *chr, Error **errp) CONTROL_ONLY;
void chardev_silent_close(Chardev *chr) CONTROL_ONLY;

/* co_chardev_new() under any name that is not taken. */
Chardev *co_chardev_make(const ChardevOptions *options,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* In the order in which they were made; NULL ends. */
Chardev *chardev_next(Chardev *chr) CONTROL_ONLY;
/* Nobody uses it. */
void chardev_remove(Chardev *chr) CONTROL_ONLY;

#endif
