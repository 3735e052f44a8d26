/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of jobs: alone or, in a job transaction, all together.
 *
 *   co_run over --co_job_completed--> waiting
 *                                       | the last of the group
 *                                       v
 *                                     pending --(user's finalize)--+
 *                                       | all auto-finalize        |
 *                                       v                          v
 *                                     co_job_txn_finalize: prepare all,
 *                                     commit all, clean all, tell
 *   a failure, or a cancel at any point --> co_job_txn_abort: cancel all,
 *                                     wait, abort all, clean all, tell
 *
 * Invariants:
 * 1. A group ends in one coroutine: the phase leaves OPEN once.
 * 2. Whatever may yield comes before tell_end; that one changes and sends
 *    everything at one go, so no client sees a state between.
 */
#include "block/job/internal.h"
#include "block/job/verbs.h"
#include "util/log.h"

/* How many groups have ended, and who waits for the next one. */
static uint64_t groups_ended;

static CoQueue *group_ended_queue(void)
{
    static CoQueue queue = {.waiters = LIST_INIT(queue.waiters)};

    return &queue;
}

/* How many jobs that are not on the list still hold their nodes, and who waits
 * for that to end. */
static unsigned unreleased;

static CoQueue *released_queue(void)
{
    static CoQueue queue = {.waiters = LIST_INIT(queue.waiters)};

    return &queue;
}

/* Whether it holds its nodes until the user dismisses it. */
static bool holds_on(const Job *job)
{
    return job->driver->holds_until_dismissed && job->manual_dismiss;
}

COROUTINE_ONLY CONTROL_ONLY static void co_clean(Job *job)
{
    if (job->driver->co_clean && !job->cleaned) {
        job->driver->co_clean(job);
    }
    job->cleaned = true;
}

COROUTINE_ONLY CONTROL_ONLY static void co_release(Job *job)
{
    /* First, since co_clean may take a node away that the job held. */
    block_job_unblock(job);
    co_clean(job);
    co_block_job_release(job);
}

/* Of a job that has ended. */
COROUTINE_ONLY CONTROL_ONLY static void co_let_go(Job *job)
{
    if (holds_on(job)) {
        co_clean(job);
        co_block_job_drop_devices(job);
    } else {
        co_release(job);
    }
}

/* paused and standby jobs can only end by way of what they were before. */
static void leave_paused_state(Job *job)
{
    if (job->status == JOB_STATUS_PAUSED) {
        job_transition(job, JOB_STATUS_RUNNING);
    } else if (job->status == JOB_STATUS_STANDBY) {
        job_transition(job, JOB_STATUS_READY);
    }
}

static void tell_aborting(Job *job)
{
    if (job->status != JOB_STATUS_ABORTING) {
        leave_paused_state(job);
        job_transition(job, JOB_STATUS_ABORTING);
    }
}

static void say_failed(const Job *job)
{
    if (job->ret < 0 && !job->cancelled) {
        log_bounded(LOG_LEVEL_INFO, "job '%s' failed: %s",
                    job->id ? job->id : "", job_error_text(job));
    }
}

/* The last moves and events of all jobs, newest first, but the failure by
 * whose fault this is comes before all else. Jobs that nobody has to dismiss
 * are gone afterwards. Does not yield. */
static void tell_end(JobTxn *txn, bool ok)
{
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        if (job->culprit) {
            tell_aborting(job);
        }
    }
    LIST_FOREACH_SAFE(job, &txn->jobs, Job, in_txn) {
        if (!ok) {
            tell_aborting(job);
        }
        block_job_event_ended(job);
        say_failed(job);
        job_transition(job, JOB_STATUS_CONCLUDED);
        if (!job->manual_dismiss) {
            job_forget(job);
        }
    }
    groups_ended++;
    coqueue_wake_all(group_ended_queue());
}

/* Under the graph lock, all jobs completed. */
COROUTINE_ONLY CONTROL_ONLY static void co_end_aborted(JobTxn *txn)
{
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        if (job->cancelled) {
            job->ret = -ECANCELED;
        }
        if (job->driver->abort) {
            job->driver->abort(job);
        }
    }
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        co_let_go(job);
    }
    tell_end(txn, false);
}

COROUTINE_ONLY CONTROL_ONLY static void co_end_committed(JobTxn *txn)
{
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        if (job->driver->commit) {
            job->driver->commit(job);
        }
    }
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        co_let_go(job);
    }
    tell_end(txn, true);
}

static bool all_completed(JobTxn *txn)
{
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        if (!job->completed) {
            return false;
        }
    }
    return true;
}

/* From here on all others of the group end as cancelled. */
static void start_aborting(JobTxn *txn)
{
    assert(txn->phase != JOB_TXN_ABORTING);
    txn->phase = JOB_TXN_ABORTING;
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        if (!job->culprit) {
            job_request_cancel(job);
        }
    }
}

void co_job_txn_abort(JobTxn *txn)
{
    job_txn_ref(txn);
    start_aborting(txn);
    while (!all_completed(txn)) {
        co_queue_wait(&txn->completed);
    }
    co_graph_lock();
    co_end_aborted(txn);
    graph_unlock();
    job_txn_unref(txn);
}

