/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps in QMP transactions.
 *
 * Invariants:
 * 1. An action takes effect when it is prepared, so that later actions of the
 *    transaction see it; the users of the node are quiesced, so no guest does.
 * 2. Undo runs in reverse order and restores exactly what the action found.
 * 3. A bitmap that is being removed is busy until the transaction ends: later
 *    actions can neither use it nor take its name.
 */
#include "block/bitmap/ops.h"
#include "block/graph/action.h"
#include "qapi/qapi-commands.h"

typedef struct BitmapUndo {
    DirtyBitmap *bitmap;
    SparseBitmap *old; /* bits before, or NULL */
    bool was_enabled;
} BitmapUndo;

static BitmapUndo *undo_new(DirtyBitmap *bitmap)
{
    BitmapUndo *undo = g_new0(BitmapUndo, 1);

    undo->bitmap = bitmap;
    return undo;
}

static void undo_free(void *opaque)
{
    BitmapUndo *undo = opaque;

    sparse_bitmap_free(undo->old);
    g_free(undo);
}

CONTROL_ONLY
static void touch(const char *name, GPtrArray *nodes)
{
    Node *node = node_lookup(name, name, NULL);

    if (node) {
        g_ptr_array_add(nodes, node);
    }
}

/* --- add ------------------------------------------------------------------ */

CONTROL_ONLY
static void add_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.block_dirty_bitmap_add.data->node, nodes);
}

static void add_abort(void *opaque)
{
    bitmap_release(((BitmapUndo *)opaque)->bitmap);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_add_prepare(const TransactionAction *action, TransactionContext *ctx,
               Error **errp)
{
    static const TxnOps ops = {.abort = add_abort, .clean = undo_free};
    DirtyBitmap *bitmap;

    bitmap = co_bitmap_op_add(action->u.block_dirty_bitmap_add.data, errp);
    if (!bitmap) {
        return false;
    }
    txn_add(ctx->txn, &ops, undo_new(bitmap));
    return true;
}

const TransactionHandler txn_handler_block_dirty_bitmap_add = {
    .touches = add_touches,
    .co_prepare = co_add_prepare,
    .never_grouped = true,
};

/* --- clear ---------------------------------------------------------------- */

CONTROL_ONLY
static void clear_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.block_dirty_bitmap_clear.data->node, nodes);
}

/* Also undoes a merge. */
static void restore_bits(void *opaque)
{
    BitmapUndo *undo = opaque;

    bitmap_restore(undo->bitmap, g_steal_pointer(&undo->old));
}

static const TxnOps restore_ops = {.abort = restore_bits, .clean = undo_free};

COROUTINE_ONLY CONTROL_ONLY static bool
co_clear_prepare(const TransactionAction *action, TransactionContext *ctx,
                 Error **errp)
{
    const BlockDirtyBitmap *args = action->u.block_dirty_bitmap_clear.data;
    DirtyBitmap *bitmap;
    BitmapUndo *undo;

    bitmap =
        co_bitmap_op_change(args->node, args->name, BITMAP_CHECK_DEFAULT, errp);
    if (!bitmap) {
        return false;
    }
    undo = undo_new(bitmap);
    bitmap_clear_all(bitmap, &undo->old);
    txn_add(ctx->txn, &restore_ops, undo);
    return true;
}

const TransactionHandler txn_handler_block_dirty_bitmap_clear = {
    .touches = clear_touches,
    .co_prepare = co_clear_prepare,
    .never_grouped = true,
};

/* --- enable and disable -------------------------------------------------- */

