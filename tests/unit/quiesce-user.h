/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roots that count their quiesced sections, and writes through them. */
#ifndef TESTS_UNIT_QUIESCE_USER_H
#define TESTS_UNIT_QUIESCE_USER_H

#include "block/graph/quiesce.h"
#include "ram-node.h"

#define RW (PERM_CONSISTENT_READ | PERM_WRITE)

typedef struct User {
    unsigned begun, ended; /* quiesce hooks */
} User;

/* On @node, if not NULL, with RW. */
Root *user_root(Node *node, User *user);
void drop_root(Root *root);

typedef struct Write {
    Root *root;
    uint8_t byte;
    int ret;
    bool done;
    unsigned order;
} Write;

/* How many writes are done. */
extern unsigned quiesce_writes;
/* A write of one byte, in a coroutine of its own. */
void start_write(Write *w, Root *root, uint8_t byte);
/* Lets others run, @n times. */
void turns(unsigned n);

#endif
