/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * null-co: a disk that is not there. Reads give zeroes, writes vanish. It
 * measures what everything above a disk costs, and it is the template that a
 * new driver starts from: docs/devel/how-to-add-a-driver.md walks through it.
 *
 * Invariant: nothing here changes after open but virtual time.
 */
#include "block/graph/driver.h"

#include "qapi/qapi-types.h"

/* 1. What one node of this driver remembers. The graph allocates it, zeroed,
 *    as node->state (see state_bytes in the table below) and frees it. Say of
 *    each field who may touch it: DESIGN's classes are CONST, CONTROL, HOME,
 *    LANE, SHORT and ATOMIC. A new driver is HOMED: all its I/O comes from one
 *    thread. This one has nothing that changes, so it may say ANY. */
typedef struct NullState {
    /* CONST */
    int64_t latency_ns; /* each request takes that long */
    bool read_zeroes;   /* block status says that the disk is zeroes */
} NullState;

#define NULL_DEFAULT_BYTES (1 * GiB)

/* 2. Opening: the only place that sees options. Check all of them before
 *    anything needs undoing; texts that clients know are QEMU's. The size of
 *    a disk is a multiple of 512. A driver with children opens them here with
 *    co_node_open_child. */
static bool co_null_open(Node *node, const BlockdevOptions *options,
                         Error **errp)
{
    const BlockdevOptionsNull *o = options->driver == BLOCKDEV_DRIVER_NULL_CO
                                       ? &options->u.null_co
                                       : &options->u.null_aio;
    NullState *s = node->state;

    if (o->has_size && o->size < 0) {
        error_set(errp, "size is invalid");
        return false;
    }
    if (o->has_latency_ns && o->latency_ns > INT64_MAX) {
        error_set(errp, "latency-ns is invalid");
        return false;
    }
    s->latency_ns = o->has_latency_ns ? (int64_t)o->latency_ns : 0;
    s->read_zeroes = o->has_read_zeroes && o->read_zeroes;
    node->size_bytes =
        ROUND_UP(o->has_size ? (uint64_t)o->size : NULL_DEFAULT_BYTES, 512);
    if (!o->has_size && !o->has_read_zeroes) {
        node->filename = g_strdup_printf("%s://", node->driver->name);
    }
    return true;
}

/* Reopening: a node may get new generic options and children with users
 * attached. A driver says which of its own options may change (reopen_options)
 * and takes them over here; this one has none and nothing to do. */
static bool co_null_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    return true;
}

/* 3. I/O: coroutines, of a HOMED driver on node->home. Waiting is a call that
 * yields, never a blocking one. They get ranges that driver.h promises to be
 * good, and return 0 or -errno. */
COROUTINE_ONLY
static int co_null_wait(const Node *node)
{
    const NullState *s = node->state;

    if (s->latency_ns) {
        co_sleep_ns(s->latency_ns);
    }
    return 0;
}

COROUTINE_ONLY
static int co_null_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          Iov *iov, size_t iov_offset, ReqFlags flags)
{
    /* Also without read-zeroes: what a buffer held before is nobody's to
     * read. */
    iov_memset(iov, iov_offset, 0, bytes);
    return co_null_wait(node);
}

COROUTINE_ONLY
static int co_null_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                           Iov *iov, size_t iov_offset, ReqFlags flags)
{
    return co_null_wait(node);
}

COROUTINE_ONLY
static int co_null_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                 uint64_t bytes, ReqFlags flags)
{
    return co_null_wait(node);
}

COROUTINE_ONLY
static int co_null_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    return co_null_wait(node);
}

COROUTINE_ONLY
static int co_null_flush(Node *node)
{
    return co_null_wait(node);
}

static int co_null_block_status(Node *node, bool want_zero,
                                uint64_t offset_bytes, uint64_t bytes,
                                BlockStatus *status)
{
    const NullState *s = node->state;

    status->flags = STATUS_OFFSET | (s->read_zeroes ? STATUS_ZERO : 0);
    status->bytes = bytes;
    status->map = offset_bytes;
    status->file = node;
    return 0;
}

static int64_t co_null_allocated_bytes(Node *node)
{
    return 0;
}

/* 4. The options that decide what the node shows; the rest (latency-ns) is
 *    left out of "json:" file names. */
static const char *const null_identity[] = {"size", "read-zeroes", NULL};

/* 5. The table. What is left out has a default: no co_close (nothing to
 *    release), no child_perm (no children), no refresh_limits (any alignment
 *    will do). Then add the driver to block/drivers.c, its sources to
 *    meson.build, its options to qapi/block-core.json. */
const NodeDriver driver_null_co = {
    .name = "null-co",
    .state_bytes = sizeof(NullState),
    .threading = NODE_ANY,
    .identity_options = null_identity,
    .supports_fua = true,
    .co_open = co_null_open,
    .co_reopen = co_null_reopen,
    .co_preadv = co_null_preadv,
    .co_pwritev = co_null_pwritev,
    .co_pwrite_zeroes = co_null_pwrite_zeroes,
    .co_pdiscard = co_null_pdiscard,
    .co_flush = co_null_flush,
    .co_block_status = co_null_block_status,
    .co_allocated_bytes = co_null_allocated_bytes,
};

/* The same by another name, which QEMU has for the sake of how it is built. */
const NodeDriver driver_null_aio = {
    .name = "null-aio",
    .state_bytes = sizeof(NullState),
    .threading = NODE_ANY,
    .identity_options = null_identity,
    .supports_fua = true,
    .co_open = co_null_open,
    .co_reopen = co_null_reopen,
    .co_preadv = co_null_preadv,
    .co_pwritev = co_null_pwritev,
    .co_pwrite_zeroes = co_null_pwrite_zeroes,
    .co_pdiscard = co_null_pdiscard,
    .co_flush = co_null_flush,
    .co_block_status = co_null_block_status,
    .co_allocated_bytes = co_null_allocated_bytes,
};
