/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot-access: shows the point in time that a copy-before-write filter
 * keeps. It may be read and discarded; nobody can write to it.
 *
 * Invariants:
 * 1. What is read is of the point in time, or the read fails with EACCES
 *    (cbw-snapshot.c).
 * 2. Above what keeps no point in time it may be made, as with QEMU, and has
 *    nothing to show: ENOTSUP.
 * 3. It stays at its filter, also when that is taken out from between the disk
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

/* NULL: what is below keeps no point in time. */
static Node *filter_of(const Node *node)
{
    Node *below = ((const SnapshotState *)node->state)->file->child;

    return below->driver == &driver_copy_before_write ? below : NULL;
}

COROUTINE_ONLY
static int co_snapshot_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                              Iov *iov, size_t iov_offset, ReqFlags flags)
{
    Node *filter = filter_of(node);

    return filter ? co_cbw_snapshot_preadv(filter, offset_bytes, bytes, iov,
                                           iov_offset)
                  : -ENOTSUP;
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
    Node *filter = filter_of(node);

    return filter ? co_cbw_snapshot_pdiscard(filter, offset_bytes, bytes)
                  : -ENOTSUP;
}

COROUTINE_ONLY
static int co_snapshot_status(Node *node, bool want_zero, uint64_t offset_bytes,
                              uint64_t bytes, BlockStatus *status)
{
    Node *filter = filter_of(node);

    return filter ? co_cbw_snapshot_status(filter, want_zero, offset_bytes,
                                           bytes, status)
                  : -ENOTSUP;
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
