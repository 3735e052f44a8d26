/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bits of dirty bitmaps: marking, walking, merging, undo, checksum. The
 * bitmaps of one node are guarded by that node's lock; a merge across nodes
 * takes a copy of the source first, so that no two locks are ever held.
 */
#include "block/bitmap/internal.h"

/* What is done at a time where others are let run in between: bits of 256 KiB
 * at most, some 0.3 ms of work. */
#define STEP_BITS (UINT64_C(1) << 21)

/* Clips [@offset, +@bytes) to the size; false if nothing is left. */
static bool clip(const DirtyBitmap *b, uint64_t offset, uint64_t *bytes)
{
    if (offset >= b->size_bytes) {
        return false;
    }
    *bytes = MIN(*bytes, b->size_bytes - offset);
    return *bytes > 0;
}

static void set_locked(DirtyBitmap *b, uint64_t offset, uint64_t bytes)
{
    uint64_t first, last;

    if (!clip(b, offset, &bytes)) {
        return;
    }
    first = offset >> b->granularity_bits;
    last = (offset + bytes - 1) >> b->granularity_bits;
    sparse_bitmap_set(b->bits, first, last - first + 1);
}

void bitmap_set(DirtyBitmap *bitmap, uint64_t offset_bytes, uint64_t bytes)
{
    bitmap_lock(bitmap);
    set_locked(bitmap, offset_bytes, bytes);
    bitmap_unlock(bitmap);
}

void bitmap_reset(DirtyBitmap *bitmap, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t mask = (UINT64_C(1) << bitmap->granularity_bits) - 1;
    uint64_t first, end;

    bitmap_lock(bitmap);
    if (clip(bitmap, offset_bytes, &bytes)) {
        first = (offset_bytes + mask) >> bitmap->granularity_bits;
        end = offset_bytes + bytes == bitmap->size_bytes
                  ? sparse_bitmap_size(bitmap->bits)
                  : (offset_bytes + bytes) >> bitmap->granularity_bits;
        if (first < end) {
            sparse_bitmap_clear(bitmap->bits, first, end - first);
        }
    }
    bitmap_unlock(bitmap);
}

bool bitmap_get(const DirtyBitmap *bitmap, uint64_t offset_bytes)
{
    bool set;

    bitmap_lock(bitmap);
    set = offset_bytes < bitmap->size_bytes &&
          sparse_bitmap_test(bitmap->bits,
                             offset_bytes >> bitmap->granularity_bits);
    bitmap_unlock(bitmap);
    return set;
}

void bitmap_set_all(DirtyBitmap *bitmap)
{
    bitmap_lock(bitmap);
    sparse_bitmap_set_all(bitmap->bits);
    bitmap_unlock(bitmap);
}

uint64_t bitmap_count_bytes(const DirtyBitmap *bitmap)
{
    uint64_t count;

    bitmap_lock(bitmap);
    count = sparse_bitmap_count(bitmap->bits) << bitmap->granularity_bits;
    bitmap_unlock(bitmap);
    return count;
}

void bitmap_clear_all(DirtyBitmap *bitmap, SparseBitmap **old)
{
    SparseBitmap *before;

    bitmap_lock(bitmap);
    before = bitmap->bits;
    bitmap->bits = sparse_bitmap_new(sparse_bitmap_size(before));
    bitmap_unlock(bitmap);
    if (old) {
        *old = before;
    } else {
        sparse_bitmap_free(before);
    }
}

void bitmap_restore(DirtyBitmap *bitmap, SparseBitmap *old)
{
    SparseBitmap *tentative;

    bitmap_lock(bitmap);
    assert(sparse_bitmap_size(old) == sparse_bitmap_size(bitmap->bits));
    tentative = bitmap->bits;
    bitmap->bits = old;
    bitmap_unlock(bitmap);
    sparse_bitmap_free(tentative);
}

const SparseBitmap *bitmap_recorded_bits(const DirtyBitmap *bitmap,
                                         SparseBitmap **owned)
{
    *owned = NULL;
    if (!bitmap->successor) {
        return bitmap->bits;
    }
    bitmap_lock(bitmap);
    *owned = sparse_bitmap_clone(bitmap->bits);
    sparse_bitmap_or(*owned, bitmap->successor->bits);
    bitmap_unlock(bitmap);
    return *owned;
}

void bitmap_note_kept(DirtyBitmap *bitmap, uint64_t copy)
{
    if (!bitmap->successor) {
        bitmap_lock(bitmap);
        sparse_bitmap_set_kept(bitmap->bits, copy);
        bitmap_unlock(bitmap);
    }
}

/* First set or clear bit's byte in [@start, @end), or @end. */
static uint64_t next_locked(const DirtyBitmap *b, uint64_t start, uint64_t end,
                            bool set)
{
    uint64_t limit = MIN(end, b->size_bytes);
    uint64_t first, last, bit;

    if (start >= limit) {
        return end;
    }
    first = start >> b->granularity_bits;
    last = ((limit - 1) >> b->granularity_bits) + 1;
    bit = set ? sparse_bitmap_next_set(b->bits, first, last)
              : sparse_bitmap_next_clear(b->bits, first, last);
    return bit == last ? end : MAX(start, bit << b->granularity_bits);
}

