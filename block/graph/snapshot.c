/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands that change chains of images: blockdev-snapshot puts an image on
 * top of a disk, change-backing-file what an image says of the one behind it.
 */
#include "block/graph/action.h"
#include "block/graph/backing.h"
#include "block/graph/format.h"
#include "block/graph/op-blocker.h"
#include "block/graph/quiesce.h"
#include "block/graph/snapshot.h"
#include "qapi/qapi-commands.h"

/* --- checks -------------------------------------------------------------- */

static bool is_behind_another(const Node *node, Error **errp)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->role & EDGE_COW) {
            error_set(errp,
                      "Node '%s' is busy: node is used as backing hd of "
                      "'%s'",
                      node_name(node), node_name(edge->parent));
            return true;
        }
    }
    return false;
}

static bool check_overlay(const Node *overlay, Error **errp)
{
    Perms perm, shared;

    /* Who only writes, as a mirror does to its target, sees no change. */
    node_cumulative_perms(overlay, &perm, &shared);
    if (perm & PERM_CONSISTENT_READ) {
        error_set(errp, "The overlay is already in use");
        return false;
    }
    if (overlay->driver->is_filter || overlay->driver->shows_child) {
        error_set(errp, "Filters cannot be used as overlays");
        return false;
    }
    if (!overlay->driver->supports_backing) {
        error_set(errp, "The overlay does not support backing images");
        return false;
    }
    if (node_backing_child(overlay)) {
        error_set(errp, "The overlay already has a backing image");
        return false;
    }
    return true;
}

bool snapshot_check_disk(const Node *disk, Error **errp)
{
    /* That tells what is behind another one, too, unless it is about to go. */
    return node_op_allowed(disk, NODE_OP_REPLACE, errp) &&
           !is_behind_another(disk, errp);
}

bool snapshot_put_on_top(Node *disk, Node *overlay, Txn *txn, Error **errp)
{
    return check_overlay(overlay, errp) &&
           node_set_backing(overlay, disk, txn, errp) &&
           node_replace(disk, overlay, txn, errp);
}

/* --- afterwards ---------------------------------------------------------- */

/* That it stays writable, if it does, does not matter. */
void co_snapshot_settle(Node *disk)
{
    co_node_set_read_only(disk, true, NULL);
}

typedef struct Settle {
    Node *disk;   /* with a reference */
    GArray *rest; /* of the transaction */
} Settle;

COROUTINE_ONLY CONTROL_ONLY static void co_settle(void *disk)
{
    co_snapshot_settle(disk);
    co_node_unref(disk);
}

COROUTINE_ONLY CONTROL_ONLY static void co_let_go(void *disk)
{
    co_node_unref(disk);
}

static void settle_commit(void *opaque)
{
    Settle *settle = opaque;

    transaction_later(settle->rest, co_settle, settle->disk);
}

static void settle_abort(void *opaque)
{
    Settle *settle = opaque;

    transaction_later(settle->rest, co_let_go, settle->disk);
}

void snapshot_settle_later(Node *disk, TransactionContext *ctx)
{
    static const TxnOps ops = {
        .commit = settle_commit,
        .abort = settle_abort,
        .clean = g_free,
    };
    Settle *settle = g_new(Settle, 1);

    *settle = (Settle){disk, ctx->rest};
    node_ref(disk);
    txn_add(ctx->txn, &ops, settle);
}

/* --- blockdev-snapshot --------------------------------------------------- */

CONTROL_ONLY
static bool snapshot(const BlockdevSnapshot *args, Txn *txn, Error **errp)
{
    Node *node = node_lookup(args->node, args->node, errp), *overlay;

    if (!node || !snapshot_check_disk(node, errp)) {
        return false;
    }
    overlay = node_lookup(args->overlay, args->overlay, errp);
    return overlay && snapshot_put_on_top(node, overlay, txn, errp);
}

/* The disk first, if it is there; the overlay may be written to. */
CONTROL_ONLY
static void action_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const BlockdevSnapshot *args = action->u.blockdev_snapshot.data;
    const char *const names[] = {args->node, args->overlay};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        Node *node = node_lookup(names[i], names[i], NULL);

        if (node) {
            g_ptr_array_add(nodes, node);
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    const BlockdevSnapshot *args = action->u.blockdev_snapshot.data;
    Node *disk = node_lookup(args->node, args->node, NULL);
    Txn *txn = txn_new();

    /* What a failure half way did is undone here, as nothing is to be left. */
    if (!snapshot(args, txn, errp)) {
        txn_abort(txn);
        return false;
    }
    txn_add_txn(ctx->txn, txn);
    snapshot_settle_later(disk, ctx);
    return true;
}

const TransactionHandler txn_handler_blockdev_snapshot = {
    .touches = action_touches,
    .co_prepare = co_action_prepare,
    .shows_pause = true,
    .never_grouped = true,
};

/* --- change-backing-file ------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_change_backing(Node *device, Node *image, const char *filename, Error **errp)
{
    Node *backing = node_backing_node(image);
    const FormatOps *format = image->driver->format;
    bool was_read_only = image->read_only;
    Quiesce *section;
    int ret;

    if (!backing) {
        error_set(errp, "not allowing backing file change on an image without "
                        "a backing file");
        return false;
    }
    if (image != device && !node_leads_to(device, image)) {
        error_set(errp, "'%s' and image file are not in the same chain",
                  node_name(device));
        return false;
    }
    if (!format || !format->co_change_backing_file) {
        error_set(errp, "Block format '%s' cannot change its backing file",
                  image->driver->name);
        return false;
    }
    if (!co_node_set_read_only(image, false, errp)) {
        return false;
    }
    section = co_quiesce_begin(&image, 1);
    ret = format->co_change_backing_file(image, filename, backing->driver->name,
                                         errp);
    quiesce_end(section);
    co_node_set_read_only(image, was_read_only, NULL);
    node_refresh_filenames_above(image);
    if (ret < 0 && errp && !*errp) {
        error_set(errp, "Could not change the backing file to '%s': %s",
                  filename, strerror(-ret));
    }
    return ret == 0;
}

bool qmp_change_backing_file(const QmpChangeBackingFileArgs *args, Error **errp)
{
    Node *device, *image;
    bool ok = false;

    co_graph_lock();
    device = node_lookup_root(args->device, errp);
    if (device) {
        image = node_lookup(NULL, args->image_node_name, errp);
        ok =
            image && co_change_backing(device, image, args->backing_file, errp);
    }
    graph_unlock();
    return ok;
}
