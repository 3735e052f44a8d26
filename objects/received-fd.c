/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors between a client and a command: see received-fd.h. */
#include "objects/received-fd.h"

#include <string.h>

#include "util/reactor/reactor.h"

#define RECEIVED_MAX 16

/* CONTROL */
static int received[RECEIVED_MAX];
static unsigned n_received;

void received_fd_add(int fd)
{
    if (n_received == RECEIVED_MAX) {
        io_close(fd);
        return;
    }
    received[n_received++] = fd;
}

void received_fds_drop(void)
{
    while (n_received) {
        io_close(received[--n_received]);
    }
}

int received_fd_take(void)
{
    int fd;

    if (!n_received) {
        return -1;
    }
    fd = received[0];
    n_received--;
    memmove(received, received + 1, n_received * sizeof(received[0]));
    return fd;
}
