/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mirror has to do at its start: everything, what the topmost image
 * has, or what is not there already. A bitmap of the user's says it else.
 *
 * Invariant: bits are only added, as users write meanwhile.
 */
#include "block/job/mirror.h"

/* The target is zeroed in steps of so much. */
#define ZERO_STEP_BYTES (64 * MiB)

/* What the first @layers images have is to be copied: with sync=top, what lower
 * ones have is not. Goes on beside guests: the bits of what they write come
 * after. */
COROUTINE_ONLY
static int co_find_layers(Job *job, unsigned layers)
{
    MirrorState *s = job_state(job);
    Root *root = block_job_main_root(job);
    uint64_t size = root_size_bytes(root), run;

    for (uint64_t at = 0; at < size && copy_work_goes_on(&s->work); at += run) {
        unsigned depth;
        int ret = co_root_allocation_depth(root, at, size - at, &run, &depth);

        if (ret < 0) {
            return ret;
        }
        if (!run) {
            break;
        }
        if (depth >= 1 && depth <= layers) {
            bitmap_set(s->todo, at, run);
        }
        co_job_pause_point(job);
    }
    return 0;
}

/* All of the target is made zero, so that what no image of the disk has is
 * there already. If that fails all is to do, in case that the job goes on. */
COROUTINE_ONLY CONTROL_ONLY static int co_zero_first(Job *job)
{
    MirrorState *s = job_state(job);
    uint64_t size = root_size_bytes(block_job_main_root(job)), end;

    for (uint64_t at = 0; at < size && copy_work_goes_on(&s->work); at = end) {
        int ret;

        end = MIN(at + ZERO_STEP_BYTES, size);
        ret = co_block_copy_zero_target(s->copy, at, end);
        if (ret < 0) {
            bitmap_set_all(s->todo);
            copy_work_failed(&s->work, ret, false);
            return 0;
        }
        co_job_pause_point(job);
    }
    return co_find_layers(job, UINT_MAX);
}

/* What is counted of a disk whose holes count as copied: in whole granules, as
 * what is to do is. */
typedef struct Count {
    uint64_t end_bytes; /* up to there */
    bool last_is_hole;
} Count;

static void count_run(MirrorState *s, Count *c, uint64_t at, uint64_t bytes,
                      bool hole)
{
    uint64_t granularity = bitmap_granularity_bytes(s->todo);
    uint64_t size = bitmap_size_bytes(s->todo);
    uint64_t end = MIN(ROUND_UP(at + bytes, granularity), size);

    if (!hole) {
        if (at < c->end_bytes && c->last_is_hole) {
            s->done_bytes -= c->end_bytes - ROUND_DOWN(at, granularity);
        }
    } else if (end > c->end_bytes) {
        s->done_bytes += end - MAX(c->end_bytes, ROUND_DOWN(at, granularity));
    } else {
        return;
    }
    c->end_bytes = MAX(end, c->end_bytes);
    c->last_is_hole = hole;
}

/* The part of a hole at *@run bytes that the disk's images themselves say is
 * one, or the part that none of them says anything of. */
COROUTINE_ONLY
static int co_hole_counts(Root *root, uint64_t at, uint64_t *run, bool *counts)
{
    uint64_t bytes = *run;
    unsigned depth;
    int ret = co_root_allocation_depth(root, at, bytes, run, &depth);

    *counts = depth > 0;
    if (ret == 0 && !*run) {
        *run = bytes;
    }
    return ret;
}

/* The target is zero: what reads as zeroes is there already. */
COROUTINE_ONLY
static int co_find_data(Job *job)
{
    MirrorState *s = job_state(job);
    Root *root = block_job_main_root(job);
    uint64_t size = root_size_bytes(root);
    BlockStatus status = {0};
    Count count = {0};

    for (uint64_t at = 0; at < size && copy_work_goes_on(&s->work);
         at += status.bytes) {
        int ret = co_root_block_status(root, at, size - at, &status);
        bool hole = status.flags & STATUS_ZERO, counts = true;

        if (ret == 0 && hole && s->holes_count) {
            ret = co_hole_counts(root, at, &status.bytes, &counts);
        }
        if (ret < 0) {
            return ret;
        }
        if (!status.bytes) {
            break;
        }
        if (!hole) {
            bitmap_set(s->todo, at, status.bytes);
        }
        if (s->holes_count && counts) {
            count_run(s, &count, at, status.bytes, hole);
        }
        co_job_pause_point(job);
    }
    return 0;
}

void co_mirror_find_todo(Job *job)
{
    MirrorState *s = job_state(job);
    int ret = 0;

    if (s->bitmap || s->sync == MIRROR_SYNC_MODE_NONE) {
        return; /* the bitmap says it */
    }
    if (s->sync == MIRROR_SYNC_MODE_TOP || s->only_allocated) {
        ret = co_find_layers(job, s->layers);
    } else if (s->zero_first) {
        ret = co_zero_first(job);
    } else if (s->target_is_zero) {
        ret = co_find_data(job);
    } else {
        bitmap_set_all(s->todo);
    }
    if (ret < 0) {
        copy_work_failed(&s->work, ret, true);
    }
}
