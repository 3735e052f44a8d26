/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img convert --bitmaps`: the bitmaps that the source keeps go along. */
#include "block/bitmap/bitmap.h"
#include "qapi/qapi-commands.h"
#include "tools/img/convert.h"

bool img_convert_check_bitmaps(const Convert *c)
{
    const Node *node = root_node(c->sources[0]);
    const DirtyBitmap *bitmap = NULL;

    while (c->bitmaps && (bitmap = bitmap_next(node, bitmap))) {
        if (!bitmap_persistent(bitmap) || !bitmap_inconsistent(bitmap)) {
            continue;
        }
        if (!c->skip_broken) {
            Error *err = NULL;

            error_set(&err, "Cannot copy inconsistent bitmap '%s'",
                      bitmap_name(bitmap));
            error_append_hint(&err, "Try --skip-broken-bitmaps, or use "
                                    "'qemu-img bitmap --remove' to delete "
                                    "it\n");
            error_report_err(err);
            return false;
        }
        warn_report("Skipping inconsistent bitmap '%s'", bitmap_name(bitmap));
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
add(const char *node, const DirtyBitmap *bitmap, Error **errp)
{
    BlockDirtyBitmapAdd args = {
        .node = (char *)node,
        .name = (char *)bitmap_name(bitmap),
        .has_granularity = true,
        .granularity = bitmap_granularity_bytes(bitmap),
        .has_persistent = true,
        .persistent = true,
        .has_disabled = true,
        .disabled = true,
    };

    return qmp_block_dirty_bitmap_add(&args, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
copy(const Convert *c, const DirtyBitmap *bitmap, Error **errp)
{
    const char *from = node_name(root_node(c->sources[0]));
    const char *to = node_name(root_node(c->root));
    const char *name = bitmap_name(bitmap);
    BlockDirtyBitmap which = {.node = (char *)to, .name = (char *)name};

    if (!add(to, bitmap, errp)) {
        error_prepend(errp, "Failed to create bitmap %s: ", name);
        return false;
    }
    if (!img_bitmap_merge(to, name, from, name, errp)) {
        error_prepend(errp, "Failed to populate bitmap %s: ", name);
        qmp_block_dirty_bitmap_remove(&which, NULL);
        return false;
    }
    return !bitmap_enabled(bitmap) ||
           qmp_block_dirty_bitmap_enable(&which, errp);
}

bool img_convert_bitmaps(const Convert *c)
{
    const Node *node = root_node(c->sources[0]);
    const DirtyBitmap *bitmap = NULL;
    Error *err = NULL;

    while (c->bitmaps && (bitmap = bitmap_next(node, bitmap))) {
        if (bitmap_persistent(bitmap) && !bitmap_inconsistent(bitmap) &&
            !copy(c, bitmap, &err)) {
            error_report_err(err);
            return false;
        }
    }
    return true;
}
