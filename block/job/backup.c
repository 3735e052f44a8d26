/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backup job: copies a disk, or what a bitmap says changed on it, as it
 * was when the job was made.
 *
 *   backup-start.c:   bitmap gets a successor, filter is put in, job is made
 *   co_backup_run:    copies what is to do, in parallel, and what guests
 *                     failed to copy; flushes the target
 *   commit / abort:   settles the bitmap
 *   co_backup_clean:  takes the filter out
 *
 * Invariants:
 * 1. From co_backup_create to co_backup_clean the filter is in place: the
 *    point in time is the moment it was put in, while the disk was quiesced.
 * 2. The user's bitmap never forgets a cluster that is not in the target of a
 *    finished backup; with bitmap-mode always, not in the target at all.
 */
#include "block/job/backup.h"

#include "block/filter/copy-before-write.h"

/* How much of a hole is one step for a job without a speed limit: a guest that
 * writes into it waits until all of it is zero in the target. */
#define HOLE_STEP_BYTES (64 * MiB)

/* How long a job with on-error=ignore waits before it tries again what failed:
 * an error that lasts must not keep the processor and the clients busy. */
#define IGNORED_RETRY_NS (100 * INT64_C(1000000))

/* --- bitmap -------------------------------------------------------------- */

void backup_settle_bitmap(BackupState *s, bool forget)
{
    DirtyBitmap *bitmap = s->bitmap;

    s->bitmap = NULL;
    if (!bitmap) {
        return;
    }
    if (forget) {
        bitmap_abdicate(bitmap);
        /* Nothing is left after a success. */
        bitmap_merge(bitmap, block_copy_todo(s->copy));
    } else {
        bitmap_reclaim(bitmap);
    }
}

/* --- the work ------------------------------------------------------------ */

COROUTINE_ONLY
static bool co_step(Job *job, uint64_t *at_bytes, uint64_t *step_bytes)
{
    BackupState *s = job_state(job);

    /* With a limit, holes count like data, so that it says how fast a job
     * goes whatever lies on the disk. */
    return co_copy_work_step(&s->work,
                             block_job_speed(job) ? 0 : HOLE_STEP_BYTES,
                             at_bytes, step_bytes);
}

/* If the next step from @at_bytes on may be the last: where it would have to
 * end. Else the disk's end. Asked before the step, so that what guests copy
 * while it looks at the disk does not decide whether a limited job waits. */
static uint64_t last_step_end(const BackupState *s, uint64_t at_bytes)
{
    const DirtyBitmap *todo = block_copy_todo(s->copy);
    uint64_t end = bitmap_size_bytes(todo), start, bytes;

    if (bitmap_next_dirty_run(todo, at_bytes, end,
                              block_copy_chunk_bytes(s->copy), &start,
                              &bytes) &&
        bitmap_next_dirty(todo, start + bytes, end) == end) {
        return start + bytes;
    }
    return end;
}

COROUTINE_ONLY
static void co_copy_all(Job *job)
{
    BackupState *s = job_state(job);
    uint64_t at = 0, step, last_end;
    bool started = false;

    for (;;) {
        co_job_pause_point(job);
        co_copy_work_wait_room(&s->work);
        last_end = last_step_end(s, at);
        if (!copy_work_goes_on(&s->work) || !co_step(job, &at, &step)) {
            break;
        }
        if (!started && !s->work.error) {
            co_reschedule(); /* the command's reply goes first */
        }
        started = true;
        if (at < last_end) {
            co_block_job_throttle(job, step);
        }
    }
    co_copy_work_wait_all(&s->work);
}

/* What guests' requests have claimed is not the walker's: waits for it, and
 * copies what they failed to copy behind it. */
COROUTINE_ONLY
static void co_copy_rest(Job *job)
{
    BackupState *s = job_state(job);
    Root *root = block_job_main_root(job);
    bool is_read;
    int ret;

    co_root_enter(root);
    ret = co_block_copy(s->copy, 0, bitmap_size_bytes(block_copy_todo(s->copy)),
                        &is_read);
    root_leave(root);
    if (ret < 0) {
        copy_work_failed(&s->work, ret, is_read);
    }
}

/* Everything that is to do, then the target's caches. */
COROUTINE_ONLY
static void co_round(Job *job)
{
    BackupState *s = job_state(job);

    co_copy_all(job);
    if (copy_work_goes_on(&s->work)) {
        co_copy_rest(job);
    }
    if (copy_work_goes_on(&s->work) && s->copied) {
        co_copy_work_flush(&s->work);
    }
}

