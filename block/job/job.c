/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of jobs, and a job's making and freeing.
 *
 * Invariant: a job is on the list from job_create until its state is null;
 * ids on the list are unique.
 */
#include "block/job/internal.h"
#include "util/id.h"

static ListLink jobs = LIST_INIT(jobs); /* Job.in_jobs, newest first */

Job *job_find(const char *id)
{
    LIST_FOREACH(job, &jobs, Job, in_jobs) {
        if (strcmp(job->id, id) == 0) {
            return job;
        }
    }
    return NULL;
}

Job *job_next(const Job *job)
{
    ListLink *next = job ? job->in_jobs.next : jobs.next;

    return next == &jobs ? NULL : LIST_ENTRY(next, Job, in_jobs);
}

Job *job_previous(const Job *job)
{
    ListLink *prev = job ? job->in_jobs.prev : jobs.prev;

    return prev == &jobs ? NULL : LIST_ENTRY(prev, Job, in_jobs);
}

static void timer_expired(void *opaque)
{
    Job *job = opaque;

    job->expired = true;
    job_kick(job);
}

static void join_txn(Job *job, JobTxn *txn)
{
    JobTxn *own = txn ? NULL : job_txn_new();

    job->txn = txn ? txn : own;
    job_txn_ref(job->txn);
    list_prepend(&job->txn->jobs, &job->in_txn);
    job_txn_unref(own);
}

Job *job_create(const JobDriver *driver, const JobParams *params, Error **errp)
{
    const char *id = params->id ? params->id : "";
    Job *job;

    if (!id_well_formed(id)) {
        error_set(errp, "Invalid job ID '%s'", id);
        return NULL;
    }
    if (job_find(id)) {
        error_set(errp, "Job ID '%s' already in use", id);
        return NULL;
    }
    job = g_new0(Job, 1);
    job->driver = driver;
    job->id = g_strdup(id);
    job->manual_finalize = params->manual_finalize;
    job->manual_dismiss = params->manual_dismiss;
    job->state = g_malloc0(driver->state_bytes);
    timer_init(&job->timer, timer_expired, job);
    list_prepend(&jobs, &job->in_jobs);
    join_txn(job, params->txn);
    job_transition(job, JOB_STATUS_CREATED);
    return job;
}

void job_unlink(Job *job)
{
    list_remove(&job->in_jobs);
    list_remove(&job->in_txn);
}

void job_free(Job *job)
{
    assert(!list_linked(&job->in_jobs) && !timer_armed(&job->timer));
    block_job_free(job);
    job_txn_unref(job->txn);
    error_free(job->err);
    g_free(job->state);
    g_free(job->id);
    g_free(job);
}

void job_forget(Job *job)
{
    job_transition(job, JOB_STATUS_NULL);
    job_unlink(job);
    job_free(job);
}

void *job_state(const Job *job)
{
    return job->state;
}

const char *job_id(const Job *job)
{
    return job->id;
}

bool job_cancelled(const Job *job)
{
    return job->cancelled;
}

bool job_should_pause(const Job *job)
{
    return job->pause_count > 0 && !job->cancelled;
}

const char *job_error_text(const Job *job)
{
    if (!job->completed || job->ret == 0) {
        return NULL;
    }
    if (job->cancelled) {
        return "Operation canceled";
    }
    return job->err ? error_text(job->err) : strerror(-job->ret);
}

void job_progress_set_total(Job *job, uint64_t total)
{
    job->len = MAX(total, job->offset);
}

void job_progress_add_total(Job *job, int64_t delta)
{
    job->len = delta < 0 && (uint64_t)-delta > job->len - job->offset
                   ? job->offset
                   : job->len + delta;
}

void job_progress_add(Job *job, uint64_t done)
{
    job->offset += done;
    job->len = MAX(job->len, job->offset);
}

void job_ready(Job *job)
{
    job_transition(job, JOB_STATUS_READY);
    block_job_event_ready(job);
}
