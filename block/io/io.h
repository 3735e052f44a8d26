/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request through one node: bounds, alignment, tracking, hop to the
 * node's home, the driver, marking, accounting. Drivers call these on their
 * child edges; everybody else goes through a root (block/graph/root.h).
 *
 * Invariants:
 * 1. A dirty bit is set after the data has landed (also when the write
 *    failed) and before the request returns.
 * 2. Two requests overlap in the driver only if neither serialises.
 * 3. What a driver gets fits driver.h's promises.
 * All: coroutine, any reactor, may yield; 0 or -errno.
 */
#ifndef BLOCK_IO_IO_H
#define BLOCK_IO_IO_H

#include "block/graph/driver.h"

int co_edge_preadv(Edge *edge, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_edge_pwritev(Edge *edge, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_edge_pwrite_zeroes(Edge *edge, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags) COROUTINE_ONLY;
int co_edge_pdiscard(Edge *edge, uint64_t offset_bytes,
                     uint64_t bytes) COROUTINE_ONLY;
/* Everything written before is on stable storage when it returns; does
 * nothing when nothing was written since the last one. */
int co_edge_flush(Edge *edge) COROUTINE_ONLY;
/* Status of the area from @offset_bytes on, through filters and formats down
 * to the protocol where that adds zeroes. At the end or beyond: EOF with
 * status->bytes 0. */
int co_edge_block_status(Edge *edge, bool want_zero, uint64_t offset_bytes,
                         uint64_t bytes, BlockStatus *status) COROUTINE_ONLY;
/* The same through the backing chain above @base (NULL: all of it); *@depth
 * counts from 1 for the node itself, 0 if no layer has it. */
int co_node_block_status_above(Node *node, Node *base, bool want_zero,
                               uint64_t offset_bytes, uint64_t bytes,
                               BlockStatus *status,
                               unsigned *depth) COROUTINE_ONLY;
/* Without @exact the child may stay longer than asked. */
int co_edge_truncate(Edge *edge, uint64_t size_bytes, bool exact,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* The same from any reactor, and not exact: sizes of nodes change on control,
 * where it goes for that. The caller sees to it that nobody else sets another
 * length meanwhile. */
int co_edge_set_length(Edge *edge, uint64_t size_bytes) COROUTINE_ONLY;
/* For co_truncate of what shows all of its child from some offset on: resizes
 * the child, and returns what co_truncate has to. */
int co_edge_truncate_along(Edge *edge, uint64_t size_bytes, bool exact,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
int co_node_flush(Node *node) COROUTINE_ONLY;

/* A request that goes to @node is at the point @event (a BlkdebugEvent) of its
 * way; drivers that have points of their own tell the node below. */
void co_node_tell_debug_event(Node *node, int event) COROUTINE_ONLY;
static inline void co_node_debug_event(Node *node, int event) COROUTINE_ONLY
{
    if (UNLIKELY(node->driver->co_debug_event)) {
        co_node_tell_debug_event(node, event);
    }
}

/* Asks for the event BLOCK_WRITE_THRESHOLD when the next write, zeroing or
 * discard ends beyond @threshold_bytes; 0 asks for none. On control. */
void node_set_write_threshold(Node *node,
                              uint64_t threshold_bytes) CONTROL_ONLY;

/* Reads of @node leave in it what they find behind it, from when it is said
 * (@on) until it is taken back as often. Who says it needs
 * PERM_WRITE_UNCHANGED. On control, quiesced. */
void node_copy_on_read(Node *node, bool on) CONTROL_ONLY;

/* A buffer that fits every node's memory alignment and is a page at least;
 * NULL when memory is out. Free with io_buffer_free, which takes NULL, too. */
void *io_buffer_alloc(const Node *node, size_t bytes);
void *io_buffer_alloc_aligned(size_t align, size_t bytes);
void io_buffer_free(void *buf);

#endif
