/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bound on what a copy fills of its target.
 *
 *     claimed data: --take--> held --give (discarded)--> free
 *                      | no room
 *                      +--> back to do; -ENOSPC, or wait until some is given
 *
 * Invariants:
 * 1. A cluster is held from before its first write to the target until that
 *    has discarded it, also if the write failed: part of it may be there.
 * 2. used_bytes is the clusters held, and never more than the cap.
 * 3. Who waits for room has nothing claimed: who gives some waits for what is
 *    in flight.
 * All at the engine's home.
 */
#include "block/copy/copy-int.h"

struct CopySpace {
    /* CONST */
    BlockCopySpaceOptions options;
    uint64_t cluster_bytes;
    /* HOME */
    SparseBitmap *held; /* by clusters */
    uint64_t used_bytes;
    bool low; /* it was told */
    CoQueue freed;
};

void block_copy_set_space(BlockCopy *copy, const BlockCopySpaceOptions *options)
{
    CopySpace *space = g_new0(CopySpace, 1);

    assert(!copy->space && !copy->live);
    assert(options->cap_bytes >= copy->cluster_bytes);
    space->options = *options;
    space->cluster_bytes = copy->cluster_bytes;
    space->held =
        sparse_bitmap_new(DIV_ROUND_UP(copy->size_bytes, copy->cluster_bytes));
    coqueue_init(&space->freed);
    copy->space = space;
}

void copy_space_free(CopySpace *space)
{
    if (space) {
        sparse_bitmap_free(space->held);
        g_free(space);
    }
}

uint64_t block_copy_space_used(const BlockCopy *copy)
{
    return copy->space ? copy->space->used_bytes : 0;
}

bool block_copy_space_is_full(const BlockCopy *copy)
{
    const CopySpace *space = copy->space;

    return space &&
           space->used_bytes + space->cluster_bytes > space->options.cap_bytes;
}

/* Tells once that little is left, and again after there was more. */
static void look_whether_low(CopySpace *space)
{
    bool low = space->used_bytes + space->options.low_water_bytes >=
               space->options.cap_bytes;

    if (low && !space->low && space->options.low) {
        space->options.low(space->options.opaque, space->used_bytes);
    }
    space->low = low;
}

uint64_t copy_space_take(CopySpace *space, uint64_t offset_bytes,
                         uint64_t bytes)
{
    uint64_t first = offset_bytes / space->cluster_bytes;
    uint64_t end = DIV_ROUND_UP(offset_bytes + bytes, space->cluster_bytes);
    uint64_t room =
        (space->options.cap_bytes - space->used_bytes) / space->cluster_bytes;
    uint64_t at;

    for (at = first; at < end; at++) {
        if (!sparse_bitmap_test(space->held, at)) {
            if (!room) {
                break;
            }
            room--;
            sparse_bitmap_set(space->held, at, 1);
            space->used_bytes += space->cluster_bytes;
        }
    }
    look_whether_low(space);
    return MIN((at - first) * space->cluster_bytes, bytes);
}

void copy_space_give(CopySpace *space, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t first = offset_bytes / space->cluster_bytes;
    uint64_t n = DIV_ROUND_UP(bytes, space->cluster_bytes);

    assert(offset_bytes % space->cluster_bytes == 0);
    sparse_bitmap_clear(space->held, first, n);
    space->used_bytes = sparse_bitmap_count(space->held) * space->cluster_bytes;
    look_whether_low(space);
    coqueue_wake_all(&space->freed);
}

bool co_copy_space_wait(CopySpace *space, BlockCopyWatch *watch)
{
    if (!space->options.wait || !watch || watch->given_up) {
        return false;
    }
    watch->waits_for_space = true;
    co_queue_wait(&space->freed);
    if (!watch->given_up) {
        watch->waits_for_space = false;
    }
    return true;
}

void block_copy_space_wake(BlockCopy *copy)
{
    if (copy->space) {
        coqueue_wake_all(&copy->space->freed);
    }
}
