/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of block/io share among themselves. All co_node_ functions
 * run where the node may be used (node_is_here); their ranges were checked by
 * hop.c.
 */
#ifndef BLOCK_IO_IO_INT_H
#define BLOCK_IO_IO_INT_H

#include "block/io/io.h"
#include "qapi/qapi-types.h"

/* True if this reactor may use @node itself. */
static inline bool node_is_here(const Node *node)
{
    return node->driver->threading == NODE_ANY ||
           node->home == reactor_current();
}

/* --- request.c: tracking ------------------------------------------------- */

typedef struct IoRequest {
    Node *node;
    RangeLock lock;
} IoRequest;

/* Waits for overlapping requests if either serialises. The range is widened
 * to request_align. */
void co_request_begin(IoRequest *req, Node *node, uint64_t offset_bytes,
                      uint64_t bytes, bool serialising) COROUTINE_ONLY;
void request_end(IoRequest *req);
/* A write, zeroing or discard has landed or failed: marks bitmaps, counts the
 * generation. Before request_end. */
void write_landed(Node *node, uint64_t offset_bytes, uint64_t bytes,
                  ReqFlags flags);
static inline bool is_aligned(uint64_t x, uint64_t align)
{
    return (x & (align - 1)) == 0;
}

/* --- driver.c: aligned requests, split to the driver's limits ------------ */

int co_driver_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset,
                     ReqFlags flags) COROUTINE_ONLY;
int co_driver_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, size_t iov_offset,
                      ReqFlags flags) COROUTINE_ONLY;

/* How much of a zeroing or discard goes into one driver call: a head up to the
 * next multiple of @align, then whole multiples of at most @max_bytes (0: any),
 * then a tail. */
uint64_t driver_piece_bytes(uint64_t offset_bytes, uint64_t bytes,
                            uint32_t align, uint64_t max_bytes);

/* --- align.c: unaligned requests ----------------------------------------- */

int co_padded_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset,
                     ReqFlags flags) COROUTINE_ONLY;
/* The caller serialises. */
int co_padded_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, size_t iov_offset,
                      ReqFlags flags) COROUTINE_ONLY;

/* --- whole requests on a node -------------------------------------------- */

int co_node_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_node_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_node_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags) COROUTINE_ONLY;
int co_node_pdiscard(Node *node, uint64_t offset_bytes,
                     uint64_t bytes) COROUTINE_ONLY;
int co_node_flush_at_home(Node *node) COROUTINE_ONLY;
int co_node_block_status(Node *node, bool want_zero, uint64_t offset_bytes,
                         uint64_t bytes, BlockStatus *status) COROUTINE_ONLY;
/* The same from any reactor. */
int co_node_block_status_hop(Node *node, bool want_zero, uint64_t offset_bytes,
                             uint64_t bytes,
                             BlockStatus *status) COROUTINE_ONLY;
/* On control, while the node is quiesced. */
int co_node_truncate(Node *node, uint64_t size_bytes, bool exact,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Only the driver's part, at home. */
int co_node_truncate_at_home(Node *node, uint64_t size_bytes, bool exact,
                             Error **errp) COROUTINE_ONLY;
/* True if a write with REQ_FUA is to end with a flush of @node: some driver
 * has no such thing. Takes it out of @flags then. */
bool fua_begin(const Node *node, ReqFlags *flags) COROUTINE_ONLY;
int co_fua_end(Node *node, int ret, bool flush) COROUTINE_ONLY;

/* --- hop.c --------------------------------------------------------------- */

/* Deallocates if told so, also where the node was opened with discard=ignore:
 * as in QEMU that holds for discards from above, not for a user's own zero
 * writes. */
int co_edge_pwrite_zeroes_as_told(Edge *edge, uint64_t offset_bytes,
                                  uint64_t bytes,
                                  ReqFlags flags) COROUTINE_ONLY;

/* --- zeroes.c ------------------------------------------------------------ */

/* co_node_pwrite_zeroes for who holds the range already. */
int co_node_zero_untracked(Node *node, uint64_t offset_bytes, uint64_t bytes,
                           ReqFlags flags) COROUTINE_ONLY;

/* --- copy-on-read.c ------------------------------------------------------ */

/* Before a read: @node gets what of the range only its backing images have. */
int co_read_copies_up(Node *node, uint64_t offset_bytes,
                      uint64_t bytes) COROUTINE_ONLY;

static inline void stat_add(uint64_t *counter, uint64_t n)
{
    __atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

/* One request has ended: @count and @sum, or @failed. */
static inline void stat_done(int ret, uint64_t *count, uint64_t *sum,
                             uint64_t bytes, uint64_t *failed)
{
    if (LIKELY(ret >= 0)) {
        stat_add(count, 1);
        stat_add(sum, bytes);
    } else {
        stat_add(failed, 1);
    }
}

/* A write ended at @end_bytes. */
static inline void stat_written_end(Node *node, int ret, uint64_t end_bytes)
{
    if (ret >= 0) {
        atomic_max(&node->stats.written_end, end_bytes);
    }
}

/* --- threshold.c --------------------------------------------------------- */

void threshold_reached(Node *node, uint64_t end_bytes);

/* Before each write, zeroing or discard that ends at @end_bytes. */
static inline void threshold_check(Node *node, uint64_t end_bytes)
{
    uint64_t threshold =
        __atomic_load_n(&node->write_threshold, __ATOMIC_RELAXED);

    if (UNLIKELY(threshold && end_bytes > threshold)) {
        threshold_reached(node, end_bytes);
    }
}

static inline uint64_t node_size(const Node *node)
{
    return __atomic_load_n(&node->size_bytes, __ATOMIC_RELAXED);
}

#endif
