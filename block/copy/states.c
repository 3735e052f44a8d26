/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy engine's states: what is to do, in flight, done. See block-copy.h
 * for the diagram and the invariants; claim() is the only way from "to do" to
 * "in flight", run_done() the only way on.
 */
#include "block/copy/copy-int.h"
#include "block/io/io.h"
#include "util/sim.h"

/* What co_block_copy takes for a hole at a time: there is nothing to read. Not
 * more, since a guest that writes into it waits for all of it. */
#define HOLE_MAX_BYTES (64 * MiB)

/* --- states; nothing here yields ----------------------------------------- */

/* Locks as much from @offset on as is not in flight, at most @bytes. */
static bool lock_some(BlockCopy *copy, RangeLock *lock, uint64_t offset,
                      uint64_t *bytes)
{
    uint64_t cluster = copy->cluster_bytes;

    while (!range_trylock(copy->in_flight, lock, offset, *bytes,
                          RANGE_EXCLUSIVE)) {
        assert(copy->live); /* invariant 1 */
        if (*bytes <= cluster) {
            return false;
        }
        *bytes = ROUND_UP(*bytes / 2, cluster);
    }
    return true;
}

/* Locks the first piece that is to do and not in flight. */
static bool lock_next(BlockCopy *copy, BlockCopyRun *run, uint64_t start,
                      uint64_t end, uint64_t max_bytes)
{
    while (bitmap_next_dirty_run(copy->todo, start, end, max_bytes,
                                 &run->offset_bytes, &run->bytes)) {
        if (lock_some(copy, &run->lock, run->offset_bytes, &run->bytes)) {
            return true;
        }
        start = run->offset_bytes + run->bytes;
    }
    return false;
}

static BlockCopyRun *claim(BlockCopy *copy, uint64_t start, uint64_t end,
                           uint64_t max_bytes)
{
    BlockCopyRun *run;

    if (copy->stopped) {
        return NULL;
    }
    run = g_new0(BlockCopyRun, 1);
    run->copy = copy;
    if (!lock_next(copy, run, start, end, max_bytes)) {
        g_free(run);
        return NULL;
    }
    bitmap_reset(copy->todo, run->offset_bytes, run->bytes);
    return run;
}

void copy_run_cut(BlockCopyRun *run, uint64_t bytes)
{
    assert(bytes > 0 && bytes <= run->bytes);
    if (bytes < run->bytes) {
        bitmap_set(run->copy->todo, run->offset_bytes + bytes,
                   run->bytes - bytes);
        range_lock_shrink(run->copy->in_flight, &run->lock, bytes);
        run->bytes = bytes;
    }
}

static void run_done(BlockCopyRun *run, bool copied)
{
    BlockCopy *copy = run->copy;

    if (copied) {
        copy_note_written(copy, run->offset_bytes, run->bytes);
    } else {
        bitmap_set(copy->todo, run->offset_bytes, run->bytes);
    }
    range_unlock(copy->in_flight, &run->lock);
    if (copied && copy->progress) {
        copy->progress(copy->progress_opaque,
                       copy->live ? run->bytes
                                  : ROUND_UP(run->bytes, copy->cluster_bytes));
    }
    g_free(run);
}

/* Keeps so much of data that was claimed as there is room for. */
static int take_space(BlockCopyRun *run)
{
    CopySpace *space = run->copy->space;
    uint64_t bytes;

    if (!space || run->is_hole) {
        return 0;
    }
    bytes = copy_space_take(space, run->offset_bytes, run->bytes);
    if (!bytes) {
        return -ENOSPC;
    }
    copy_run_cut(run, bytes);
    return 0;
}

int co_copy_claim(BlockCopy *copy, uint64_t start, uint64_t end,
                  uint64_t max_hole, bool waited_for, BlockCopyWatch *watch,
                  BlockCopyRun **run)
{
    int ret;

    if (watch && watch->given_up) {
        return -ECANCELED;
    }
    *run = claim(copy, start, end, max_hole);
    if (!*run) {
        return 0;
    }
    (*run)->watch = watch;
    ret = co_copy_classify(*run, waited_for);
    if (ret == 0) {
        ret = take_space(*run);
    }
    if (ret < 0) {
        run_done(*run, false);
        *run = NULL;
        return ret;
    }
    return 1;
}

int co_copy_finish(BlockCopyRun *run, bool *error_is_read)
{
    int ret;

    if (PLANTED("done-before-write")) {
        BlockCopyRun late = *run;

        run_done(run, true);
        return co_move_run(&late, error_is_read);
    }
    ret = co_move_run(run, error_is_read);
    if (ret == 0 && run->copy->discard_source) {
        co_edge_pdiscard(run->copy->source, run->offset_bytes, run->bytes);
    }
    run_done(run, ret == 0);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_copy_dirty(BlockCopy *copy, uint64_t start, uint64_t end,
              BlockCopyWatch *watch, bool *error_is_read)
{
    BlockCopyRun *run;
    int ret;

    for (;;) {
        ret =
            co_copy_claim(copy, start, end, HOLE_MAX_BYTES, true, watch, &run);
        *error_is_read = ret != -ENOSPC || !block_copy_space_is_full(copy);
        if (ret == -ENOSPC && copy->space &&
            co_copy_space_wait(copy->space, watch)) {
            continue;
        }
        if (ret <= 0) {
            return ret;
        }
        ret = co_copy_finish(run, error_is_read);
        if (ret < 0) {
            return ret;
        }
    }
}

int co_copy_all(BlockCopy *copy, uint64_t start, uint64_t end,
                BlockCopyWatch *watch, bool *error_is_read)
{
    do {
        int ret = co_copy_dirty(copy, start, end, watch, error_is_read);

        if (ret < 0) {
            return ret;
        }
        if (PLANTED("copy-does-not-wait")) {
            break;
        }
        co_range_wait_free(copy->in_flight, start, end - start);
        /* Who was in flight may have failed: then it is ours to do. */
    } while (!copy->stopped && bitmap_next_dirty(copy->todo, start, end) < end);
    return 0;
}
