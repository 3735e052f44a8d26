/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a live copy has written to its target and not flushed yet: until then a
 * loss of power over there, or a server that dies, may take it back. Who will
 * go on from the bits to do another time needs these as well.
 *
 * Invariant: a cluster that was copied and of which no bit is set, neither to
 * do nor here, is on the target's stable storage, or in a flush that is under
 * way and whose failure sets its bit again.
 * All at the engine's home.
 */
#include "block/copy/copy-int.h"
#include "block/io/io.h"

void block_copy_keep_unflushed(BlockCopy *copy)
{
    assert(copy->live && !copy->unflushed);
    copy->unflushed =
        sparse_bitmap_new(DIV_ROUND_UP(copy->size_bytes, copy->cluster_bytes));
}

void copy_note_written(BlockCopy *copy, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t cluster = copy->cluster_bytes;

    if (copy->unflushed) {
        sparse_bitmap_set(copy->unflushed, offset_bytes / cluster,
                          DIV_ROUND_UP(bytes, cluster));
    }
}

static void set_to_do(BlockCopy *copy)
{
    SparseBitmap *bits = copy->unflushed;
    uint64_t start = 0, n, size = sparse_bitmap_size(bits);

    while (sparse_bitmap_next_run(bits, start, size, size, &start, &n)) {
        uint64_t offset = start * copy->cluster_bytes;

        bitmap_set(copy->todo, offset,
                   MIN(n * copy->cluster_bytes, copy->size_bytes - offset));
        start += n;
    }
    sparse_bitmap_clear_all(bits);
}

/* A write to both sides that is under way would take its bit away. */
COROUTINE_ONLY
static void co_set_to_do(BlockCopy *copy)
{
    RangeLock lock;

    if (copy->size_bytes) {
        co_range_lock(copy->in_flight, &lock, 0, copy->size_bytes,
                      RANGE_EXCLUSIVE);
        set_to_do(copy);
        range_unlock(copy->in_flight, &lock);
    }
}

int co_block_copy_flush(BlockCopy *copy)
{
    SparseBitmap *asked = copy->unflushed;
    int ret;

    if (!asked) {
        return co_edge_flush(copy->target);
    }
    assert(reactor_current() == copy->home);
    copy->unflushed = sparse_bitmap_new(sparse_bitmap_size(asked));
    ret = co_edge_flush(copy->target);
    if (ret < 0) {
        sparse_bitmap_or(copy->unflushed, asked);
        co_set_to_do(copy);
    }
    sparse_bitmap_free(asked);
    return ret;
}

void block_copy_give_up_unflushed(BlockCopy *copy)
{
    block_copy_stop_soon(copy);
    if (copy->unflushed) {
        set_to_do(copy);
    }
}
