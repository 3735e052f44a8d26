/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What queries show of a node's dirty bitmaps. */
#include "block/bitmap/bitmap.h"
#include "qapi/qapi-types.h"

static BlockDirtyInfo *bitmap_info(const DirtyBitmap *bitmap)
{
    BlockDirtyInfo *info = g_new0(BlockDirtyInfo, 1);

    info->name = g_strdup(bitmap_name(bitmap));
    info->count = bitmap_count_bytes(bitmap);
    info->granularity = bitmap_granularity_bytes(bitmap);
    info->recording = bitmap_recording(bitmap);
    info->busy = bitmap_busy(bitmap);
    info->persistent = bitmap_persistent(bitmap);
    /* Clients compare whole objects: the member is there only when true. */
    info->has_inconsistent = bitmap_inconsistent(bitmap);
    info->inconsistent = info->has_inconsistent;
    return info;
}

BlockDirtyInfoList *bitmaps_query(const Node *node)
{
    BlockDirtyInfoList *list = NULL;
    DirtyBitmap *bitmap = NULL;

    while ((bitmap = bitmap_next(node, bitmap))) {
        if (!list) {
            list = BlockDirtyInfoList_new();
        }
        BlockDirtyInfoList_append(list, bitmap_info(bitmap));
    }
    return list;
}
