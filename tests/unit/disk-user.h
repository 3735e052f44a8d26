/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user of a node that a test opened; what fails ends the test. */
#ifndef TESTS_UNIT_DISK_USER_H
#define TESTS_UNIT_DISK_USER_H

#include "block/graph/root.h"

#define RW (PERM_CONSISTENT_READ | PERM_WRITE)

/* A root at @node, which bears all others. */
Root *disk_attach(Node *node, Perms perm);
/* Frees it, and gives back the caller's reference to @node. */
void co_disk_done(Root *root, Node *node);
/* All bytes of the range are @byte. */
void co_disk_check(Root *root, uint64_t offset, size_t bytes, int byte);
void co_disk_fill(Root *root, uint64_t offset, size_t bytes, int byte);

#endif
