/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw: the bytes of another node as they are, or a window of them.
 *
 * Invariant: offset + node->size_bytes is at most the child's size (apart
 * from rounding the last sector up), so a request that fits the node fits the
 * child.
 */
#include "block/file/raw.h"

#include "block/graph/driver.h"
#include "block/graph/probe.h"
#include "block/io/io.h"
#include "qapi/qapi-types.h"

typedef struct RawState {
    /* CONST but for a reopen, when no request is in flight */
    Edge *file;
    uint64_t offset_bytes;
    bool has_size; /* the window does not grow */
    bool guarded;  /* raw.h */
} RawState;

static bool check_window(const BlockdevOptionsRaw *o, uint64_t file_bytes,
                         Error **errp)
{
    uint64_t offset = o->has_offset ? (uint64_t)o->offset : 0;

    if (offset > file_bytes) {
        error_set(errp,
                  "Offset (%" PRIu64 ") cannot be greater than size of the "
                  "containing file (%" PRIu64 ")",
                  offset, file_bytes);
        return false;
    }
    if (o->has_size && (uint64_t)o->size > file_bytes - offset) {
        error_set(errp,
                  "The sum of offset (%" PRIu64 ") and size (%" PRIu64 ") has "
                  "to be smaller or equal to the  actual size of the "
                  "containing file (%" PRIu64 ")",
                  offset, (uint64_t)o->size, file_bytes);
        return false;
    }
    if (o->has_size && o->size % 512) {
        error_set(errp, "Specified size is not multiple of 512");
        return false;
    }
    return true;
}

static bool check_signs(const BlockdevOptionsRaw *o, Error **errp)
{
    const char *bad = o->has_offset && o->offset < 0 ? "offset"
                      : o->has_size && o->size < 0   ? "size"
                                                     : NULL;

    if (bad) {
        error_set(errp,
                  "Parameter '%s' expects a non-negative number below 2^64",
                  bad);
    }
    return !bad;
}

/* The window that options say, in a file of @file_bytes: offset, role and the
 * node's size. */
static bool raw_set_window(RawState *s, const BlockdevOptionsRaw *o,
                           uint64_t file_bytes, uint64_t *size_bytes,
                           Error **errp)
{
    bool window = o->has_offset || o->has_size;

    if (!check_window(o, file_bytes, errp)) {
        return false;
    }
    s->offset_bytes = o->has_offset ? (uint64_t)o->offset : 0;
    s->has_size = o->has_size;
    s->file->role = EDGE_PRIMARY | (window ? EDGE_DATA : EDGE_FILTERED);
    *size_bytes = o->has_size ? (uint64_t)o->size
                              : ROUND_DOWN(file_bytes - s->offset_bytes, 512);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_raw_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsRaw *o = &options->u.raw;
    bool window = o->has_offset || o->has_size;
    RawState *s = node->state;

    if (!check_signs(o, errp)) {
        return false;
    }
    s->file = co_node_open_child(
        node, o->file, "file",
        EDGE_PRIMARY | (window ? EDGE_DATA : EDGE_FILTERED), errp);
    return s->file && raw_set_window(s, o, s->file->child->size_bytes,
                                     &node->size_bytes, errp);
}

typedef struct RawUndo {
    RawState *state, old;
    unsigned role;
} RawUndo;

static void raw_reopen_abort(void *opaque)
{
    RawUndo *undo = opaque;

    *undo->state = undo->old;
    undo->old.file->role = undo->role;
}

static const TxnOps raw_reopen_ops = {
    .abort = raw_reopen_abort,
    .clean = g_free,
};

static bool co_raw_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    const BlockdevOptionsRaw *o = &reopen->options->u.raw;
    RawState *s = reopen->node->state;
    RawUndo *undo;

    if (!check_signs(o, errp)) {
        return false;
    }
    undo = g_new(RawUndo, 1);
    *undo = (RawUndo){s, *s, s->file->role};
    txn_add(txn, &raw_reopen_ops, undo);
    return raw_set_window(s, o, reopen_child_size(reopen, s->file),
                          &reopen->size_bytes, errp);
}

/* A window has no metadata: its file is written and resized when it is, so
 * two windows of one file do not get into each other's way. */
static void raw_child_perm(const Node *node, const Edge *edge, Perms perm,
                           Perms shared, Perms *child_perm, Perms *child_shared)
{
    const Perms changes = PERM_WRITE | PERM_RESIZE;

    perms_default_for_child(node, edge, perm, shared, child_perm, child_shared);
    *child_perm &= ~changes | perm;
}

#define GUARD_ALIGN 512

