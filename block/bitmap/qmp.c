/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands on dirty bitmaps. Each holds the graph lock, so no other
 * command sees it half done; merging big bitmaps takes several steps, with the
 * bitmaps busy until it ends, and so does freeing what was removed or cleared,
 * which nobody sees any more. Bits that guests set meanwhile are taken under
 * the node's bitmap lock.
 */
#include "block/bitmap/ops.h"
#include "block/graph/quiesce.h"
#include "qapi/qapi-commands.h"

bool qmp_block_dirty_bitmap_add(const BlockDirtyBitmapAdd *args, Error **errp)
{
    bool ok;

    co_graph_lock();
    ok = co_bitmap_op_add(args, errp) != NULL;
    graph_unlock();
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_remove(const BlockDirtyBitmap *args,
                                                  Error **errp)
{
    DirtyBitmap *bitmap =
        bitmap_op_find(args->node, args->name,
                       BITMAP_CHECK_BUSY | BITMAP_CHECK_READONLY, errp);
    SparseBitmap *bits;
    Quiesce *section = NULL;
    Node *node;

    if (!bitmap) {
        return false;
    }
    if (bitmap_persistent(bitmap)) {
        node = bitmap_node(bitmap);
        section = co_quiesce_begin(&node, 1);
    }
    bitmap = co_bitmap_op_forget(args, errp);
    if (bitmap) {
        bitmap_set_busy(bitmap, false);
        bitmap_clear_all(bitmap, &bits);
        bitmap_release(bitmap);
        co_bits_free(bits);
    }
    if (section) {
        quiesce_end(section);
    }
    return bitmap != NULL;
}

bool qmp_block_dirty_bitmap_remove(const BlockDirtyBitmap *args, Error **errp)
{
    bool ok;

    co_graph_lock();
    ok = co_remove(args, errp);
    graph_unlock();
    return ok;
}

/* Does @change to one that passes @checks. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_change(const BlockDirtyBitmap *args, unsigned checks,
          void (*change)(DirtyBitmap *bitmap), Error **errp)
{
    DirtyBitmap *bitmap;

    co_graph_lock();
    bitmap = co_bitmap_op_change(args->node, args->name, checks, errp);
    if (bitmap) {
        change(bitmap);
    }
    graph_unlock();
    return bitmap != NULL;
}

COROUTINE_ONLY
static void co_clear(DirtyBitmap *bitmap)
{
    SparseBitmap *bits;

    bitmap_clear_all(bitmap, &bits);
    co_bits_free(bits);
}

bool qmp_block_dirty_bitmap_clear(const BlockDirtyBitmap *args, Error **errp)
{
    return co_change(args, BITMAP_CHECK_DEFAULT, co_clear, errp);
}

bool qmp_block_dirty_bitmap_enable(const BlockDirtyBitmap *args, Error **errp)
{
    return co_change(args, BITMAP_CHECK_ALLOW_RO, bitmap_enable, errp);
}

bool qmp_block_dirty_bitmap_disable(const BlockDirtyBitmap *args, Error **errp)
{
    return co_change(args, BITMAP_CHECK_ALLOW_RO, bitmap_disable, errp);
}

bool qmp_block_dirty_bitmap_merge(const BlockDirtyBitmapMerge *args,
                                  Error **errp)
{
    bool ok;

    co_graph_lock();
    ok = co_bitmap_op_merge_begin(args, errp) && co_bitmap_op_merge(args, errp);
    graph_unlock();
    return ok;
}

BlockDirtyBitmapSha256 *
qmp_x_debug_block_dirty_bitmap_sha256(const BlockDirtyBitmap *args,
                                      Error **errp)
{
    DirtyBitmap *bitmap = bitmap_lookup(args->node, args->name, NULL, errp);
    BlockDirtyBitmapSha256 *result;

    if (!bitmap) {
        return NULL;
    }
    result = g_new0(BlockDirtyBitmapSha256, 1);
    result->sha256 = bitmap_sha256(bitmap);
    return result;
}
