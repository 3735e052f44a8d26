/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot-save, snapshot-load, snapshot-delete: snapshots of the machine, as
 * jobs that hold no node.
 *
 * Invariant: the work is the command's, so that it is done when the reply
 * comes; the job waits for it and then ends.
 */
#include "block/job/job.h"
#include "migration/vm-snapshot.h"
#include "qapi/qapi-commands.h"

typedef struct SnapshotJob {
    CoQueue done_queue;
    bool done, ok;
    Error *err; /* why not */
} SnapshotJob;

COROUTINE_ONLY static int co_snapshot_run(Job *job, Error **errp)
{
    SnapshotJob *s = job_state(job);

    control_assert();
    while (!s->done) {
        co_queue_wait(&s->done_queue);
    }
    job_progress_add(job, 1);
    if (!s->ok) {
        error_propagate(errp, g_steal_pointer(&s->err));
    }
    return s->ok ? 0 : -EIO;
}

COROUTINE_ONLY static void co_snapshot_clean(Job *job)
{
    SnapshotJob *s = job_state(job);

    error_free(s->err);
}

static const JobDriver save_driver = {
    .type = JOB_TYPE_SNAPSHOT_SAVE,
    .state_bytes = sizeof(SnapshotJob),
    .co_run = co_snapshot_run,
    .co_clean = co_snapshot_clean,
};

static const JobDriver load_driver = {
    .type = JOB_TYPE_SNAPSHOT_LOAD,
    .state_bytes = sizeof(SnapshotJob),
    .co_run = co_snapshot_run,
    .co_clean = co_snapshot_clean,
};

static const JobDriver delete_driver = {
    .type = JOB_TYPE_SNAPSHOT_DELETE,
    .state_bytes = sizeof(SnapshotJob),
    .co_run = co_snapshot_run,
    .co_clean = co_snapshot_clean,
};

CONTROL_ONLY
static SnapshotJob *begin(const JobDriver *driver, const char *id, Error **errp)
{
    JobParams params = {.id = id, .manual_dismiss = true};
    Job *job = job_create(driver, &params, errp);
    SnapshotJob *s;

    if (!job) {
        return NULL;
    }
    s = job_state(job);
    coqueue_init(&s->done_queue);
    job_progress_set_total(job, 1);
    job_start(job);
    return s;
}

CONTROL_ONLY
static bool end(SnapshotJob *s, bool ok)
{
    s->ok = ok;
    s->done = true;
    coqueue_wake_all(&s->done_queue);
    return true;
}

bool qmp_snapshot_save(const QmpSnapshotSaveArgs *args, Error **errp)
{
    VmSnapshot which = {args->tag, args->vmstate, args->devices};
    SnapshotJob *s = begin(&save_driver, args->job_id, errp);

    return s && end(s, co_vm_snapshot_save(&which, false, &s->err));
}

bool qmp_snapshot_load(const QmpSnapshotLoadArgs *args, Error **errp)
{
    VmSnapshot which = {args->tag, args->vmstate, args->devices};
    SnapshotJob *s = begin(&load_driver, args->job_id, errp);

    return s && end(s, co_vm_snapshot_load(&which, &s->err));
}

bool qmp_snapshot_delete(const QmpSnapshotDeleteArgs *args, Error **errp)
{
    VmSnapshot which = {.tag = args->tag, .nodes = args->devices};
    SnapshotJob *s = begin(&delete_driver, args->job_id, errp);

    return s && end(s, co_vm_snapshot_delete(&which, &s->err));
}
