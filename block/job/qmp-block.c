/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands block-job-* and query-block-jobs. They reach block jobs
 * only, by the job's id, which the older ones call `device`.
 */
#include "block/job/internal.h"
#include "block/job/qmp-int.h"
#include "block/job/verbs.h"
#include "qapi/qapi-commands.h"

bool qmp_block_job_set_speed(const QmpBlockJobSetSpeedArgs *args, Error **errp)
{
    Job *job = block_job_lookup(args->device, errp);
    const JobDriver *driver = job ? job->driver : NULL;

    return job &&
           co_job_qmp_end(driver, job_user_set_speed(job, args->speed, errp));
}

bool qmp_block_job_cancel(const QmpBlockJobCancelArgs *args, Error **errp)
{
    Job *job = block_job_lookup(args->device, errp);
    const JobDriver *driver;

    if (!job) {
        return false;
    }
    driver = job->driver;
    if (job->user_paused && !(args->has_force && args->force)) {
        error_set(errp, "The block job for device '%s' is currently paused",
                  args->device);
        return false;
    }
    return co_job_qmp_end(driver, args->has_force && args->force
                                      ? job_user_cancel(job, errp)
                                      : job_user_leave(job, errp));
}

/* The job is looked up under the lock, as it may end until that is free. */
bool qmp_block_job_change(const BlockJobChangeOptions *args, Error **errp)
{
    Job *job;
    bool ok;

    co_graph_lock();
    job = block_job_lookup(args->id, errp);
    ok = job && co_job_user_change(job, args, errp);
    graph_unlock();
    return ok;
}

bool qmp_block_job_pause(const QmpBlockJobPauseArgs *args, Error **errp)
{
    Job *job = block_job_lookup(args->device, errp);
    const JobDriver *driver = job ? job->driver : NULL;

    return job && co_job_qmp_end(driver, job_user_pause(job, errp));
}

bool qmp_block_job_resume(const QmpBlockJobResumeArgs *args, Error **errp)
{
    Job *job = block_job_lookup(args->device, errp);

    return job && co_job_qmp_resumed(job, job_user_resume(job, errp));
}

bool qmp_block_job_complete(const QmpBlockJobCompleteArgs *args, Error **errp)
{
    Job *job = block_job_lookup(args->device, errp);
    const JobDriver *driver = job ? job->driver : NULL;

    return job && co_job_qmp_end(driver, job_user_complete(job, errp));
}

bool qmp_block_job_dismiss(const QmpBlockJobDismissArgs *args, Error **errp)
{
    Job *job = block_job_lookup(args->id, errp);

    return job && job_user_dismiss(job, errp);
}

bool qmp_block_job_finalize(const QmpBlockJobFinalizeArgs *args, Error **errp)
{
    return co_job_qmp_finalize(block_job_lookup, args->id, errp);
}

/* Whether its coroutine is at work, or will be without anybody's doing. */
static bool job_busy(const Job *job)
{
    return job->co && !job->completed && !job->asleep && !job->paused;
}

static BlockJobInfo *block_job_query(const Job *job)
{
    BlockJobInfo *info = g_new0(BlockJobInfo, 1);

    info->type = g_strdup(JobType_str(job->driver->type));
    info->device = g_strdup(job->id);
    info->len = job->len;
    info->offset = job->offset;
    info->busy = job_busy(job);
    info->paused = job->pause_count > 0;
    info->speed = job->block->speed_bytes_per_s;
    info->io_status = job->block->io_status;
    info->ready =
        job->status == JOB_STATUS_READY || job->status == JOB_STATUS_STANDBY;
    info->status = job->status;
    info->auto_finalize = !job->manual_finalize;
    info->auto_dismiss = !job->manual_dismiss;
    info->error = g_strdup(job_error_text(job));
    if (job->driver->query) {
        job->driver->query(job, info);
    }
    return info;
}

BlockJobInfoList *qmp_query_block_jobs(Error **errp)
{
    BlockJobInfoList *list = BlockJobInfoList_new();
    Job *job = NULL;

    while ((job = job_next(job))) {
        if (job->block) {
            BlockJobInfoList_append(list, block_job_query(job));
        }
    }
    return list;
}
