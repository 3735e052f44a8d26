/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checked bitmap operations: see ops.h. The order of the checks is QEMU's. */
#include "block/bitmap/ops.h"
#include "block/graph/driver.h"

static bool check_persistent(const Node *node, Error **errp)
{
    if (node->driver->supports_persistent_bitmaps) {
        return true;
    }
    error_set(errp, "Can't store persistent bitmaps to %s: %s", node_name(node),
              strerror(ENOTSUP));
    return false;
}

static bool check_granularity(uint32_t granularity_bytes, Error **errp)
{
    if (granularity_bytes < BITMAP_GRANULARITY_MIN ||
        !is_power_of_2(granularity_bytes)) {
        error_set(errp, "Granularity must be power of 2 and at least 512");
        return false;
    }
    return true;
}

DirtyBitmap *bitmap_op_add(const BlockDirtyBitmapAdd *args, Error **errp)
{
    uint32_t granularity;
    DirtyBitmap *bitmap;
    Node *node;

    if (!args->name[0]) {
        error_set(errp, "Bitmap name cannot be empty");
        return NULL;
    }
    node = node_lookup(args->node, args->node, errp);
    if (!node) {
        return NULL;
    }
    granularity = args->has_granularity ? args->granularity
                                        : bitmap_default_granularity(node);
    if (!check_granularity(granularity, errp)) {
        return NULL;
    }
    if (args->persistent && !check_persistent(node, errp)) {
        return NULL;
    }
    bitmap = bitmap_create(node, granularity, args->name, errp);
    if (bitmap) {
        bitmap_set_persistent(bitmap, args->persistent);
        if (args->disabled) {
            bitmap_disable(bitmap);
        }
    }
    return bitmap;
}

DirtyBitmap *bitmap_op_find(const char *node, const char *name, unsigned checks,
                            Error **errp)
{
    DirtyBitmap *bitmap = bitmap_lookup(node, name, NULL, errp);

    return bitmap && bitmap_check(bitmap, checks, errp) ? bitmap : NULL;
}

static DirtyBitmap *find_source(const char *target_node,
                                const BlockDirtyBitmapOrStr *source,
                                Error **errp)
{
    const char *node = target_node, *name;

    if (source->kind == BLOCK_DIRTY_BITMAP_OR_STR_KIND_LOCAL) {
        name = source->u.local;
    } else {
        node = source->u.external->node;
        name = source->u.external->name;
    }
    return bitmap_op_find(node, name, BITMAP_CHECK_ALLOW_RO, errp);
}

static bool same_size(const DirtyBitmap *dst, const DirtyBitmap *src,
                      Error **errp)
{
    if (bitmap_size_bytes(dst) == bitmap_size_bytes(src)) {
        return true;
    }
    error_set(errp,
              "Bitmaps are of different sizes (destination size is %" PRIu64
              ", source size is %" PRIu64 ") and can't be merged",
              bitmap_size_bytes(dst), bitmap_size_bytes(src));
    return false;
}

DirtyBitmap *bitmap_op_merge(const BlockDirtyBitmapMerge *args,
                             SparseBitmap **old, Error **errp)
{
    size_t n = args->bitmaps->n, i;
    g_autofree DirtyBitmap **sources = g_new(DirtyBitmap *, n + 1);
    DirtyBitmap *target =
        bitmap_op_find(args->node, args->target, BITMAP_CHECK_DEFAULT, errp);

    if (!target) {
        return NULL;
    }
    /* All that can fail comes first: on error the target is unchanged. */
    for (i = 0; i < n; i++) {
        sources[i] = find_source(args->node, args->bitmaps->v[i], errp);
        if (!sources[i] || !same_size(target, sources[i], errp)) {
            return NULL;
        }
    }
    if (old) {
        *old = bitmap_snapshot_bits(target);
    }
    for (i = 0; i < n; i++) {
        bitmap_merge(target, sources[i]);
    }
    return target;
}
