/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The events that only block jobs send, besides JOB_STATUS_CHANGE.
 */
#include "block/job/internal.h"
#include "qapi/qapi-events.h"

void block_job_event_ready(Job *job)
{
    if (job->block) {
        QapiEventBlockJobReady event = {
            .type = job->driver->type,
            .device = job->id,
            .len = job->len,
            .offset = job->offset,
            .speed = job->block->speed_bytes_per_s,
        };

        qapi_event_block_job_ready(&event);
    }
}

void block_job_event_pending(Job *job)
{
    if (job->block) {
        QapiEventBlockJobPending event = {
            .type = job->driver->type,
            .id = job->id,
        };

        qapi_event_block_job_pending(&event);
    }
}

static void event_cancelled(Job *job)
{
    QapiEventBlockJobCancelled event = {
        .type = job->driver->type,
        .device = job->id,
        .len = job->len,
        .offset = job->offset,
        .speed = job->block->speed_bytes_per_s,
    };

    qapi_event_block_job_cancelled(&event);
}

static void event_completed(Job *job)
{
    g_autofree char *error = g_strdup(job_error_text(job));
    QapiEventBlockJobCompleted event = {
        .type = job->driver->type,
        .device = job->id,
        .len = job->len,
        .offset = job->offset,
        .speed = job->block->speed_bytes_per_s,
        .error = error,
    };

    qapi_event_block_job_completed(&event);
}

void block_job_event_ended(Job *job)
{
    if (!job->block) {
        return;
    }
    if (job->cancelled) {
        event_cancelled(job);
    } else {
        event_completed(job);
    }
}
