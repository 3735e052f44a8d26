/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands on dirty bitmaps. Each is one step on the control thread:
 * it does not yield, so no other command sees it half done. Bits that guests
 * set meanwhile are taken under the node's bitmap lock.
 */
#include "block/bitmap/ops.h"
#include "qapi/qapi-commands.h"

bool qmp_block_dirty_bitmap_add(const BlockDirtyBitmapAdd *args, Error **errp)
{
    return bitmap_op_add(args, errp) != NULL;
}

bool qmp_block_dirty_bitmap_remove(const BlockDirtyBitmap *args, Error **errp)
{
    DirtyBitmap *bitmap =
        bitmap_op_find(args->node, args->name,
                       BITMAP_CHECK_BUSY | BITMAP_CHECK_READONLY, errp);

    if (!bitmap) {
        return false;
    }
    bitmap_release(bitmap);
    return true;
}

bool qmp_block_dirty_bitmap_clear(const BlockDirtyBitmap *args, Error **errp)
{
    DirtyBitmap *bitmap =
        bitmap_op_find(args->node, args->name, BITMAP_CHECK_DEFAULT, errp);

    if (!bitmap) {
        return false;
    }
    bitmap_clear_all(bitmap, NULL);
    return true;
}

bool qmp_block_dirty_bitmap_enable(const BlockDirtyBitmap *args, Error **errp)
{
    DirtyBitmap *bitmap =
        bitmap_op_find(args->node, args->name, BITMAP_CHECK_ALLOW_RO, errp);

    if (!bitmap) {
        return false;
    }
    bitmap_enable(bitmap);
    return true;
}

bool qmp_block_dirty_bitmap_disable(const BlockDirtyBitmap *args, Error **errp)
{
    DirtyBitmap *bitmap =
        bitmap_op_find(args->node, args->name, BITMAP_CHECK_ALLOW_RO, errp);

    if (!bitmap) {
        return false;
    }
    bitmap_disable(bitmap);
    return true;
}

bool qmp_block_dirty_bitmap_merge(const BlockDirtyBitmapMerge *args,
                                  Error **errp)
{
    return bitmap_op_merge(args, NULL, errp) != NULL;
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
