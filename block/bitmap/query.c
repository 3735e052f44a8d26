/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What queries show of a node's dirty bitmaps. */
#include "block/bitmap/internal.h"
#include "qapi/qapi-types.h"

void bitmap_tell_as(DirtyBitmap *bitmap, const Node *listed_at, bool recording)
{
    bitmap->listed_at = listed_at;
    bitmap->told_idle = !recording;
}

static BlockDirtyInfo *bitmap_info(const DirtyBitmap *bitmap)
{
    BlockDirtyInfo *info = g_new0(BlockDirtyInfo, 1);

    info->name = g_strdup(bitmap_name(bitmap));
    info->count = bitmap_count_bytes(bitmap);
    info->granularity = bitmap_granularity_bytes(bitmap);
    info->recording = bitmap_recording(bitmap) && !bitmap->told_idle;
    info->busy = bitmap_busy(bitmap);
    info->persistent = bitmap_persistent(bitmap);
    /* Clients compare whole objects: the member is there only when true. */
    info->has_inconsistent = bitmap_inconsistent(bitmap);
    info->inconsistent = info->has_inconsistent;
    return info;
}

/* Of @of's bitmaps those that are shown as @node's. */
static void add_bitmaps(const Node *of, const Node *node,
                        BlockDirtyInfoList **list)
{
    DirtyBitmap *bitmap = NULL;

    while ((bitmap = bitmap_next(of, bitmap))) {
        if ((bitmap->listed_at ? bitmap->listed_at : of) != node) {
            continue;
        }
        if (!*list) {
            *list = BlockDirtyInfoList_new();
        }
        BlockDirtyInfoList_append(*list, bitmap_info(bitmap));
    }
}

BlockDirtyInfoList *bitmaps_query(const Node *node)
{
    const Edge *below = node_filtered_child(node);
    BlockDirtyInfoList *list = NULL;

    add_bitmaps(node, node, &list);
    if (below) {
        add_bitmaps(below->child, node, &list);
    }
    return list;
}
