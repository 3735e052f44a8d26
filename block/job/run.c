/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job while it runs: its coroutine, its waits, and pausing.
 *
 * Invariants:
 * 1. The job is paused exactly while something wants it to be
 *    (job_should_pause) and its coroutine is at a pause point; so a pause or
 *    resume that finds it there changes the state at once, without waiting
 *    for the coroutine to run.
 * 2. The coroutine does not leave a pause point while the job is paused.
 * 3. It is woken only while @asleep, once for each yield.
 */
#include "block/job/internal.h"
#include "util/sim.h"

static void wake(Job *job)
{
    if (job->asleep) {
        job->asleep = false;
        coroutine_wake(job->co);
    }
}

void job_kick(Job *job)
{
    job->kicked = true;
    wake(job);
}

static void enter_pause(Job *job)
{
    job->paused = true;
    if (job->driver->pause) {
        job->driver->pause(job);
    }
    job->paused_quietly = job->quiet;
    if (!job->quiet) {
        job_transition(job, job->status == JOB_STATUS_READY
                                ? JOB_STATUS_STANDBY
                                : JOB_STATUS_PAUSED);
    }
}

static void leave_pause(Job *job)
{
    job->paused = false;
    job->kicked |= job->driver->step_when_woken;
    if (job->driver->resume) {
        job->driver->resume(job);
    }
    /* A group that is being aborted shows its moves at the end, together. */
    if (job->txn->phase != JOB_TXN_ABORTING && !job->paused_quietly) {
        job_transition(job, job->status == JOB_STATUS_STANDBY
                                ? JOB_STATUS_READY
                                : JOB_STATUS_RUNNING);
    }
    wake(job);
}

/* Makes the state agree with the reasons, if the job is at a pause point. */
static void update_paused(Job *job)
{
    bool pause = job->at_pause_point && job_should_pause(job);

    if (pause && !job->paused) {
        enter_pause(job);
    } else if (!pause && job->paused) {
        leave_pause(job);
    }
}

void job_pause(Job *job)
{
    job->pause_count++;
    update_paused(job);
}

void job_resume(Job *job)
{
    assert(job->pause_count > 0);
    job->pause_count--;
    update_paused(job);
}

static void show_pause(Job *job)
{
    job_pause(job);
    job_resume(job);
}

void jobs_show_pause(void)
{
    for (Job *job = job_previous(NULL); job; job = job_previous(job)) {
        show_pause(job);
    }
}

static bool uses_any(const Job *job, const GPtrArray *nodes)
{
    for (guint i = 0; i < nodes->len; i++) {
        if (block_job_uses(job, nodes->pdata[i])) {
            return true;
        }
    }
    return false;
}

void jobs_show_pause_of_users(const GPtrArray *nodes)
{
    for (Job *job = job_previous(NULL); job; job = job_previous(job)) {
        if (uses_any(job, nodes)) {
            show_pause(job);
        }
    }
}

bool jobs_keep_from_moving(const Node *node)
{
    for (Job *job = job_next(NULL); job; job = job_next(job)) {
        if (job->driver->stays && block_job_uses(job, node)) {
            return true;
        }
    }
    return false;
}

void jobs_show_detach(Node *node)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    g_ptr_array_add(nodes, node);
    jobs_show_pause_of_users(nodes);
    jobs_show_pause_of_users(nodes);
}

void jobs_quiet_sections(bool quiet)
{
    for (Job *job = job_next(NULL); job; job = job_next(job)) {
        job->quiet = quiet;
        if (!quiet && job->paused && job->paused_quietly) {
            /* Somebody else wants it to be paused by now. */
            enter_pause(job);
        }
    }
}

void job_forget_io_error(Job *job)
{
    if (job->block) {
        job->block->io_status = BLOCK_DEVICE_IO_STATUS_OK;
    }
}

void job_request_cancel(Job *job)
{
    if (job->cancelled) {
        return;
    }
    job->cancelled = true;
    if (job->user_paused) {
        job_forget_io_error(job);
        job->user_paused = false;
        job->pause_count--;
    }
    if (job->driver->cancel && !job->completed) {
        job->driver->cancel(job);
    }
    update_paused(job);
    wake(job);
}

static bool wait_over(const Job *job)
{
    return !job->paused && (job->expired || job->kicked || job->cancelled);
}

/* The one place where a job's coroutine waits. */
COROUTINE_ONLY
static void co_wait(Job *job)
{
    assert(coroutine_self() == job->co);
    job->at_pause_point = true;
    update_paused(job);
    while (!wait_over(job)) {
        job->asleep = true;
        co_yield ();
    }
    job->at_pause_point = false;
}

void co_job_pause_point(Job *job)
{
    if (CHANCE("job-yields")) {
        co_reschedule();
    }
    if (job_should_pause(job)) {
        job->expired = true;
        co_wait(job);
        job->expired = false;
    }
}

void co_job_wait(Job *job)
{
    co_wait(job);
    job->kicked = false;
}

void co_job_sleep_ns(Job *job, int64_t delay_ns)
{
    timer_arm(&job->timer, reactor_now_ns() + delay_ns);
    co_wait(job);
    timer_cancel(&job->timer);
    job->kicked = false;
    job->expired = false;
}

CoQueue *jobs_begun_queue(void)
{
    static CoQueue queue = {LIST_INIT(queue.waiters)};

    return &queue;
}

void job_begun(Job *job)
{
    if (!job->begun) {
        job->begun = true;
        coqueue_wake_all(jobs_begun_queue());
    }
}

bool jobs_look_first(void)
{
    for (Job *job = job_next(NULL); job; job = job_next(job)) {
        if (job->co && !job->begun && !job->paused) {
            return true;
        }
    }
    return false;
}

COROUTINE_ONLY CONTROL_ONLY static void co_job_main(void *opaque)
{
    Job *job = opaque;

    job->expired = true;
    co_wait(job);
    job->expired = false;
    /* Also if it has been cancelled: what came with its making, like the
     * copies that guests make for a backup, may have to come to rest. */
    job->ret = job->driver->co_run(job, &job->err);
    job_begun(job);
    co_job_completed(job);
}

static bool starts_held; /* CONTROL */

void jobs_hold_starts(void)
{
    starts_held = true;
}

void jobs_release_starts(void)
{
    starts_held = false;
    for (Job *job = job_next(NULL); job; job = job_next(job)) {
        if (job->start_held) {
            job->start_held = false;
            coroutine_wake(job->co);
        }
    }
}

void job_start(Job *job)
{
    job->co = coroutine_create(co_job_main, job);
    job->begun = !job->driver->looks_first;
    job_transition(job, JOB_STATUS_RUNNING);
    /* It counts as waiting until it is entered, so that a section that holds
     * its nodes right now shows as a pause. */
    job->at_pause_point = true;
    update_paused(job);
    if (starts_held) {
        job->start_held = true;
    } else {
        coroutine_wake(job->co);
    }
}
