/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drive-backup: a backup to an image that is named rather than opened: makes
 * it if asked to, opens it, and goes on as blockdev-backup.
 *
 * Invariant: the image's node is the job's alone. It is closed when the job
 * ends, or when there is no job.
 */
#include "block/file/file-create.h"
#include "block/graph/format.h"
#include "block/graph/loose-options.h"
#include "block/graph/quiesce.h"
#include "block/job/backup.h"
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

static json_object *creation_words(const Node *source, const Node *backing)
{
    json_object *words = json_object_new_object();
    g_autofree char *size = g_strdup_printf("%" PRIu64, source->size_bytes);

    json_object_object_add(words, "size", json_object_new_string(size));
    if (backing) {
        json_object_object_add(words, "backing_file",
                               json_object_new_string(backing->filename));
        json_object_object_add(words, "backing_fmt",
                               json_object_new_string(backing->driver->name));
    }
    return words;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_make_image(const char *filename, const char *format, const Node *source,
              const Node *backing, Error **errp)
{
    const NodeDriver *driver = driver_find(format);
    json_object *words;
    bool ok;

    if (!driver) {
        error_set(errp, "Unknown file format '%s'", format);
        return false;
    }
    if (!strcmp(format, "raw") || !strcmp(format, "file")) {
        return co_file_create(filename, source->size_bytes, FILE_PREALLOC_OFF,
                              errp) == 0;
    }
    if (!driver->format || !driver->format->co_create_file) {
        error_set(errp, "Format driver '%s' does not support image creation",
                  format);
        return false;
    }
    words = creation_words(source, backing);
    ok = co_file_create(filename, 0, FILE_PREALLOC_OFF, errp) == 0 &&
         driver->format->co_create_file(filename, words, errp);
    json_object_put(words);
    return ok;
}

/* As if it were raw: what all formats above a file have. */
static json_object *raw_options(const char *filename, Error **errp)
{
    json_object *file = loose_options_of_filename(filename, errp), *loose, *json;
    BlockdevOptions *options;

    if (!file) {
        return NULL;
    }
    loose = json_object_new_object();
    json_object_object_add(loose, "driver", json_object_new_string("raw"));
    json_object_object_add(loose, "discard", json_object_new_string("unmap"));
    json_object_object_add(loose, "file", file);
    options = loose_options_read(loose, "raw", errp);
    json_object_put(loose);
    json = options ? BlockdevOptions_to_json(options) : NULL;
    BlockdevOptions_free(options);
    return json;
}

/* The image is a disk of its own while it is written: what is behind it is not
 * opened, but where guests read through it (sync=none). */
COROUTINE_ONLY CONTROL_ONLY static Node *co_open_image(const char *filename,
                                                       const char *format,
                                                       const Node *behind,
                                                       Error **errp)
{
    json_object *json = raw_options(filename, errp);
    const NodeDriver *driver = driver_find(format);
    BlockdevOptions *options;
    Node *node = NULL;

    if (json && !driver) {
        error_set(errp, "Unknown driver '%s'", format);
    }
    if (!json || !driver) {
        json_object_put(json);
        return NULL;
    }
    json_object_object_add(json, "driver", json_object_new_string(format));
    if (driver->supports_backing) {
        json_object_object_add(
            json, "backing",
            behind ? json_object_new_string(node_name(behind)) : NULL);
    }
    options = BlockdevOptions_from_json(json, errp);
    if (options) {
        node = co_node_open(options, errp);
        BlockdevOptions_free(options);
    }
    json_object_put(json);
    return node;
}

/* The same arguments for an open target; nothing is copied deeply. */
static BlockdevBackup as_blockdev_backup(const DriveBackup *args,
                                         const Node *target)
{
    return (BlockdevBackup){
        .job_id = args->job_id,
        .device = args->device,
        .sync = args->sync,
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

COROUTINE_ONLY CONTROL_ONLY static Node *co_target(const DriveBackup *args,
                                                   Error **errp)
{
    Node *source = node_lookup(args->device, args->device, errp);
    bool existing = args->has_mode && args->mode == NEW_IMAGE_MODE_EXISTING;
    const char *format;
    Node *backing;

    if (!source) {
        return NULL;
    }
    if (!args->format && existing) {
        error_set(errp, "Parameter 'format' is missing");
        return NULL;
    }
    format = args->format ? args->format : source->driver->name;
    backing = backing_of(args, source);
    if (!existing &&
        !co_make_image(args->target, format, source, backing, errp)) {
        return NULL;
    }
    return co_open_image(args->target, format,
                         args->sync == BACKUP_SYNC_MODE_NONE ? source : NULL,
                         errp);
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
