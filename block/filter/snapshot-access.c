/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot-access: shows the point in time that a copy-before-write filter
 * keeps. It may be read and discarded; nobody can write to it.
 *
 * Invariants:
 * 1. What is read is of the point in time, or the read fails with EACCES
 *    (cbw-snapshot.c).
 * 2. It stays at its filter, also when that is taken out from between the disk
 *    and its users or another filter is put above it.
 */
#include "block/filter/cbw-int.h"
#include "qapi/qapi-types.h"

extern const NodeDriver driver_snapshot_access;

typedef struct SnapshotState {
    /* CONST */
    Edge *file;
} SnapshotState;

COROUTINE_ONLY CONTROL_ONLY static bool
co_snapshot_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    SnapshotState *s = node->state;

    s->file = co_node_open_child(node, options->u.snapshot_access.file, "file",
                                 EDGE_DATA | EDGE_PRIMARY | EDGE_STAYS, errp);
    if (!s->file) {
        return false;
    }
    if (s->file->child->driver != &driver_copy_before_write) {
        error_set(errp,
                  "Node '%s' keeps no point in time: it is not a "
                  "copy-before-write filter",
                  node_name(s->file->child));
        return false;
    }
    node->size_bytes = s->file->child->size_bytes;
    return true;
}

/* The filter itself sees to it that its disk does not change unseen. */
static void snapshot_child_perm(const Node *node, const Edge *edge, Perms perm,
                                Perms shared, Perms *child_perm,
                                Perms *child_shared)
{
    *child_perm = perm & PERM_CONSISTENT_READ;
    *child_shared = PERM_ALL;
}

static Node *filter_of(const Node *node)
{
    return ((const SnapshotState *)node->state)->file->child;
}

COROUTINE_ONLY
static int co_snapshot_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                              Iov *iov, size_t iov_offset, ReqFlags flags)
{
    return co_cbw_snapshot_preadv(filter_of(node), offset_bytes, bytes, iov,
                                  iov_offset);
}

COROUTINE_ONLY
static int co_snapshot_pwritev(Node *node, uint64_t offset_bytes,
                               uint64_t bytes, Iov *iov, size_t iov_offset,
                               ReqFlags flags)
{
    return -ENOTSUP;
}

COROUTINE_ONLY
static int co_snapshot_pdiscard(Node *node, uint64_t offset_bytes,
                                uint64_t bytes)
{
    return co_cbw_snapshot_pdiscard(filter_of(node), offset_bytes, bytes);
}

COROUTINE_ONLY
static int co_snapshot_status(Node *node, bool want_zero, uint64_t offset_bytes,
                              uint64_t bytes, BlockStatus *status)
{
    return co_cbw_snapshot_status(filter_of(node), want_zero, offset_bytes,
                                  bytes, status);
}

/* There is nothing to flush: it takes no writes. */
COROUTINE_ONLY
static int co_snapshot_flush(Node *node)
{
    return 0;
}

/* The space is the target's and the disk's. */
COROUTINE_ONLY
static int64_t co_snapshot_allocated(Node *node)
{
    return 0;
}

const NodeDriver driver_snapshot_access = {
    .name = "snapshot-access",
    .state_bytes = sizeof(SnapshotState),
    .threading = NODE_ANY,
    .shown_as_file = true,
    .co_open = co_snapshot_open,
    .child_perm = snapshot_child_perm,
    .co_preadv = co_snapshot_preadv,
    .co_pwritev = co_snapshot_pwritev,
    .co_pdiscard = co_snapshot_pdiscard,
    .co_flush = co_snapshot_flush,
    .co_block_status = co_snapshot_status,
    .co_allocated_bytes = co_snapshot_allocated,
};
