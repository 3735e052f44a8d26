/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands job-* and query-jobs.
 */
#include "block/job/internal.h"
#include "block/job/qmp-int.h"
#include "block/job/verbs.h"
#include "qapi/qapi-commands.h"

bool co_job_qmp_end(const JobDriver *driver, bool ok)
{
    if (!driver->reply_first) {
        co_jobs_take_turn();
    }
    return ok;
}

bool co_job_qmp_resumed(Job *job, bool ok)
{
    if (!job->driver->reply_first) {
        return co_job_qmp_end(job->driver, ok);
    }
    if (job->status != JOB_STATUS_READY) {
        co_reschedule();
    }
    return ok;
}

bool co_job_qmp_finalize(Job *(*lookup)(const char *, Error **), const char *id,
                         Error **errp)
{
    Job *job;
    bool ok;

    /* Found only now, as its group may be ending until the lock is free. */
    co_graph_lock();
    job = lookup(id, errp);
    ok = job && co_job_user_finalize(job, errp);
    graph_unlock();
    return ok;
}

bool qmp_job_pause(const QmpJobPauseArgs *args, Error **errp)
{
    Job *job = job_lookup(args->id, errp);
    const JobDriver *driver = job ? job->driver : NULL;

    return job && co_job_qmp_end(driver, job_user_pause(job, errp));
}

bool qmp_job_resume(const QmpJobResumeArgs *args, Error **errp)
{
    Job *job = job_lookup(args->id, errp);

    return job && co_job_qmp_resumed(job, job_user_resume(job, errp));
}

bool qmp_job_cancel(const QmpJobCancelArgs *args, Error **errp)
{
    Job *job = job_lookup(args->id, errp);
    const JobDriver *driver = job ? job->driver : NULL;

    return job && co_job_qmp_end(driver, job_user_cancel(job, errp));
}

bool qmp_job_complete(const QmpJobCompleteArgs *args, Error **errp)
{
    Job *job = job_lookup(args->id, errp);
    const JobDriver *driver = job ? job->driver : NULL;

    return job && co_job_qmp_end(driver, job_user_complete(job, errp));
}

bool qmp_job_dismiss(const QmpJobDismissArgs *args, Error **errp)
{
    Job *job = job_lookup(args->id, errp);

    return job && job_user_dismiss(job, errp);
}

bool qmp_job_finalize(const QmpJobFinalizeArgs *args, Error **errp)
{
    return co_job_qmp_finalize(job_lookup, args->id, errp);
}

static JobInfo *job_query(const Job *job)
{
    JobInfo *info = g_new0(JobInfo, 1);

    info->id = g_strdup(job->id);
    info->type = job->driver->type;
    info->status = job->status;
    info->current_progress = job->offset;
    info->total_progress = job->len;
    info->error = g_strdup(job_error_text(job));
    return info;
}

JobInfoList *qmp_query_jobs(Error **errp)
{
    JobInfoList *list = JobInfoList_new();
    Job *job = NULL;

    while ((job = job_next(job))) {
        JobInfoList_append(list, job_query(job));
    }
    return list;
}
