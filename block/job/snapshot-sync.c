/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blockdev-snapshot-sync: makes an image, opens it and puts it on top of a
 * disk, as a command and as an action of a transaction.
 *
 * Invariant: the image's node is its users' alone; nobody can delete it.
 */
#include "block/graph/action.h"
#include "block/graph/backing.h"
#include "block/graph/quiesce.h"
#include "block/graph/snapshot.h"
#include "block/job/new-image.h"
#include "qapi/qapi-commands.h"

CONTROL_ONLY
static Node *find_disk(const BlockdevSnapshotSync *args)
{
    return node_lookup(args->device, args->node_name, NULL);
}

CONTROL_ONLY
static bool check_names(const BlockdevSnapshotSync *args, Error **errp)
{
    if (args->node_name && !args->snapshot_node_name) {
        error_set(errp, "New overlay node-name missing");
        return false;
    }
    if (args->snapshot_node_name &&
        node_lookup(args->snapshot_node_name, args->snapshot_node_name, NULL)) {
        error_set(errp, "New overlay node-name already in use");
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static Node *
co_open_overlay(const BlockdevSnapshotSync *args, const Node *disk,
                Error **errp)
{
    NewImage image = {
        .filename = args->snapshot_file,
        .format = args->format ? args->format : "qcow2",
        .size_bytes = disk->size_bytes,
        .behind = disk,
        .node_name = args->snapshot_node_name,
        .unmap = disk->discard_unmap,
        .like = disk,
    };

    if (!(args->has_mode && args->mode == NEW_IMAGE_MODE_EXISTING) &&
        !co_new_image_make(&image, errp)) {
        return NULL;
    }
    return co_new_image_open(&image, errp);
}

/* The overlay on top of the disk, with a reference of the caller. NULL with
 * nothing changed. */
COROUTINE_ONLY CONTROL_ONLY static Node *
co_snapshot(const BlockdevSnapshotSync *args, Txn *txn, Error **errp)
{
    Node *disk = node_lookup(args->device, args->node_name, errp), *overlay;
    Txn *inner;

    if (!disk || !snapshot_check_disk(disk, errp) || !check_names(args, errp)) {
        return NULL;
    }
    overlay = co_open_overlay(args, disk, errp);
    if (!overlay) {
        return NULL;
    }
    inner = txn_new();
    if (!snapshot_put_on_top(disk, overlay, inner, errp)) {
        /* In this order: it has to be there to be taken away again. */
        txn_abort(inner);
        co_node_unref(overlay);
        return NULL;
    }
    txn_add_txn(txn, inner);
    return overlay;
}

/* --- the action ---------------------------------------------------------- */

typedef struct Later {
    Node *overlay;
    GArray *rest; /* of the transaction */
} Later;

COROUTINE_ONLY CONTROL_ONLY static void co_unref_later(void *opaque)
{
    co_node_unref(opaque);
}

static void later_end(void *opaque)
{
    Later *later = opaque;

    transaction_later(later->rest, co_unref_later, later->overlay);
}

static const TxnOps later_ops = {
    .commit = later_end,
    .abort = later_end,
    .clean = g_free,
};

CONTROL_ONLY
static void action_touches(const TransactionAction *action, GPtrArray *nodes)
{
    Node *disk = find_disk(action->u.blockdev_snapshot_sync.data);

    if (disk) {
        g_ptr_array_add(nodes, disk);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    const BlockdevSnapshotSync *args = action->u.blockdev_snapshot_sync.data;
    Node *disk = find_disk(args);
    Node *overlay = co_snapshot(args, ctx->txn, errp);
    Later *later;

    if (!overlay) {
        return false;
    }
    later = g_new(Later, 1);
    *later = (Later){overlay, ctx->rest};
    txn_add(ctx->txn, &later_ops, later);
    snapshot_settle_later(disk, ctx);
    return true;
}

const TransactionHandler txn_handler_blockdev_snapshot_sync = {
    .touches = action_touches,
    .co_prepare = co_action_prepare,
    .shows_pause = true,
    .never_grouped = true,
};
