/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NBD server with a disk, for tests of the server. Server and clients are
 * coroutines of one reactor, joined by a unix socket.
 */
#ifndef TESTS_UNIT_NBD_SERVED_H
#define TESTS_UNIT_NBD_SERVED_H

#include "block/export/nbd-server.h"
#include "ram-node.h"

#define DISK_BYTES (8u << 20)

extern char *served_path; /* of the socket */
/* "disk", zeroes; @served_second is dropped too at the end if a test sets it.
 */
extern Node *served_disk, *served_second;

/* The parts of co_served_start. */
void co_served_open_disk(void);
void served_start(uint32_t max_connections); /* 0: any number */
bool co_served_add(const char *text, Error **errp);
/* The disk, the server, and the writable export "e" of the disk. */
void co_served_start(void);
void co_served_stop(void);
/* A new client is served: nothing was broken for the others. */
void co_served_check_alive(void);

typedef struct ServedTest {
    const char *name; /* NULL ends them */
    CoroutineEntry *entry;
} ServedTest;

/* A whole test program. */
int served_run(int argc, char **argv, const ServedTest *tests);

#endif
