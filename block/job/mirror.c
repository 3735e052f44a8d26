/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mirror job: copies a disk, or what a bitmap says changed on it, and
 * keeps the copy up to date until the user finishes it.
 *
 *   mirror-start.c: filter is put in, bitmap recording, job made
 *   mirror-todo.c:  what is to do at the start
 *   co_mirror_run:  passes over what is to do, until little is left: ready;
 *                   then now and again, until told to finish
 *   mirror-end.c:   the rest, with the users held for a moment; pivot
 *
 * Invariants:
 * 1. At every moment the bits to do, and what is in flight, cover all that the
 *    target does not have as the disk has it.
 * 2. Passes end although users go on writing: a job is ready when they gain
 *    nothing any more; to finish, users write to both sides, what a pass may
 *    leave grows with their number, and the last of it is copied while users
 *    are held.
 */
#include "block/job/mirror.h"

#include "block/filter/mirror-top.h"

/* How much of a hole is one step for a job without a speed limit. */
#define HOLE_STEP_BYTES (16 * MiB)
/* Between two passes of a job that is ready, or after an ignored error. */
#define REST_NS (100 * INT64_C(1000000))
/* What is left is little: users are held for the time it takes. */
#define LITTLE_BYTES (1 * MiB)
/* A job with a bitmap flushes after so long, so that one that loses its target
 * leaves no more than that to do again; before it sleeps, sooner. */
#define KEEP_NS (1000 * INT64_C(1000000))
#define KEEP_SLEEPING_NS (100 * INT64_C(1000000))
/* So long may the target take for its last flush when the job has failed. */
#define PATIENCE_NS (5000 * INT64_C(1000000))
/* A pass over one part in so many of what the one before it copied is one that
 * a user does not notice. */
#define SHORT_PASS 16

/* Of the bytes of the disk, not of the granules. */
static uint64_t todo_bytes(const MirrorState *s)
{
    uint64_t size = bitmap_size_bytes(s->todo);
    uint64_t granularity = bitmap_granularity_bytes(s->todo);
    uint64_t bytes = bitmap_count_bytes(s->todo);

    if (size && bytes && bitmap_get(s->todo, size - 1)) {
        bytes -= ROUND_UP(size, granularity) - size;
    }
    return bytes;
}

static void tell_done(Job *job)
{
    MirrorState *s = job_state(job);

    job_progress_add(job, s->untold_bytes);
    s->untold_bytes = 0;
}

void mirror_tell_total(Job *job)
{
    const MirrorState *s = job_state(job);

    tell_done(job);
    job_progress_set_total(job, s->done_bytes + todo_bytes(s));
}

/* --- one pass ------------------------------------------------------------ */

COROUTINE_ONLY
static bool co_step(Job *job, uint64_t *at_bytes, uint64_t *step_bytes)
{
    MirrorState *s = job_state(job);
    uint64_t chunk = block_copy_chunk_bytes(s->copy);
    uint64_t max_hole =
        block_job_speed(job) ? chunk : MAX(chunk, HOLE_STEP_BYTES);

    return co_copy_work_step(&s->work, max_hole, at_bytes, step_bytes);
}

/* A job with a speed limit does a run of what is to do at once, a buffer's
 * worth at most, and then pays for it, as QEMU's does: neither pauses nor
 * cancels cut it. */
static bool is_in_run(const Job *job, uint64_t unpaid_bytes)
{
    return unpaid_bytes && block_job_speed(job);
}

static bool is_to_pay(const MirrorState *s, uint64_t at, uint64_t unpaid_bytes)
{
    uint64_t size = bitmap_size_bytes(s->todo);

    return unpaid_bytes >= s->buf_bytes ||
           bitmap_next_dirty(s->todo, at, size) > at;
}

COROUTINE_ONLY
static void co_keep_done_since(MirrorState *s, int64_t ns)
{
    if (s->bitmap && reactor_now_ns() - s->flushed_ns > ns) {
        s->flushed_ns = reactor_now_ns();
        co_copy_work_flush(&s->work);
    }
}

COROUTINE_ONLY
static void co_pay(Job *job, uint64_t *unpaid_bytes)
{
    MirrorState *s = job_state(job);

    if (s->bitmap && block_job_speed(job)) {
        co_copy_work_wait_all(&s->work);
        co_keep_done_since(s, KEEP_SLEEPING_NS);
        tell_done(job);
    }
    co_block_job_throttle(job, *unpaid_bytes);
    *unpaid_bytes = 0;
}

void co_mirror_pass(Job *job, bool in_co_run)
{
    MirrorState *s = job_state(job);
    uint64_t at = 0, step, unpaid = 0;
    bool started = s->ready || !in_co_run;

    mirror_tell_total(job);
    for (;;) {
        if (in_co_run && !is_in_run(job, unpaid)) {
            co_job_pause_point(job);
        }
        co_copy_work_wait_room(&s->work);
        co_keep_done_since(s, KEEP_NS);
        if (s->work.error || (job_cancelled(job) && !is_in_run(job, unpaid)) ||
            !co_step(job, &at, &step)) {
            break;
        }
        unpaid += step;
        if (!started && !s->work.error) {
            job_begun(job);
            co_reschedule(); /* the command's reply goes first */
        }
        started = true;
        if (in_co_run && is_to_pay(s, at, unpaid)) {
            co_pay(job, &unpaid);
        }
    }
    if (in_co_run && unpaid && copy_work_goes_on(&s->work)) {
        co_pay(job, &unpaid);
    }
    co_copy_work_wait_all(&s->work);
    tell_done(job);
}

