/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs: long work that a user starts, watches, pauses and cancels by name.
 * This header is what a kind of job (backup, ...) is written against; what
 * commands do to jobs is in block/job/verbs.h, jobs that hold nodes in
 * block/job/block-job.h. README.md has the state diagram.
 *
 * Invariants:
 * 1. A job's life is on the control thread: every function here is
 *    CONTROL_ONLY. A started job has exactly one coroutine of its own, which
 *    runs co_run and then the job's end.
 * 2. job->status changes only in job_transition (block/job/state.c), which
 *    checks the move and sends JOB_STATUS_CHANGE.
 * 3. A job holds the graph lock while it ends (co_prepare to co_clean), so
 *    co_run must not hold it when it returns, and nobody may wait for a job
 *    while holding it.
 * 4. All jobs of one JobTxn succeed, or none does: none is committed before
 *    all were prepared.
 * 5. A job that ends does so at one go for its clients: everything that may
 *    yield is done before the last series of events (aborting or COMPLETED,
 *    concluded, null) of all jobs of its group.
 * 6. For one job the hooks are called in this order: co_run once (also if it
 *    was cancelled before its first step; never, if job_start was not called),
 *    then either co_prepare, commit, co_clean; or abort, co_clean; or
 *    co_prepare, abort, co_clean.
 */
#ifndef BLOCK_JOB_JOB_H
#define BLOCK_JOB_JOB_H

#include "qapi/qapi-types.h"
#include "util/annotations.h"
#include "util/coroutine/sync.h"
#include "util/error.h"
#include "util/list.h"
#include "util/reactor/reactor.h"

typedef struct Job Job;
typedef struct JobTxn JobTxn;
typedef struct BlockJob BlockJob;

/* One kind of job. All hooks but co_run may be NULL. */
typedef struct JobDriver {
    JobType type;
    size_t state_bytes; /* of job_state(), zeroed */
    /* The reply to a verb goes before what it brings about, as QEMU's does
     * for this kind: to end it waits for others. */
    bool reply_first;

    /* The end of a pause, and a higher speed, let it do one more step at once:
     * QEMU's jobs of this kind do, and users count steps. */
    bool step_when_woken;

    /* After its end, until the user dismisses it, nobody else may do to its
     * nodes what the job forbade: QEMU's jobs of this kind let go of them only
     * then. */
    bool holds_until_dismissed;

    /* Its nodes cannot move to an iothread while it lasts. */
    bool stays;

    /* It has to look at the disk before it knows what it has to do: the reply
     * to the command that started it waits for job_begun. */
    bool looks_first;

    /*
     * The work. In the job's coroutine, without the graph lock. Calls
     * co_job_pause_point (or sleeps and waits by the functions below) often,
     * and returns soon once job_cancelled() is true. 0, or -errno; with
     * @errp set the text is that, else strerror's. What it returns counts
     * for nothing once the job is cancelled.
     */
    int (*co_run)(Job *job, Error **errp) COROUTINE_ONLY;

    /* The end, under the graph lock, see invariant 6. */
    /* The last thing that can fail. 0 or -errno as in co_run. */
    int (*co_prepare)(Job *job, Error **errp) COROUTINE_ONLY;
    void (*commit)(Job *job); /* the group succeeded */
    void (*abort)(Job *job);  /* it failed or was cancelled; job_cancelled() */
    /* Releases what the state holds, which may be all zeroes if making the
     * job failed early; the job's roots are still there (they are dropped
     * right after). */
    void (*co_clean)(Job *job) COROUTINE_ONLY;

    /* A pause takes effect / has ended: stop and start own coroutines. */
    void (*pause)(Job *job);
    void (*resume)(Job *job);
    /* The job was cancelled (job_cancelled() is true already): get co_run
     * to return. Not needed if all waiting is done by the functions below. */
    void (*cancel)(Job *job);
    /* job-complete on a ready job. NULL: the job is never ready. */
    bool (*complete)(Job *job, Error **errp);
    /* block-job-cancel without force, not yet cancelled: ends the job well as
     * it is, true; or false: it is cancelled. NULL: false. */
    bool (*leave)(Job *job);
    /* block-job-change with the job's own type. Under the graph lock. NULL:
     * nothing can be changed. */
    bool (*co_change)(Job *job, const BlockJobChangeOptions *options,
                      Error **errp) COROUTINE_ONLY;
    /* query-block-jobs: adds what only this kind tells. */
    void (*query)(const Job *job, BlockJobInfo *info);
    /* Block jobs: the new limit is in force; 0 is none. */
    void (*speed_changed)(Job *job, uint64_t bytes_per_s);
} JobDriver;

