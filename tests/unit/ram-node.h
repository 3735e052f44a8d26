/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node in memory for tests: takes any request_align, keeps its bytes in an
 * array that tests look at, counts calls, fails and blocks on demand.
 */
#ifndef TESTS_UNIT_RAM_NODE_H
#define TESTS_UNIT_RAM_NODE_H

#include "block/graph/driver.h"

typedef struct RamState {
    uint8_t *bytes; /* node->size_bytes, rounded up to the align */
    uint64_t capacity;
    uint32_t align;
    uint32_t zeroes_align, max_transfer, max_iov;
    bool zeroes_unsupported; /* -ENOTSUP */
    int error;               /* returned by every call while not 0 */
    bool yield;              /* every call waits one turn in the middle */
    bool hold;               /* calls wait until ram_release */
    CoQueue held;
    unsigned reads, writes, zeroes, discards, flushes; /* driver calls */
    ReqFlags last_flags;
    Perms perm, shared; /* as last committed */
    bool refuse_perms;
} RamState;

extern const NodeDriver ram_driver;
extern const NodeDriver ram_fua_driver; /* supports_fua */
extern const NodeDriver pass_driver;    /* a filter without any functions */

/* In a coroutine: a node of @size_bytes with one reference. */
Node *ram_node_new(const char *name, uint64_t size_bytes, uint32_t align);
RamState *ram_state(Node *node);
void ram_release(Node *node);

/* A filter called @name above @below; one reference. */
Node *pass_node_new(const char *name, Node *below);

/* Opens a node from options in JSON; one reference, or NULL with @errp. */
Node *open_json(const char *json, Error **errp);
/* Fails the test unless @err is set with this text; frees it. */
void check_error(Error **err, const char *text);

/* Runs a test's body in a coroutine on a reactor of its own, and checks that
 * it left no nodes and no coroutines behind. */
void run_in_coroutine(void (*body)(void));

#endif