static bool co_prepare_all(JobTxn *txn)
{
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        if (job->driver->co_prepare) {
            job->ret = job->driver->co_prepare(job, &job->err);
            if (job->ret < 0) {
                job->culprit = true;
                return false;
            }
        }
    }
    return true;
}

void co_job_txn_finalize(JobTxn *txn)
{
    job_txn_ref(txn);
    txn->phase = JOB_TXN_FINALIZING;
    if (co_prepare_all(txn)) {
        co_end_committed(txn);
    } else {
        start_aborting(txn);
        co_end_aborted(txn);
    }
    job_txn_unref(txn);
}

/* All jobs of @txn are waiting. */
COROUTINE_ONLY CONTROL_ONLY static void co_group_succeeded(JobTxn *txn)
{
    bool manual = false;

    /* A cancel that comes from here on is too late. */
    txn->phase = JOB_TXN_FINALIZING;
    job_txn_ref(txn);
    co_graph_lock();
    LIST_FOREACH(job, &txn->jobs, Job, in_txn) {
        job_transition(job, JOB_STATUS_PENDING);
        if (job->manual_finalize) {
            manual = true;
            block_job_event_pending(job);
        }
    }
    if (manual) {
        txn->phase = JOB_TXN_OPEN;
    } else {
        co_job_txn_finalize(txn);
    }
    graph_unlock();
    job_txn_unref(txn);
}

void co_job_completed(Job *job)
{
    JobTxn *txn = job->txn;

    assert(!job->completed && job->ret <= 0);
    job->completed = true;
    coqueue_wake_all(&txn->completed);
    if (txn->phase == JOB_TXN_ABORTING) {
        return; /* it waits for this one */
    }
    if (job->cancelled || job->ret < 0) {
        job->culprit = true;
        co_job_txn_abort(txn);
        return;
    }
    job_transition(job, JOB_STATUS_WAITING);
    if (all_completed(txn)) {
        co_group_succeeded(txn);
    }
}

/* --- what commands leave time for ---------------------------------------- */

#define BEGIN_PATIENCE_NS (1000 * INT64_C(1000000))
#define END_PATIENCE_NS (100 * INT64_C(1000000))

/* Whether a group whose jobs' work is over is about to tell its end. */
static bool end_is_near(void)
{
    for (Job *job = job_next(NULL); job; job = job_next(job)) {
        if (job->completed && job->status != JOB_STATUS_CONCLUDED &&
            job->txn->phase != JOB_TXN_OPEN && all_completed(job->txn)) {
            return true;
        }
    }
    return false;
}

COROUTINE_ONLY static void co_wait_released(void)
{
    while (unreleased) {
        co_queue_wait(released_queue());
    }
}

void co_jobs_take_turn(void)
{
    int64_t deadline_ns;

    co_reschedule();
    /* Who waits for a disk that does not answer is not waited for. */
    deadline_ns = reactor_now_ns() + BEGIN_PATIENCE_NS;
    while (jobs_look_first() &&
           co_queue_wait_until(jobs_begun_queue(), deadline_ns)) {
    }
    deadline_ns = reactor_now_ns() + END_PATIENCE_NS;
    while (end_is_near() &&
           co_queue_wait_until(group_ended_queue(), deadline_ns)) {
    }
    co_wait_released();
}

/* --- jobs that never started ---------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_release_unlinked(void *opaque)
{
    Job *job = opaque;

    co_graph_lock();
    co_release(job);
    graph_unlock();
    job_free(job);
    unreleased--;
    coqueue_wake_all(released_queue());
}

void job_discard(Job *job)
{
    assert(job->status == JOB_STATUS_CREATED ||
           job->status == JOB_STATUS_CONCLUDED);
    block_job_unblock(job);
    job_transition(job, JOB_STATUS_NULL);
    job_unlink(job);
    unreleased++;
    coroutine_start(co_release_unlinked, job);
}

void job_dismiss(Job *job)
{
    if (holds_on(job)) {
        job_discard(job);
    } else {
        job_forget(job);
    }
}

void job_abort_created(Job *job)
{
    assert(job->status == JOB_STATUS_CREATED);
    job->completed = true;
    job->cancelled = true;
    job->ret = -ECANCELED;
    if (job->driver->abort) {
        job->driver->abort(job);
    }
    job_transition(job, JOB_STATUS_ABORTING);
    job_transition(job, JOB_STATUS_CONCLUDED);
    job_discard(job);
}

/* --- program end ---------------------------------------------------------- */

static Job *first_unfinished(void)
{
    Job *job = NULL;

    while ((job = job_next(job)) && job->status == JOB_STATUS_CONCLUDED) {
    }
    return job;
}

void co_jobs_shutdown(void)
{
    Job *job = NULL;

    while ((job = job_previous(job))) {
        job_pause(job);
    }
    while ((job = first_unfinished())) {
        uint64_t seen = groups_ended;

        job_cancel(job);
        while (groups_ended == seen) {
            co_queue_wait(group_ended_queue());
        }
    }
    while ((job = job_next(NULL))) {
        job_dismiss(job);
    }
    co_wait_released();
}