/* --- for the command that makes a job ------------------------------------ */

typedef struct JobParams {
    const char *id;       /* checked by job_create */
    bool manual_finalize; /* auto-finalize: false */
    bool manual_dismiss;  /* auto-dismiss: false */
    JobTxn *txn;          /* the group it joins; NULL: one of its own */
} JobParams;

/*
 * A job in state "created"; sends that event. Jobs that hold nodes come from
 * block_job_create instead. NULL with `Invalid job ID '%s'` or
 * `Job ID '%s' already in use`. Does not yield. The job belongs to the list
 * of jobs and frees itself after its end.
 */
Job *job_create(const JobDriver *driver, const JobParams *params,
                Error **errp) CONTROL_ONLY;
/*
 * created -> running. Does not yield, and co_run is entered later from the
 * reactor: so it may be called from a transaction's commit. If something
 * already holds the job (a quiesced section), it goes on to "paused" at once.
 */
void job_start(Job *job) CONTROL_ONLY;
/* Those that are started between the two are entered at its end, the newest
 * first: so QEMU's jobs of one transaction begin. Nobody yields between. */
void jobs_hold_starts(void) CONTROL_ONLY;
void jobs_release_starts(void) CONTROL_ONLY;
/*
 * For commands that started jobs, failed to, or asked one for something, as
 * their last step, without the graph lock: jobs go on as far as they get
 * without waiting for a disk, and one that has no more to do ends. So what has
 * no work to do is ready, or gone, before the command's reply, as in QEMU; and
 * jobs that were undone hold no node any more. Jobs may be gone afterwards.
 */
void co_jobs_take_turn(void) COROUTINE_ONLY CONTROL_ONLY;
/*
 * Ends a job that was never started because its transaction is undone:
 * created -> aborting -> concluded -> null. Does not yield: the hook abort
 * runs at once, so in its place in the order of undoing; co_clean and the
 * release of the nodes follow under the graph lock as soon as it is free,
 * before whoever asks for it later. The caller must not use @job any more.
 */
void job_abort_created(Job *job) CONTROL_ONLY;
/*
 * Drops a job whose making failed half way: created -> null. The same, but
 * the hook abort is not called.
 */
void job_discard(Job *job) CONTROL_ONLY;

/* --- for co_run and its helpers ------------------------------------------ */

void *job_state(const Job *job);
const char *job_id(const Job *job);
/* job-cancel, or a sibling in the transaction failed: stop. */
bool job_cancelled(const Job *job);
/* True once a pause was asked for; helpers should start nothing new. */
bool job_should_pause(const Job *job);

/* All three are in the job's own coroutine only, wait while the job is
 * paused, and return early when it is cancelled. */
void co_job_pause_point(Job *job) COROUTINE_ONLY;
/* Sleeps for @delay_ns or until job_kick. */
void co_job_sleep_ns(Job *job, int64_t delay_ns) COROUTINE_ONLY;
/* Waits for a job_kick (one that came before counts). The usual body is
 *     while (!done(s) && !job_cancelled(job)) co_job_wait(job);
 * with workers calling job_kick. */
void co_job_wait(Job *job) COROUTINE_ONLY;
/* Ends the job's current or next sleep or wait. Does not yield. */
void job_kick(Job *job);

/* offset and len of queries and events: bytes. The offset never passes the
 * length. */
void job_progress_set_total(Job *job, uint64_t total);
void job_progress_add_total(Job *job, int64_t delta);
void job_progress_add(Job *job, uint64_t done);

/* What there is to do is known, and the first of it is under way, or there is
 * none: now the reply to the command that started it may go. */
void job_begun(Job *job);

/* running -> ready: job-complete is welcome from now on. Sends the events. */
void job_ready(Job *job);

/* --- groups (transaction.c, completion-mode grouped) ---------------------- */

/* One reference, the caller's; each job in it holds another. */
JobTxn *job_txn_new(void);
void job_txn_ref(JobTxn *txn);
void job_txn_unref(JobTxn *txn); /* NULL is fine */

/* --- program end --------------------------------------------------------- */

/* Pauses all jobs, oldest first, cancels them one by one, newest first, and
 * dismisses those that wait for it; returns when none is left. Not under the
 * graph lock; nobody makes jobs any more. */
void co_jobs_shutdown(void) COROUTINE_ONLY CONTROL_ONLY;

#endif
