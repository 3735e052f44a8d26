/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a user does to a job. Used by the QMP commands of jobs, and by tools
 * and tests that stand in for a user. Texts are QEMU's.
 *
 * All are CONTROL_ONLY. Those without co_ do not yield; what they ask for
 * takes effect when the job's coroutine gets to it, at once if it is waiting.
 */
#ifndef BLOCK_JOB_VERBS_H
#define BLOCK_JOB_VERBS_H

#include "block/graph/node.h"
#include "block/job/job.h"

/* With `Job not found`. */
Job *job_lookup(const char *id, Error **errp);
/* With DeviceNotActive `Block job '%s' not found`. */
Job *block_job_lookup(const char *id, Error **errp);

bool job_user_pause(Job *job, Error **errp);
/* Also forgets the error that stopped it. */
bool job_user_resume(Job *job, Error **errp);
bool job_user_cancel(Job *job, Error **errp);
/* A cancel that lets a job which is ready end well, without its last step. */
bool job_user_leave(Job *job, Error **errp);
/* Under the graph lock. */
bool co_job_user_change(Job *job, const BlockJobChangeOptions *options,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool job_user_complete(Job *job, Error **errp);
/* @job is gone afterwards. */
bool job_user_dismiss(Job *job, Error **errp) CONTROL_ONLY;
/* Of a block job, bytes per second; 0: no limit. */
bool job_user_set_speed(Job *job, int64_t speed, Error **errp);
/* Under the graph lock. @job and its whole group may be gone afterwards, also
 * when it returns true because a job failed at this last step: that shows in
 * their states, as in QEMU. */
bool co_job_user_finalize(Job *job, Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* The disk whose image is @disk goes with its device: its jobs end, well if
 * they are ready. Not under the graph lock; they may be gone afterwards. */
void co_jobs_disk_goes(const Node *disk) COROUTINE_ONLY CONTROL_ONLY;

/* Cancel without asking whether the state allows it. Too late for a job whose
 * end has begun: then it does nothing. */
void job_cancel(Job *job);

#endif