/* --- the work ------------------------------------------------------------ */

/* After a failure: tells it, and whether to try again. What failed is still to
 * do. */
COROUTINE_ONLY
static bool co_try_again(Job *job)
{
    MirrorState *s = job_state(job);
    BlockErrorAction action = copy_work_error_action(&s->work);

    if (action == BLOCK_ERROR_ACTION_REPORT) {
        return false;
    }
    s->synced = false;
    if (action == BLOCK_ERROR_ACTION_IGNORE) {
        co_job_sleep_ns(job, REST_NS);
    }
    co_job_pause_point(job);
    return !job_cancelled(job);
}

/* Whether @left may stay to do after @passes, the last of which found
 * @before. Invariant 2. */
static bool enough(const MirrorState *s, unsigned passes, uint64_t left,
                   uint64_t before)
{
    if (left == 0) {
        return true;
    }
    if (s->finish == MIRROR_GOES_ON) {
        /* One pass over everything, one over what was written meanwhile if
         * that takes no time worth speaking of. */
        return passes > 1 || (passes > 0 && left > before / SHORT_PASS);
    }
    return passes > 2 && left <= LITTLE_BYTES << MIN(passes, 40);
}

/* Passes until little is left, or users write as fast as is copied. */
COROUTINE_ONLY
static void co_converge(Job *job)
{
    MirrorState *s = job_state(job);
    uint64_t left, before = 0;

    for (unsigned passes = 0; copy_work_goes_on(&s->work); passes++) {
        left = bitmap_count_bytes(s->todo);
        mirror_tell_total(job);
        if (enough(s, passes, left, before)) {
            /* Who is ready writes on, and flushes in the end. */
            if (s->ready ? s->finish != MIRROR_GOES_ON : s->done_bytes > 0) {
                co_copy_work_flush(&s->work);
            }
            return;
        }
        before = left;
        co_mirror_pass(job, true);
    }
}

void co_mirror_go_active(MirrorState *s)
{
    if (!mirror_top_active(s->filter)) {
        Quiesce *section = co_quiesce_begin(&s->filter, 1);

        mirror_top_set_active(s->filter, true);
        quiesce_end(section);
    }
}

/* What is to do is known. Only now may users write to both sides: a write that
 * had begun while a bit was not set yet would take it away. */
COROUTINE_ONLY CONTROL_ONLY static void co_know_todo(MirrorState *s)
{
    co_graph_lock();
    s->todo_known = true;
    if (s->write_blocking) {
        co_mirror_go_active(s);
    }
    graph_unlock();
}

static void become_ready(Job *job)
{
    MirrorState *s = job_state(job);

    if (!s->ready) {
        s->ready = true;
        mirror_tell_total(job);
        job_ready(job);
        job_begun(job);
    }
    if (s->write_blocking && bitmap_count_bytes(s->todo) == 0) {
        s->synced = true;
    }
}

/* Until the user finishes it, or something fails. */
COROUTINE_ONLY CONTROL_ONLY static void co_follow(Job *job)
{
    MirrorState *s = job_state(job);

    for (;;) {
        if (s->finish != MIRROR_GOES_ON) {
            /* So that users add nothing to what is left, and are held for no
             * longer than it takes to move them. */
            co_graph_lock();
            co_mirror_go_active(s);
            graph_unlock();
        }
        co_converge(job);
        if (!copy_work_goes_on(&s->work)) {
            break;
        }
        become_ready(job);
        if (s->finish == MIRROR_GOES_ON) {
            co_job_sleep_ns(job, REST_NS);
        } else if (mirror_top_active(s->filter)) {
            break;
        }
    }
}

CONTROL_ONLY
static void patience_ends(void *opaque)
{
    mirror_give_up_target(opaque);
}

void co_mirror_keep_done(Job *job)
{
    MirrorState *s = job_state(job);
    int error = s->work.error;
    Timer patience;

    if (s->bitmap) {
        timer_init(&patience, patience_ends, s);
        timer_arm(&patience, reactor_now_ns() + PATIENCE_NS);
        co_copy_work_flush(&s->work);
        timer_cancel(&patience);
        s->work.error = error; /* what ended the job stays its error */
    }
}

int co_mirror_run(Job *job, Error **errp)
{
    MirrorState *s = job_state(job);
    bool failed_early;

    if (s->commit ? s->source->size_bytes > s->target->size_bytes
                  : s->source->size_bytes != s->target->size_bytes) {
        error_set(errp, "Source and target image have different sizes");
        job_begun(job);
        co_reschedule(); /* the command's reply goes first */
        return -EINVAL;
    }
    s->flushed_ns = reactor_now_ns() - KEEP_SLEEPING_NS - 1;
    co_mirror_find_todo(job);
    co_know_todo(s);
    failed_early = s->work.error;
    if (!failed_early) {
        mirror_tell_total(job);
        job_progress_add(job, s->done_bytes);
    }
    if (s->commit && s->source->size_bytes) {
        /* The reply goes first even if there is nothing to do. */
        job_begun(job);
        co_reschedule();
    }
    do {
        co_follow(job);
    } while (s->work.error && !job_cancelled(job) && co_try_again(job));
    if (failed_early) {
        job_begun(job);
        co_reschedule();
    }
    if (!copy_work_goes_on(&s->work)) {
        /* A bit that is clear while its copy is in flight would tell that the
         * target has it. */
        co_block_copy_stop(s->copy);
        co_mirror_keep_done(job);
    }
    return s->work.error;
}
