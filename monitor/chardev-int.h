/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a chardev is made of: for chardev.c and chardev-socket.c only. */
#ifndef MONITOR_CHARDEV_INT_H
#define MONITOR_CHARDEV_INT_H

#include "monitor/chardev.h"
#include "util/list.h"
#include "util/reactor/reactor.h"

struct Chardev {
    /* CONST */
    char *id;
    ChardevOptions *options;
    int listen_fd;     /* of a server, else -1 */
    char *unlink_path; /* socket file to remove at the end, or NULL */
    /* CONTROL */
    bool claimed;
    bool stopped;
    bool had_connection;
    int next_fd;        /* connection that waits to be taken, or -1 */
    CoQueue stop_queue; /* who sleeps until chardevs_stop */
    ListLink link;
};

/* The parts that differ by kind. open: false with @errp set. connect: a
 * connected fd or -1 when there will be none. */
bool co_chardev_socket_open(Chardev *chr, Error **errp) COROUTINE_ONLY;
int co_chardev_socket_connect(Chardev *chr) COROUTINE_ONLY;

#endif
