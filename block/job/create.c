/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blockdev-create: making images, as a job that holds no node.
 *
 * Invariant: the job's options are a copy of its own, so that the command may
 * end before the job does.
 */
#include "block/file/file-create.h"
#include "block/graph/format.h"
#include "block/job/job.h"
#include "qapi/qapi-commands.h"

typedef struct CreateJob {
    BlockdevCreateOptions *options;
} CreateJob;

COROUTINE_ONLY CONTROL_ONLY static bool
co_create_file(const BlockdevCreateOptionsFile *o, Error **errp)
{
    static const FilePreallocation modes[] = {
        [PREALLOC_MODE_OFF] = FILE_PREALLOC_OFF,
        [PREALLOC_MODE_FALLOC] = FILE_PREALLOC_FALLOC,
        [PREALLOC_MODE_FULL] = FILE_PREALLOC_FULL,
    };
    PreallocMode mode =
        o->has_preallocation ? o->preallocation : PREALLOC_MODE_OFF;

    FileHints hints = {
        .no_cow = o->has_nocow && o->nocow,
        .has_extent_size = o->has_extent_size_hint,
        .extent_size = (uint32_t)o->extent_size_hint,
    };

    if (o->has_extent_size_hint && o->extent_size_hint > UINT32_MAX) {
        error_set(errp, "Extent size hint is too large");
        return false;
    }
    /* What is wrong with the rest is seen when the file is there. */
    if (co_file_create(o->filename, 0, FILE_PREALLOC_OFF, errp) < 0 ||
        ((hints.no_cow || hints.has_extent_size) &&
         !co_file_set_hints(o->filename, &hints, errp))) {
        return false;
    }
    if (mode == PREALLOC_MODE_METADATA) {
        error_set(errp, "Unsupported preallocation mode: metadata");
        return false;
    }
    if (o->size > INT64_MAX) {
        error_set(errp, "Could not resize file: %s", strerror(EINVAL));
        return false;
    }
    return co_file_create_exact(o->filename, o->size, modes[mode], errp) == 0;
}

COROUTINE_ONLY static int co_create_run(Job *job, Error **errp)
{
    const CreateJob *s = job_state(job);
    const BlockdevCreateOptions *o = s->options;
    bool ok;

    control_assert();
    if (o->driver == BLOCKDEV_DRIVER_FILE) {
        ok = co_create_file(&o->u.file, errp);
    } else {
        const NodeDriver *driver = driver_find(BlockdevDriver_str(o->driver));

        ok = driver->format->co_create(o, errp);
    }
    job_progress_add(job, 1);
    return ok ? 0 : -EIO;
}

COROUTINE_ONLY static void co_create_clean(Job *job)
{
    CreateJob *s = job_state(job);

    BlockdevCreateOptions_free(s->options);
}

static const JobDriver create_driver = {
    .type = JOB_TYPE_CREATE,
    .state_bytes = sizeof(CreateJob),
    .co_run = co_create_run,
    .co_clean = co_create_clean,
};

bool qmp_blockdev_create(const QmpBlockdevCreateArgs *args, Error **errp)
{
    const BlockdevCreateOptions *o = args->options;
    const NodeDriver *driver = driver_find(BlockdevDriver_str(o->driver));
    JobParams params = {.id = args->job_id, .manual_dismiss = true};
    Job *job;

    if (o->driver != BLOCKDEV_DRIVER_FILE &&
        (!driver || !driver->format || !driver->format->co_create)) {
        error_set(errp, "Driver does not support blockdev-create");
        return false;
    }
    job = job_create(&create_driver, &params, errp);
    if (!job) {
        return false;
    }
    ((CreateJob *)job_state(job))->options = BlockdevCreateOptions_clone(o);
    job_progress_set_total(job, 1);
    job_start(job);
    co_jobs_take_turn();
    return true;
}