static void raw_refresh_limits(Node *node)
{
    const RawState *s = node->state;
    const NodeLimits *child = &s->file->child->limits;

    node->limits.zeroes_align = child->zeroes_align;
    node->limits.discard_align = child->discard_align;
    /* It passes requests on. The child pads by itself: the rest of its blocks
     * at our ends may not be ours, and its bitmaps show what was written. One
     * that is guarded takes whole sectors, as QEMU's does. */
    node->limits.request_align =
        s->guarded && node->size_bytes % GUARD_ALIGN == 0 ? GUARD_ALIGN : 1;
}

COROUTINE_ONLY
static int co_raw_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const RawState *s = node->state;

    co_node_debug_event(s->file->child, BLKDBG_READ_AIO);
    return co_edge_preadv(s->file, s->offset_bytes + offset_bytes, bytes, iov,
                          iov_offset, flags);
}

/* --- guarding the first bytes -------------------------------------------- */

extern const NodeDriver driver_raw;

void raw_guard(Node *node)
{
    if (node->driver == &driver_raw) {
        ((RawState *)node->state)->guarded = true;
        node_refresh_limits(node);
    }
}

/* -EPERM if the node would look like something else with @bytes of @iov at
 * @offset_bytes, which is among the first PROBE_BYTES. */
COROUTINE_ONLY
static int co_guard(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset)
{
    char head[PROBE_BYTES] = {0};
    size_t there = MIN(PROBE_BYTES, node->size_bytes);
    size_t n = MIN(bytes, PROBE_BYTES - offset_bytes);
    Iov old;
    int ret = 0;

    if (n < there) {
        iov_init_buf(&old, head, there);
        ret = co_raw_preadv(node, 0, there, &old, 0, 0);
        iov_free(&old);
    }
    if (ret < 0) {
        return ret;
    }
    iov_to_buf(iov, iov_offset, head + offset_bytes, n);
    return strcmp(probe_format(head, sizeof(head)), "raw") ? -EPERM : 0;
}

COROUTINE_ONLY
static int co_raw_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const RawState *s = node->state;

    if (UNLIKELY(s->guarded) && offset_bytes < PROBE_BYTES) {
        int ret = co_guard(node, offset_bytes, bytes, iov, iov_offset);

        if (ret < 0) {
            return ret;
        }
    }
    co_node_debug_event(s->file->child, BLKDBG_WRITE_AIO);
    return co_edge_pwritev(s->file, s->offset_bytes + offset_bytes, bytes, iov,
                           iov_offset, flags);
}

COROUTINE_ONLY
static int co_raw_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                uint64_t bytes, ReqFlags flags)
{
    const RawState *s = node->state;

    return co_edge_pwrite_zeroes(s->file, s->offset_bytes + offset_bytes, bytes,
                                 flags);
}

COROUTINE_ONLY
static int co_raw_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    const RawState *s = node->state;

    return co_edge_pdiscard(s->file, s->offset_bytes + offset_bytes, bytes);
}

COROUTINE_ONLY
static int co_raw_block_status(Node *node, bool want_zero,
                               uint64_t offset_bytes, uint64_t bytes,
                               BlockStatus *status)
{
    const RawState *s = node->state;
    int ret = co_edge_block_status(
        s->file, want_zero, s->offset_bytes + offset_bytes, bytes, status);

    status->flags |= STATUS_PASSED;
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_raw_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    const RawState *s = node->state;

    if (s->has_size) {
        error_set(errp, "Cannot resize fixed-size raw disks");
        return -ENOTSUP;
    }
    if (size_bytes > BLOCK_MAX_BYTES - s->offset_bytes) {
        error_set(errp, "Disk size too large for the chosen offset");
        return -EINVAL;
    }
    return co_edge_truncate_along(s->file, s->offset_bytes + size_bytes, exact,
                                  errp);
}

static const char *const raw_identity[] = {"offset", "size", NULL};

const NodeDriver driver_raw = {
    .name = "raw",
    .state_bytes = sizeof(RawState),
    .threading = NODE_ANY,
    .is_format = true,
    .identity_options = raw_identity,
    .supports_fua = true,
    .co_open = co_raw_open,
    .co_reopen = co_raw_reopen,
    .reopen_options = raw_identity,
    .child_perm = raw_child_perm,
    .refresh_limits = raw_refresh_limits,
    .zeroes_unmap = node_zeroes_unmap_below,
    .co_preadv = co_raw_preadv,
    .co_pwritev = co_raw_pwritev,
    .co_pwrite_zeroes = co_raw_pwrite_zeroes,
    .co_pdiscard = co_raw_pdiscard,
    .co_block_status = co_raw_block_status,
    .co_truncate = co_raw_truncate,
};
