/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of block/job that run all jobs share. Kinds of jobs
 * (backup, ...) do not include this.
 */
#ifndef BLOCK_JOB_INTERNAL_H
#define BLOCK_JOB_INTERNAL_H

#include "block/job/block-job.h"

typedef enum JobTxnPhase {
    JOB_TXN_OPEN,       /* jobs run, or wait for each other or for a user */
    JOB_TXN_FINALIZING, /* all succeeded; their end has begun */
    JOB_TXN_ABORTING,   /* one failed or was cancelled; all will end so */
} JobTxnPhase;

struct JobTxn {
    /* CONTROL */
    unsigned refs;
    JobTxnPhase phase;
    ListLink jobs;     /* Job.in_txn, newest first */
    CoQueue completed; /* woken when a job's co_run is over */
};

struct BlockJob {
    /* CONST */
    Job *job;
    /* CONTROL */
    GPtrArray *holds; /* BlockJobHold; the first is the main node's */
    Node *frozen_top, *frozen_bottom; /* of the chain it froze, or NULL */
    uint64_t speed_bytes_per_s;
    RateLimit limit;
    BlockDeviceIoStatus io_status;
};

struct Job {
    /* CONST */
    const JobDriver *driver;
    char *id;
    bool manual_finalize, manual_dismiss;
    void *state;
    BlockJob *block; /* NULL: not a block job */
    /* CONTROL */
    JobStatus status;
    ListLink in_jobs; /* all jobs, newest first */
    JobTxn *txn;
    ListLink in_txn;
    bool cancelled;
    bool start_held;      /* it is to be entered by jobs_release_starts */
    bool begun;           /* see job_begun */
    bool completed;       /* co_run is over */
    bool cleaned;         /* its co_clean was called */
    bool culprit;         /* its own end is why the group fails */
    int ret;              /* 0 or -errno, once completed */
    Error *err;           /* its text, when not strerror's */
    uint64_t offset, len; /* bytes */

    /* Pausing: run.c. */
    unsigned pause_count;
    bool user_paused;    /* one of pause_count is the user's */
    bool paused;         /* the pause is in effect */
    bool quiet;          /* pauses of it do not show (jobs_quiet_sections) */
    bool paused_quietly; /* this one does not */
    bool at_pause_point; /* the coroutine is in a wait that may be paused */

    /* The job's coroutine: run.c. */
    Coroutine *co;
    bool asleep; /* it has yielded in its wait: wake (run.c) enters it */
    bool kicked;
    bool expired; /* the wait's time is over */
    Timer timer;
};

/* --- state.c -------------------------------------------------------------- */

typedef enum JobVerb {
    JOB_VERB_CANCEL,
    JOB_VERB_PAUSE,
    JOB_VERB_RESUME,
    JOB_VERB_SET_SPEED,
    JOB_VERB_CHANGE,
    JOB_VERB_COMPLETE,
    JOB_VERB_FINALIZE,
    JOB_VERB_DISMISS,
    JOB_VERB__MAX,
} JobVerb;

/* Moves to @to, which the table must allow from here, and tells clients. */
void job_transition(Job *job, JobStatus to);
/* False with QEMU's text when a job in this state does not take @verb. */
bool job_verb_allowed(const Job *job, JobVerb verb, Error **errp);

/* --- job.c ---------------------------------------------------------------- */

/* NULL if there is none. */
Job *job_find(const char *id);
/* Newest first: pass NULL for the first; NULL ends. */
Job *job_next(const Job *job);
/* The same, oldest first. */
Job *job_previous(const Job *job);
/* concluded, aborting or created -> null, and gone. */
void job_forget(Job *job);
/* The same at the user's wish: one that holds its nodes until then lets go of
 * them as soon as the graph lock is free, before whoever asks for it later. */
void job_dismiss(Job *job) CONTROL_ONLY;
/* Takes it from all lists without freeing it. */
void job_unlink(Job *job);
void job_free(Job *job);
/* What went wrong, for queries and events; NULL if nothing did. */
const char *job_error_text(const Job *job);

/* --- run.c ---------------------------------------------------------------- */

/* One more reason not to run / one less. */
void job_pause(Job *job);
void job_resume(Job *job);
/* The user has seen the error that stopped it. */
void job_forget_io_error(Job *job);
/* Sets the flag, lifts the user's pause and gets the coroutine to look. */
void job_request_cancel(Job *job);

/* Whether a job that runs has not begun yet. */
bool jobs_look_first(void);
CoQueue *jobs_begun_queue(void);

/* --- end.c ---------------------------------------------------------------- */

/* co_run has returned. Ends the job, or leaves that to the last of its group;
 * @job may be gone afterwards. */
void co_job_completed(Job *job) COROUTINE_ONLY CONTROL_ONLY;
/* All jobs of @txn end as failed or cancelled. Waits for those that run. Not
 * under the graph lock. @txn may be gone afterwards. */
void co_job_txn_abort(JobTxn *txn) COROUTINE_ONLY CONTROL_ONLY;
/* All jobs of @txn are pending: prepares and commits them. */
void co_job_txn_finalize(JobTxn *txn) COROUTINE_ONLY CONTROL_ONLY;

/* --- block-job.c, block-events.c ----------------------------------------- */

void co_block_job_release(Job *job) COROUTINE_ONLY CONTROL_ONLY;
void block_job_unblock(Job *job);
/* Of a job that has ended and holds on: what makes its nodes look busy to
 * those who ask for users rather than for jobs. */
void co_block_job_drop_devices(Job *job) COROUTINE_ONLY CONTROL_ONLY;
/* Of a block job: whether it holds @node itself. */
bool block_job_holds(const Job *job, const Node *node);
/* Whether it is a block job, and @node lies below what it holds. */
bool block_job_uses(const Job *job, const Node *node);
void block_job_free(Job *job);
void block_job_apply_speed(Job *job, uint64_t bytes_per_s);
/* No-ops for jobs that are not block jobs. */
void block_job_event_ready(Job *job);
void block_job_event_pending(Job *job);
/* COMPLETED, with the error if there is one, or CANCELLED. */
void block_job_event_ended(Job *job);

#endif
