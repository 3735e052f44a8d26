/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What users do to a mirror job, and what they are told of it; the kinds of
 * jobs that are one: the mirror, and the commit of an active image into one
 * behind it.
 */
#include "block/job/mirror.h"

#include "block/filter/mirror-top.h"

static bool mirror_complete(Job *job, Error **errp)
{
    MirrorState *s = job_state(job);

    if (s->finish == MIRROR_STAYS) {
        error_set(errp, "The active block job '%s' cannot be completed",
                  job_id(job));
        return false;
    }
    s->finish = MIRROR_PIVOTS;
    job_kick(job);
    return true;
}

/* A cancel that lets a job that is ready end well. */
static bool mirror_leave(Job *job)
{
    MirrorState *s = job_state(job);

    if (!s->ready) {
        return false;
    }
    s->finish = MIRROR_STAYS;
    job_kick(job);
    return true;
}

void mirror_give_up_target(MirrorState *s)
{
    if (s->work.workers.n || s->work.flushing || mirror_top_active(s->filter)) {
        node_cancel_requests(s->target);
    }
}

/* A target that does not answer keeps nobody. */
CONTROL_ONLY
static void mirror_cancel(Job *job)
{
    mirror_give_up_target(job_state(job));
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_mirror_change(Job *job, const BlockJobChangeOptions *options, Error **errp)
{
    MirrorState *s = job_state(job);
    MirrorCopyMode mode = options->u.mirror.copy_mode;

    if (s->write_blocking == (mode == MIRROR_COPY_MODE_WRITE_BLOCKING)) {
        return true;
    }
    if (mode != MIRROR_COPY_MODE_WRITE_BLOCKING) {
        error_set(errp, "Change to copy mode '%s' is not implemented",
                  MirrorCopyMode_str(mode));
        return false;
    }
    if (s->source->size_bytes == s->target->size_bytes) {
        s->write_blocking = true;
        mirror_tell_bitmap(s);
        if (s->todo_known) {
            co_mirror_go_active(s);
        }
    }
    return true;
}

/* QEMU holds the disk, and so the job, from here to the end; clients that wait
 * for its leave to go on look at this. */
static void commit_active_query(const Job *job, BlockJobInfo *info)
{
    info->paused |= info->status == JOB_STATUS_WAITING ||
                    info->status == JOB_STATUS_PENDING;
}

static void mirror_query(const Job *job, BlockJobInfo *info)
{
    const MirrorState *s = job_state(job);

    commit_active_query(job, info);
    /* Others see what QEMU 7.2 shows, which does not have it. */
    info->has_actively_synced = s->write_blocking;
    info->actively_synced = s->synced;
}

/* A mirror, and the commit of an active image, which is one. */
#define MIRROR_JOB                                            \
    .step_when_woken = true, .looks_first = true,             \
    .state_bytes = sizeof(MirrorState), .reply_first = true,  \
    .co_run = co_mirror_run, .co_prepare = co_mirror_prepare, \
    .commit = mirror_commit, .abort = mirror_abort,           \
    .co_clean = co_mirror_clean, .cancel = mirror_cancel,     \
    .complete = mirror_complete, .leave = mirror_leave

const JobDriver mirror_driver = {
    MIRROR_JOB,
    .type = JOB_TYPE_MIRROR,
    .co_change = co_mirror_change,
    .query = mirror_query,
};

const JobDriver mirror_commit_driver = {
    MIRROR_JOB,
    .type = JOB_TYPE_COMMIT,
    .query = commit_active_query,
};
