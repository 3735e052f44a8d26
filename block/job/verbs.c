/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a user does to a job.
 */
#include "block/job/verbs.h"

#include "block/job/internal.h"

Job *job_lookup(const char *id, Error **errp)
{
    Job *job = job_find(id);

    if (!job) {
        error_set(errp, "Job not found");
    }
    return job;
}

Job *block_job_lookup(const char *id, Error **errp)
{
    Job *job = job_find(id);

    if (!job || !job->block) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_ACTIVE,
                        "Block job '%s' not found", id);
        return NULL;
    }
    return job;
}

bool job_user_pause(Job *job, Error **errp)
{
    if (!job_verb_allowed(job, JOB_VERB_PAUSE, errp)) {
        return false;
    }
    if (job->user_paused) {
        error_set(errp, "Job is already paused");
        return false;
    }
    job->user_paused = true;
    job_pause(job);
    return true;
}

bool job_user_resume(Job *job, Error **errp)
{
    if (!job->user_paused) {
        error_set(errp, "Can't resume a job that was not paused");
        return false;
    }
    if (!job_verb_allowed(job, JOB_VERB_RESUME, errp)) {
        return false;
    }
    job_forget_io_error(job);
    job->user_paused = false;
    job_resume(job);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static void co_abort_entry(void *txn)
{
    co_job_txn_abort(txn);
}

void job_cancel(Job *job)
{
    if (!job->completed) {
        job_request_cancel(job);
    } else if (job->txn->phase == JOB_TXN_OPEN) {
        job_request_cancel(job);
        coroutine_start(co_abort_entry, job->txn);
    }
}

bool job_user_cancel(Job *job, Error **errp)
{
    if (!job_verb_allowed(job, JOB_VERB_CANCEL, errp)) {
        return false;
    }
    job_cancel(job);
    return true;
}

bool job_user_leave(Job *job, Error **errp)
{
    if (!job_verb_allowed(job, JOB_VERB_CANCEL, errp)) {
        return false;
    }
    if (job->completed || job->cancelled || !job->driver->leave ||
        !job->driver->leave(job)) {
        job_cancel(job);
    }
    return true;
}

/* A commit below the image that users see is of that disk, too. */
static bool is_of_disk(const Job *job, const Node *disk)
{
    const Edge *backing = node_backing_child(disk);

    return block_job_holds(job, disk) ||
           (job->driver->type == JOB_TYPE_COMMIT && backing &&
            block_job_holds(job, backing->child));
}

void co_jobs_disk_goes(const Node *disk)
{
    bool wait = false;

    for (Job *job = job_next(NULL); job; job = job_next(job)) {
        if (job->block && is_of_disk(job, disk)) {
            wait |= job_user_leave(job, NULL) && !job->driver->reply_first;
        }
    }
    if (wait) {
        co_jobs_take_turn();
    }
}

bool co_job_user_change(Job *job, const BlockJobChangeOptions *options,
                        Error **errp)
{
    if (!job_verb_allowed(job, JOB_VERB_CHANGE, errp)) {
        return false;
    }
    if (!job->driver->co_change || job->driver->type != options->type) {
        error_set(errp, "Options of a '%s' job cannot be changed for job '%s'",
                  JobType_str(options->type), job->id);
        return false;
    }
    return job->driver->co_change(job, options, errp);
}

bool job_user_complete(Job *job, Error **errp)
{
    return job_verb_allowed(job, JOB_VERB_COMPLETE, errp) &&
           job->driver->complete(job, errp);
}

bool job_user_dismiss(Job *job, Error **errp)
{
    if (!job_verb_allowed(job, JOB_VERB_DISMISS, errp)) {
        return false;
    }
    job_dismiss(job);
    return true;
}

bool job_user_set_speed(Job *job, int64_t speed, Error **errp)
{
    if (!job_verb_allowed(job, JOB_VERB_SET_SPEED, errp)) {
        return false;
    }
    if (!block_job_check_speed(true, speed, errp)) {
        return false;
    }
    block_job_apply_speed(job, speed);
    return true;
}

bool co_job_user_finalize(Job *job, Error **errp)
{
    if (!job_verb_allowed(job, JOB_VERB_FINALIZE, errp)) {
        return false;
    }
    co_job_txn_finalize(job->txn);
    return true;
}
