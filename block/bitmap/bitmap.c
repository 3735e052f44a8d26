/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life and state of dirty bitmaps: see bitmap.h for the invariants. The bits
 * are bits.c's.
 */
#include "block/bitmap/internal.h"
#include "block/graph/driver.h"

uint32_t bitmap_default_granularity(Node *node)
{
    uint32_t cluster = 0;

    if (node->driver->cluster_bytes) {
        cluster = node->driver->cluster_bytes(node);
    }
    return cluster ? MAX(4 * KiB, MIN(64 * KiB, cluster)) : 64 * KiB;
}

static uint64_t bits_for(uint64_t size_bytes, unsigned granularity_bits)
{
    return (size_bytes + (UINT64_C(1) << granularity_bits) - 1) >>
           granularity_bits;
}

static bool check_name(const Node *node, const char *name, Error **errp)
{
    if (strlen(name) > BITMAP_NAME_MAX) {
        error_set(errp, "Bitmap name too long: %s", name);
        return false;
    }
    if (bitmap_find(node, name)) {
        error_set(errp, "Bitmap already exists: %s", name);
        return false;
    }
    return true;
}

DirtyBitmap *bitmap_create(Node *node, uint32_t granularity_bytes,
                           const char *name, Error **errp)
{
    DirtyBitmap *bitmap;

    assert(is_power_of_2(granularity_bytes) &&
           granularity_bytes >= BITMAP_GRANULARITY_MIN);
    if (name && !check_name(node, name, errp)) {
        return NULL;
    }
    bitmap = g_new0(DirtyBitmap, 1);
    bitmap->node = node;
    bitmap->name = g_strdup(name);
    bitmap->granularity_bits = __builtin_ctz(granularity_bytes);
    bitmap->size_bytes = node->size_bytes;
    bitmap->bits = sparse_bitmap_new(
        bits_for(bitmap->size_bytes, bitmap->granularity_bits));
    bitmap->enabled = true;
    bitmap_lock(bitmap);
    list_prepend(&node->bitmaps, &bitmap->in_node);
    bitmap_unlock(bitmap);
    return bitmap;
}

void bitmap_release(DirtyBitmap *bitmap)
{
    assert(!bitmap->busy && !bitmap->successor);
    bitmap_lock(bitmap);
    list_remove(&bitmap->in_node);
    bitmap_unlock(bitmap);
    sparse_bitmap_free(bitmap->bits);
    g_free(bitmap->name);
    g_free(bitmap);
}

void bitmap_release_all(Node *node)
{
    LIST_FOREACH_SAFE(bitmap, &node->bitmaps, DirtyBitmap, in_node) {
        bitmap_release(bitmap);
    }
}

DirtyBitmap *bitmap_find(const Node *node, const char *name)
{
    LIST_FOREACH(bitmap, &node->bitmaps, DirtyBitmap, in_node) {
        if (bitmap->name && !strcmp(bitmap->name, name)) {
            return bitmap;
        }
    }
    return NULL;
}

DirtyBitmap *bitmap_lookup(const char *node_or_device, const char *name,
                           Node **pnode, Error **errp)
{
    Node *node = node_lookup(node_or_device, node_or_device, NULL);
    DirtyBitmap *bitmap;

    if (!node) {
        error_set(errp, "Node '%s' not found", node_or_device);
        return NULL;
    }
    bitmap = bitmap_find(node, name);
    if (!bitmap) {
        error_set(errp, "Dirty bitmap '%s' not found", name);
        return NULL;
    }
    if (pnode) {
        *pnode = node;
    }
    return bitmap;
}

DirtyBitmap *bitmap_next(const Node *node, const DirtyBitmap *bitmap)
{
    const ListLink *link = bitmap ? &bitmap->in_node : &node->bitmaps;

    return link->next == &node->bitmaps
               ? NULL
               : LIST_ENTRY(link->next, DirtyBitmap, in_node);
}

void bitmaps_resize(Node *node, uint64_t size_bytes)
{
    short_lock(&node->bitmaps_lock);
    LIST_FOREACH(bitmap, &node->bitmaps, DirtyBitmap, in_node) {
        sparse_bitmap_resize(bitmap->bits,
                             bits_for(size_bytes, bitmap->granularity_bits));
        bitmap->size_bytes = size_bytes;
    }
    short_unlock(&node->bitmaps_lock);
}

const char *bitmap_name(const DirtyBitmap *bitmap)
{
    return bitmap->name;
}

Node *bitmap_node(const DirtyBitmap *bitmap)
{
    return bitmap->node;
}

uint32_t bitmap_granularity_bytes(const DirtyBitmap *bitmap)
{
    return UINT32_C(1) << bitmap->granularity_bits;
}

uint64_t bitmap_size_bytes(const DirtyBitmap *bitmap)
{
    return bitmap->size_bytes;
}

bool bitmap_enabled(const DirtyBitmap *bitmap)
{
    return bitmap->enabled;
}

bool bitmap_recording(const DirtyBitmap *bitmap)
{
    return bitmap->enabled || (bitmap->successor && bitmap->successor->enabled);
}

bool bitmap_busy(const DirtyBitmap *bitmap)
{
    return bitmap->busy;
}

bool bitmap_persistent(const DirtyBitmap *bitmap)
{
    return bitmap->persistent;
}

bool bitmap_inconsistent(const DirtyBitmap *bitmap)
{
    return bitmap->inconsistent;
}

static void set_enabled(DirtyBitmap *bitmap, bool enabled)
{
    bitmap_lock(bitmap);
    bitmap->enabled = enabled;
    bitmap_unlock(bitmap);
}

void bitmap_enable(DirtyBitmap *bitmap)
{
    assert(!bitmap->successor);
    set_enabled(bitmap, true);
}

void bitmap_disable(DirtyBitmap *bitmap)
{
    assert(!bitmap->successor);
    set_enabled(bitmap, false);
}

void bitmap_set_busy(DirtyBitmap *bitmap, bool busy)
{
    bitmap->busy = busy;
}

void bitmap_set_persistent(DirtyBitmap *bitmap, bool persistent)
{
    bitmap->persistent = persistent;
}

void bitmap_set_readonly(DirtyBitmap *bitmap, bool readonly)
{
    bitmap->readonly = readonly;
}

void bitmap_set_inconsistent(DirtyBitmap *bitmap)
{
    bitmap->inconsistent = true;
    bitmap_disable(bitmap);
}

bool bitmap_check(const DirtyBitmap *bitmap, unsigned checks, Error **errp)
{
    if ((checks & BITMAP_CHECK_BUSY) && bitmap->busy) {
        error_set(errp,
                  "Bitmap '%s' is currently in use by another operation and "
                  "cannot be used",
                  bitmap->name);
        return false;
    }
    if ((checks & BITMAP_CHECK_READONLY) && bitmap->readonly) {
        error_set(errp, "Bitmap '%s' is readonly and cannot be modified",
                  bitmap->name);
        return false;
    }
    if ((checks & BITMAP_CHECK_INCONSISTENT) && bitmap->inconsistent) {
        error_set(errp, "Bitmap '%s' is inconsistent and cannot be used",
                  bitmap->name);
        error_append_hint(errp, "Try block-dirty-bitmap-remove to delete this "
                                "bitmap from disk\n");
        return false;
    }
    return true;
}
