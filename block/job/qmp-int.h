/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the QMP commands job-* and block-job-* share.
 */
#ifndef BLOCK_JOB_QMP_INT_H
#define BLOCK_JOB_QMP_INT_H

#include "block/job/job.h"

/*
 * Ends a command that asked a job of that kind, which may be gone, for
 * something: lets it take its turn, so that a job that was only waiting shows
 * the effect in its events before the reply, as QEMU's does for most kinds.
 * Returns @ok.
 */
bool co_job_qmp_end(const JobDriver *driver,
                    bool ok) COROUTINE_ONLY CONTROL_ONLY;
/* The same after a resume of @job: one that replies first goes on for a moment,
 * too, unless it is ready, but its end is not waited for. */
bool co_job_qmp_resumed(Job *job, bool ok) COROUTINE_ONLY CONTROL_ONLY;
/* Finalizes the job that @lookup finds, under the graph lock. */
bool co_job_qmp_finalize(Job *(*lookup)(const char *, Error **), const char *id,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