/* After a round that failed: tells it, and whether to try again (for "stop",
 * after the user's resume). What failed is still to do. */
COROUTINE_ONLY
static bool co_try_again(Job *job)
{
    BackupState *s = job_state(job);
    BlockErrorAction action = copy_work_error_action(&s->work);

    if (action == BLOCK_ERROR_ACTION_REPORT) {
        return false;
    }
    if (action == BLOCK_ERROR_ACTION_IGNORE) {
        co_job_sleep_ns(job, IGNORED_RETRY_NS);
    }
    return !job_cancelled(job);
}

/* sync=none: users' requests copy what they overwrite, until the user has
 * enough of it. */
COROUTINE_ONLY
static void co_watch(Job *job)
{
    while (!job_cancelled(job)) {
        co_job_wait(job);
    }
}

/* What begins and ends within [@start, @end) is not to be copied. */
static void leave_out(Job *job, uint64_t start, uint64_t end)
{
    BackupState *s = job_state(job);
    DirtyBitmap *todo = block_copy_todo(s->copy);
    uint64_t cluster = block_copy_cluster_bytes(s->copy), before;

    start = ROUND_UP(start, cluster);
    end = end < bitmap_size_bytes(todo) ? ROUND_DOWN(end, cluster) : end;
    if (start < end) {
        before = bitmap_count_bytes(todo);
        bitmap_reset(todo, start, end - start);
        job_progress_add_total(job, (int64_t)bitmap_count_bytes(todo) -
                                        (int64_t)before);
    }
}

/* Goes on beside guests: a cluster that they write to meanwhile is copied, or
 * is not, as it was. */
COROUTINE_ONLY
static int co_leave_out_lower_layers(Job *job)
{
    BackupState *s = job_state(job);
    uint64_t size = root_size_bytes(block_job_main_root(job)), gap = 0, run;

    for (uint64_t at = 0; at < size && copy_work_goes_on(&s->work); at += run) {
        unsigned depth;
        int ret = co_root_allocation_depth(block_job_main_root(job), at,
                                           size - at, &run, &depth);

        if (ret < 0) {
            s->work.error_is_read = true;
            return ret;
        }
        if (!run) {
            break;
        }
        if (depth == 1) {
            leave_out(job, gap, at);
            gap = at + run;
        }
    }
    leave_out(job, gap, size);
    return 0;
}

COROUTINE_ONLY
static int co_backup_run(Job *job, Error **errp)
{
    BackupState *s = job_state(job);

    s->work.error = s->top_only ? co_leave_out_lower_layers(job) : 0;
    if (s->work.error) {
        return s->work.error;
    }
    if (s->only_guests) {
        co_watch(job);
    } else {
        do {
            co_round(job);
        } while (s->work.error && !cbw_error(s->filter) && co_try_again(job));
    }
    /* Users' writes have passed: what is to do is not of one point in time. */
    if (cbw_error(s->filter)) {
        s->work.error = cbw_error(s->filter);
    }
    if (!copy_work_goes_on(&s->work)) {
        /* A bit that is clear while its copy is in flight would tell the
         * user's bitmap that the cluster is in the target. */
        co_block_copy_stop(s->copy);
    }
    return s->work.error;
}

/* --- the end ------------------------------------------------------------- */

static void backup_commit(Job *job)
{
    BackupState *s = job_state(job);

    backup_settle_bitmap(s, s->bitmap_mode != BITMAP_SYNC_MODE_NEVER);
}

static void backup_abort(Job *job)
{
    BackupState *s = job_state(job);

    backup_settle_bitmap(s, s->bitmap_mode == BITMAP_SYNC_MODE_ALWAYS);
}

COROUTINE_ONLY CONTROL_ONLY static void co_backup_clean(Job *job)
{
    BackupState *s = job_state(job);

    /* None if the job's making failed: then it was dropped already. */
    if (s->filter) {
        co_cbw_drop(s->filter);
    }
}

const JobDriver backup_driver = {
    .type = JOB_TYPE_BACKUP,
    .state_bytes = sizeof(BackupState),
    .co_run = co_backup_run,
    .commit = backup_commit,
    .abort = backup_abort,
    .co_clean = co_backup_clean,
};