static uint64_t next(const DirtyBitmap *bitmap, uint64_t start, uint64_t end,
                     bool set)
{
    uint64_t found;

    bitmap_lock(bitmap);
    found = next_locked(bitmap, start, end, set);
    bitmap_unlock(bitmap);
    return found;
}

uint64_t bitmap_next_dirty(const DirtyBitmap *bitmap, uint64_t start,
                           uint64_t end)
{
    return next(bitmap, start, end, true);
}

uint64_t bitmap_next_clean(const DirtyBitmap *bitmap, uint64_t start,
                           uint64_t end)
{
    return next(bitmap, start, end, false);
}

bool bitmap_next_dirty_run(const DirtyBitmap *bitmap, uint64_t start,
                           uint64_t end, uint64_t max_bytes,
                           uint64_t *run_start, uint64_t *run_bytes)
{
    uint64_t first;

    assert(max_bytes > 0);
    bitmap_lock(bitmap);
    end = MIN(end, bitmap->size_bytes);
    first = next_locked(bitmap, start, end, true);
    if (first < end) {
        if (max_bytes < end - first) {
            end = first + max_bytes;
        }
        *run_start = first;
        *run_bytes = next_locked(bitmap, first, end, false) - first;
    }
    bitmap_unlock(bitmap);
    return first < end;
}

SparseBitmap *bitmap_snapshot_bits(const DirtyBitmap *bitmap)
{
    SparseBitmap *copy;

    bitmap_lock(bitmap);
    copy = sparse_bitmap_clone(bitmap->bits);
    bitmap_unlock(bitmap);
    return copy;
}

static uint64_t unit(const DirtyBitmap *bitmap)
{
    return UINT64_C(1) << bitmap->granularity_bits;
}

/* @bits: those of @src, or a copy. */
static void merge_locked(DirtyBitmap *dst, const DirtyBitmap *src,
                         const SparseBitmap *bits, uint64_t offset,
                         uint64_t bytes)
{
    sparse_bitmap_or_scaled(dst->bits, unit(dst), bits, unit(src),
                            dst->size_bytes, offset, bytes);
}

/* The range must suit sparse_bitmap_or_scaled(). */
static void merge_range(DirtyBitmap *dst, const DirtyBitmap *src,
                        uint64_t offset, uint64_t bytes)
{
    SparseBitmap *copy;

    if (dst->node == src->node) {
        bitmap_lock(dst);
        merge_locked(dst, src, src->bits, offset, bytes);
        bitmap_unlock(dst);
        return;
    }
    /* No two nodes' locks are ever held at once. */
    bitmap_lock(src);
    copy = sparse_bitmap_new(sparse_bitmap_size(src->bits));
    sparse_bitmap_or_scaled(copy, unit(src), src->bits, unit(src),
                            src->size_bytes, offset, bytes);
    bitmap_unlock(src);
    bitmap_lock(dst);
    merge_locked(dst, src, copy, offset, bytes);
    bitmap_unlock(dst);
    sparse_bitmap_free(copy);
}

void bitmap_merge(DirtyBitmap *dst, const DirtyBitmap *src)
{
    assert(dst->size_bytes == src->size_bytes);
    if (dst != src) {
        merge_range(dst, src, 0, dst->size_bytes);
    }
}

void co_bitmap_merge(DirtyBitmap *dst, const DirtyBitmap *src)
{
    uint64_t size = dst->size_bytes, at = 0;
    uint64_t step = STEP_BITS * MAX(unit(dst), unit(src));

    assert(size == src->size_bytes);
    if (dst == src) {
        return;
    }
    while ((at = bitmap_next_dirty(src, at, size)) < size) {
        at = ROUND_DOWN(at, step);
        merge_range(dst, src, at, MIN(step, size - at));
        at += MIN(step, size - at);
        co_reschedule();
    }
}

size_t bitmap_memory_bytes(const DirtyBitmap *bitmap)
{
    size_t memory;

    bitmap_lock(bitmap);
    memory = sparse_bitmap_memory(bitmap->bits);
    bitmap_unlock(bitmap);
    return memory;
}

void co_bits_free(SparseBitmap *bits)
{
    while (!sparse_bitmap_free_some(bits, STEP_BITS / 8)) {
        co_reschedule();
    }
}

char *bitmap_sha256(const DirtyBitmap *bitmap)
{
    enum { CHUNK_BITS = 32768 };
    uint8_t bytes[CHUNK_BITS / 8];
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint64_t bits, at;
    char *hex;

    bitmap_lock(bitmap);
    bits = sparse_bitmap_size(bitmap->bits);
    for (at = 0; at < bits; at += CHUNK_BITS) {
        uint64_t n = MIN((uint64_t)CHUNK_BITS, bits - at);

        /* QEMU hashes whole words of 64 bits. */
        memset(bytes, 0, sizeof(bytes));
        sparse_bitmap_get_bytes(bitmap->bits, at, n, bytes);
        g_checksum_update(sum, bytes, DIV_ROUND_UP(n, 64) * 8);
    }
    bitmap_unlock(bitmap);
    hex = g_strdup(g_checksum_get_string(sum));
    g_checksum_free(sum);
    return hex;
}

void bitmaps_mark(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    short_lock(&node->bitmaps_lock);
    LIST_FOREACH(bitmap, &node->bitmaps, DirtyBitmap, in_node) {
        if (bitmap->enabled) {
            set_locked(bitmap, offset_bytes, bytes);
        }
    }
    short_unlock(&node->bitmaps_lock);
}
