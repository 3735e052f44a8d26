/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checked bitmap operations: see ops.h. The order of the checks is QEMU's. */
#include "block/bitmap/ops.h"
#include "block/graph/device.h"
#include "block/graph/driver.h"

/* Bitmaps of less memory are merged at once. */
#define MERGE_AT_ONCE_BYTES (256 * KiB)

COROUTINE_ONLY CONTROL_ONLY static bool
co_check_persistent(Node *node, const char *name, uint32_t granularity_bytes,
                    Error **errp)
{
    const BitmapStore *store = node->driver->bitmap_store;

    if (store) {
        return store->co_can_store(node, name, granularity_bytes, errp);
    }
    error_set(errp, "Can't store persistent bitmaps to %s: %s",
              *node_device_name(node) ? node_device_name(node)
                                      : node_name(node),
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

DirtyBitmap *co_bitmap_op_add(const BlockDirtyBitmapAdd *args, Error **errp)
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
    if (args->persistent &&
        !co_check_persistent(node, args->name, granularity, errp)) {
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

COROUTINE_ONLY CONTROL_ONLY static bool co_touch(DirtyBitmap *bitmap,
                                                 Error **errp)
{
    Node *node = bitmap_node(bitmap);

    return !bitmap_persistent(bitmap) || !node->driver->bitmap_store ||
           node->driver->bitmap_store->co_touch(node, errp);
}

DirtyBitmap *co_bitmap_op_change(const char *node, const char *name,
                                 unsigned checks, Error **errp)
{
    DirtyBitmap *bitmap = bitmap_op_find(node, name, checks, errp);

    return bitmap && co_touch(bitmap, errp) ? bitmap : NULL;
}

DirtyBitmap *co_bitmap_op_forget(const BlockDirtyBitmap *args, Error **errp)
{
    DirtyBitmap *bitmap =
        bitmap_op_find(args->node, args->name,
                       BITMAP_CHECK_BUSY | BITMAP_CHECK_READONLY, errp);
    Node *node;

    if (!bitmap) {
        return NULL;
    }
    node = bitmap_node(bitmap);
    bitmap_set_busy(bitmap, true);
    if (bitmap_persistent(bitmap) && node->driver->bitmap_store &&
        !node->driver->bitmap_store->co_forget(node, args->name, errp)) {
        bitmap_set_busy(bitmap, false);
        return NULL;
    }
    return bitmap;
}

CONTROL_ONLY
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
    return bitmap_lookup(node, name, NULL, errp);
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

/* The bitmaps of a merge, checked: sources[0 .. n - 1] and then the target.
 * NULL on error; owned by the caller. */
CONTROL_ONLY
static DirtyBitmap **find_merge(const BlockDirtyBitmapMerge *args, Error **errp)
{
    size_t n = args->bitmaps->n, i;
    g_autofree DirtyBitmap **sources = g_new(DirtyBitmap *, n + 1);
    DirtyBitmap *target = bitmap_lookup(args->node, args->target, NULL, errp);

    if (!target) {
        return NULL;
    }
    for (i = 0; i < n; i++) {
        sources[i] = find_source(args->node, args->bitmaps->v[i], errp);
        if (!sources[i] || !bitmap_check(target, BITMAP_CHECK_DEFAULT, errp) ||
            !bitmap_check(sources[i], BITMAP_CHECK_ALLOW_RO, errp) ||
            !same_size(target, sources[i], errp)) {
            return NULL;
        }
    }
    if (!bitmap_check(target, BITMAP_CHECK_DEFAULT, errp)) {
        return NULL;
    }
    sources[n] = target;
    return g_steal_pointer(&sources);
}

bool co_bitmap_op_merge_begin(const BlockDirtyBitmapMerge *args, Error **errp)
{
    g_autofree DirtyBitmap **sources = find_merge(args, errp);

    return sources && co_touch(sources[args->bitmaps->n], errp);
}

DirtyBitmap *bitmap_op_merge(const BlockDirtyBitmapMerge *args,
                             SparseBitmap **old, Error **errp)
{
    size_t n = args->bitmaps->n, i;
    /* All that can fail comes first: on error the target is unchanged. */
    g_autofree DirtyBitmap **sources = find_merge(args, errp);

    if (!sources) {
        return NULL;
    }
    if (old) {
        *old = bitmap_snapshot_bits(sources[n]);
    }
    for (i = 0; i < n; i++) {
        bitmap_merge(sources[n], sources[i]);
    }
    return sources[n];
}

/* Nobody removes, resizes or uses the bitmaps meanwhile: they are busy, and the
 * graph lock keeps their nodes. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_merge_in_steps(const BlockDirtyBitmapMerge *args, Error **errp)
{
    size_t n = args->bitmaps->n, i;
    /* Waiting for the lock may have changed everything. */
    g_autofree DirtyBitmap **sources = find_merge(args, errp);

    if (!sources) {
        return false;
    }
    for (i = 0; i <= n; i++) {
        bitmap_set_busy(sources[i], true);
    }
    for (i = 0; i < n; i++) {
        co_bitmap_merge(sources[n], sources[i]);
    }
    for (i = 0; i <= n; i++) {
        bitmap_set_busy(sources[i], false);
    }
    return true;
}

bool co_bitmap_op_merge(const BlockDirtyBitmapMerge *args, Error **errp)
{
    g_autofree DirtyBitmap **sources = find_merge(args, errp);
    size_t memory = 0, i;
    bool locked, ok;

    if (!sources) {
        return false;
    }
    for (i = 0; i <= args->bitmaps->n; i++) {
        memory += bitmap_memory_bytes(sources[i]);
    }
    if (memory <= MERGE_AT_ONCE_BYTES) {
        return bitmap_op_merge(args, NULL, errp) != NULL;
    }
    locked = graph_locked_by_me();
    if (!locked) {
        co_graph_lock();
    }
    ok = co_merge_in_steps(args, errp);
    if (!locked) {
        graph_unlock();
    }
    return ok;
}
