/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drive-backup: a backup to an image that is named rather than opened: makes
 * it if asked to, opens it, and goes on as blockdev-backup.
 *
 * Invariant: the image's node is the job's alone. It is closed when the job
 * ends, or when there is no job.
 */
#include "block/job/backup.h"
#include "block/job/new-image.h"
#include "qapi/qapi-commands.h"

/* What an image of the job may have behind it. NULL: nothing. */
static Node *backing_of(const DriveBackup *args, Node *source)
{
    const Edge *edge;

    switch (args->sync) {
    case BACKUP_SYNC_MODE_TOP:
        edge = node_backing_child(node_skip_filters(source));
        return edge ? edge->child : NULL;
    case BACKUP_SYNC_MODE_NONE:
        return source;
    default:
        return NULL;
    }
}

/* Without a backing image the topmost image is everything. */
CONTROL_ONLY
static BackupSyncMode sync_of(const DriveBackup *args)
{
    Node *source = node_lookup(args->device, args->device, NULL);

    return args->sync == BACKUP_SYNC_MODE_TOP && source &&
                   !node_backing_child(node_skip_filters(source))
               ? BACKUP_SYNC_MODE_FULL
               : args->sync;
}

/* The same arguments for an open target; nothing is copied deeply. */
CONTROL_ONLY
static BlockdevBackup as_blockdev_backup(const DriveBackup *args,
                                         const Node *target)
{
    return (BlockdevBackup){
        .job_id = args->job_id,
        .device = args->device,
        .sync = sync_of(args),
        .has_speed = args->has_speed,
        .speed = args->speed,
        .bitmap = args->bitmap,
        .has_bitmap_mode = args->has_bitmap_mode,
        .bitmap_mode = args->bitmap_mode,
        .has_compress = args->has_compress,
        .compress = args->compress,
        .has_on_source_error = args->has_on_source_error,
        .on_source_error = args->on_source_error,
        .has_on_target_error = args->has_on_target_error,
        .on_target_error = args->on_target_error,
        .has_on_cbw_error = args->has_on_cbw_error,
        .on_cbw_error = args->on_cbw_error,
        .has_auto_finalize = args->has_auto_finalize,
        .auto_finalize = args->auto_finalize,
        .has_auto_dismiss = args->has_auto_dismiss,
        .auto_dismiss = args->auto_dismiss,
        .has_discard_source = args->has_discard_source,
        .discard_source = args->discard_source,
        .filter_node_name = args->filter_node_name,
        .x_perf = args->x_perf,
        .target = (char *)node_name(target),
    };
}

/* The image is a disk of its own while it is written: what is behind it is not
 * opened, but where guests read through it (sync=none). */
COROUTINE_ONLY CONTROL_ONLY static Node *co_target(const DriveBackup *args,
                                                   Error **errp)
{
    Node *source = node_lookup(args->device, args->device, errp);
    bool existing = args->has_mode && args->mode == NEW_IMAGE_MODE_EXISTING;
    NewImage image = {
        .filename = args->target,
        .format = args->format,
        .unmap = true,
        .detect_zeroes = true,
        .like = source,
        .backing = args->sync == BACKUP_SYNC_MODE_NONE ? source : NULL,
    };

    if (!source || !node_op_allowed(source, NODE_OP_BACKUP_SOURCE, errp)) {
        return NULL;
    }
    if (!existing) {
        image.format = args->format ? args->format : source->driver->name;
        image.size_bytes = source->size_bytes;
        image.behind = backing_of(args, source);
        if (!co_new_image_make(&image, errp)) {
            return NULL;
        }
    }
    return co_new_image_open(&image, errp);
}

Job *co_drive_backup_prepare(const DriveBackup *args, JobTxn *txn, Error **errp)
{
    Node *target = co_target(args, errp);
    BlockdevBackup backup;
    BackupParams params;
    Job *job = NULL;

    if (!target) {
        return NULL;
    }
    backup = as_blockdev_backup(args, target);
    if (backup_check(&backup, &params, errp)) {
        /* It will be put above what is behind it now. */
        params.target_is_diff = backup.sync == BACKUP_SYNC_MODE_TOP;
        job = co_backup_create(&params, txn, errp);
    }
    co_node_unref(target);
    return job;
}