static void restore_enabled(void *opaque)
{
    BitmapUndo *undo = opaque;

    if (undo->was_enabled) {
        bitmap_enable(undo->bitmap);
    } else {
        bitmap_disable(undo->bitmap);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_prepare_switch(const BlockDirtyBitmap *args, bool enable,
                  TransactionContext *ctx, Error **errp)
{
    static const TxnOps ops = {.abort = restore_enabled, .clean = undo_free};
    DirtyBitmap *bitmap;
    BitmapUndo *undo;

    bitmap = co_bitmap_op_change(args->node, args->name, BITMAP_CHECK_ALLOW_RO,
                                 errp);
    if (!bitmap) {
        return false;
    }
    undo = undo_new(bitmap);
    undo->was_enabled = bitmap_enabled(bitmap);
    if (enable) {
        bitmap_enable(bitmap);
    } else {
        bitmap_disable(bitmap);
    }
    txn_add(ctx->txn, &ops, undo);
    return true;
}

CONTROL_ONLY
static void enable_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.block_dirty_bitmap_enable.data->node, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_enable_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    return co_prepare_switch(action->u.block_dirty_bitmap_enable.data, true,
                             ctx, errp);
}

const TransactionHandler txn_handler_block_dirty_bitmap_enable = {
    .touches = enable_touches,
    .co_prepare = co_enable_prepare,
    .never_grouped = true,
};

CONTROL_ONLY
static void disable_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.block_dirty_bitmap_disable.data->node, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_disable_prepare(const TransactionAction *action, TransactionContext *ctx,
                   Error **errp)
{
    return co_prepare_switch(action->u.block_dirty_bitmap_disable.data, false,
                             ctx, errp);
}

const TransactionHandler txn_handler_block_dirty_bitmap_disable = {
    .touches = disable_touches,
    .co_prepare = co_disable_prepare,
    .never_grouped = true,
};

/* --- merge ---------------------------------------------------------------- */

CONTROL_ONLY
static void merge_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const BlockDirtyBitmapMerge *args = action->u.block_dirty_bitmap_merge.data;
    size_t i;

    touch(args->node, nodes);
    for (i = 0; i < args->bitmaps->n; i++) {
        const BlockDirtyBitmapOrStr *source = args->bitmaps->v[i];

        if (source->kind == BLOCK_DIRTY_BITMAP_OR_STR_KIND_EXTERNAL) {
            touch(source->u.external->node, nodes);
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_merge_prepare(const TransactionAction *action, TransactionContext *ctx,
                 Error **errp)
{
    const BlockDirtyBitmapMerge *args = action->u.block_dirty_bitmap_merge.data;
    SparseBitmap *old = NULL;
    DirtyBitmap *target;
    BitmapUndo *undo;

    if (!co_bitmap_op_merge_begin(args, errp)) {
        return false;
    }
    target = bitmap_op_merge(args, &old, errp);
    if (!target) {
        return false;
    }
    undo = undo_new(target);
    undo->old = old;
    txn_add(ctx->txn, &restore_ops, undo);
    return true;
}

const TransactionHandler txn_handler_block_dirty_bitmap_merge = {
    .touches = merge_touches,
    .co_prepare = co_merge_prepare,
    .never_grouped = true,
};

/* --- remove -------------------------------------------------------------- */

CONTROL_ONLY
static void remove_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.block_dirty_bitmap_remove.data->node, nodes);
}

static void remove_commit(void *opaque)
{
    BitmapUndo *undo = opaque;

    bitmap_set_busy(undo->bitmap, false);
    bitmap_release(undo->bitmap);
}

static void remove_abort(void *opaque)
{
    bitmap_set_busy(((BitmapUndo *)opaque)->bitmap, false);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_remove_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    static const TxnOps ops = {
        .commit = remove_commit, .abort = remove_abort, .clean = undo_free};
    const BlockDirtyBitmap *args = action->u.block_dirty_bitmap_remove.data;
    DirtyBitmap *bitmap;

    /* If the transaction is aborted it is written again when its node is
     * closed: until then what is kept of it would be of no use anyway. */
    bitmap = co_bitmap_op_forget(args, errp);
    if (!bitmap) {
        return false;
    }
    txn_add(ctx->txn, &ops, undo_new(bitmap));
    return true;
}

const TransactionHandler txn_handler_block_dirty_bitmap_remove = {
    .touches = remove_touches,
    .co_prepare = co_remove_prepare,
    .never_grouped = true,
};
