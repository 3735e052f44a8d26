/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of a job: which moves and which verbs they allow.
 *
 * Invariant: job->status changes here only, and each change is sent once.
 */
#include "block/job/internal.h"
#include "qapi/qapi-events.h"

#define S(name) (1u << JOB_STATUS_##name)

/* Where a job may go from each state; README.md draws it. */
static const unsigned moves[JOB_STATUS__MAX] = {
    [JOB_STATUS_UNDEFINED] = S(CREATED),
    [JOB_STATUS_CREATED] = S(RUNNING) | S(ABORTING) | S(NULL),
    [JOB_STATUS_RUNNING] = S(PAUSED) | S(READY) | S(WAITING) | S(ABORTING),
    [JOB_STATUS_PAUSED] = S(RUNNING),
    [JOB_STATUS_READY] = S(STANDBY) | S(WAITING) | S(ABORTING),
    [JOB_STATUS_STANDBY] = S(READY),
    [JOB_STATUS_WAITING] = S(PENDING) | S(ABORTING),
    [JOB_STATUS_PENDING] = S(CONCLUDED) | S(ABORTING),
    [JOB_STATUS_ABORTING] = S(CONCLUDED),
    [JOB_STATUS_CONCLUDED] = S(NULL),
};

#define LIVE (S(CREATED) | S(RUNNING) | S(PAUSED) | S(READY) | S(STANDBY))

static const struct {
    const char *name;
    unsigned states;
} verbs[JOB_VERB__MAX] = {
    [JOB_VERB_CANCEL] = {"cancel", LIVE | S(WAITING) | S(PENDING)},
    [JOB_VERB_PAUSE] = {"pause", LIVE},
    [JOB_VERB_RESUME] = {"resume", LIVE},
    [JOB_VERB_SET_SPEED] = {"set-speed", LIVE},
    [JOB_VERB_COMPLETE] = {"complete", S(READY) | S(STANDBY)},
    [JOB_VERB_CHANGE] = {"change", LIVE},
    [JOB_VERB_FINALIZE] = {"finalize", S(PENDING)},
    [JOB_VERB_DISMISS] = {"dismiss", S(CONCLUDED)},
};

void job_transition(Job *job, JobStatus to)
{
    QapiEventJobStatusChange event = {.id = job->id, .status = to};

    assert(moves[job->status] & (1u << to));
    job->status = to;
    qapi_event_job_status_change(&event);
}

bool job_verb_allowed(const Job *job, JobVerb verb, Error **errp)
{
    if (verbs[verb].states & (1u << job->status)) {
        return true;
    }
    error_set(errp, "Job '%s' in state '%s' cannot accept command verb '%s'",
              job->id, JobStatus_str(job->status), verbs[verb].name);
    return false;
}
