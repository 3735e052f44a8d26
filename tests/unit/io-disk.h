/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk in memory with a user that may do everything. */
#ifndef TESTS_UNIT_IO_DISK_H
#define TESTS_UNIT_IO_DISK_H

#include "block/graph/root.h"
#include "block/io/io.h"
#include "ram-node.h"

#define RW (PERM_CONSISTENT_READ | PERM_WRITE)
#define SIZE (1 * MiB)

typedef struct Disk {
    Node *node;
    RamState *s;
    Root *root;
} Disk;

/* @align: of requests, in bytes. */
Disk disk_new(uint32_t align);
void disk_free(Disk *d);

#endif
