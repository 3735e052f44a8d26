/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drive-mirror: a mirror to an image that is named rather than opened: makes
 * it if asked to, opens it, and goes on as blockdev-mirror. What is behind the
 * image is opened when the users go on with it, not before.
 *
 * Invariant: until then the image's node is the job's alone.
 */
#include "block/graph/backing.h"
#include "block/graph/op-blocker.h"
#include "block/job/mirror.h"
#include "block/job/new-image.h"
#include "qapi/qapi-commands.h"

static bool exists(const DriveMirror *args)
{
    return args->has_mode && args->mode == NEW_IMAGE_MODE_EXISTING;
}

/* What a new image has behind it. NULL: nothing. */
static Node *behind(const DriveMirror *args, Node *source)
{
    switch (args->sync) {
    case MIRROR_SYNC_MODE_FULL:
        return NULL;
    case MIRROR_SYNC_MODE_NONE:
        return source;
    default:
        return node_backing_node(source);
    }
}

/* The same arguments for an open target; nothing is copied deeply. */
static BlockdevMirror as_blockdev_mirror(const DriveMirror *args,
                                         const Node *target)
{
    return (BlockdevMirror){
        .job_id = args->job_id,
        .device = args->device,
        .target = (char *)node_name(target),
        .replaces = args->replaces,
        .sync = args->sync,
        .bitmap = args->bitmap,
        .has_bitmap_mode = args->has_bitmap_mode,
        .bitmap_mode = args->bitmap_mode,
        .has_speed = args->has_speed,
        .speed = args->speed,
        .has_granularity = args->has_granularity,
        .granularity = args->granularity,
        .has_buf_size = args->has_buf_size,
        .buf_size = args->buf_size,
        .has_on_source_error = args->has_on_source_error,
        .on_source_error = args->on_source_error,
        .has_on_target_error = args->has_on_target_error,
        .on_target_error = args->on_target_error,
        .has_copy_mode = args->has_copy_mode,
        .copy_mode = args->copy_mode,
        .has_auto_finalize = args->has_auto_finalize,
        .auto_finalize = args->auto_finalize,
        .has_auto_dismiss = args->has_auto_dismiss,
        .auto_dismiss = args->auto_dismiss,
    };
}

COROUTINE_ONLY CONTROL_ONLY static Node *co_target(const DriveMirror *args,
                                                   Node *source, Error **errp)
{
    NewImage image = {
        .filename = args->target,
        .format = args->format,
        .node_name = args->node_name,
        .unmap = !args->has_unmap || args->unmap,
        .like = source,
    };

    if (!exists(args)) {
        image.format = args->format ? args->format : source->driver->name;
        image.size_bytes = source->size_bytes;
        image.behind = behind(args, source);
        if (!co_new_image_make(&image, errp)) {
            return NULL;
        }
    }
    return co_new_image_open(&image, errp);
}

static bool check_early(const DriveMirror *args, Node *source, Error **errp)
{
    if (!node_op_allowed(source, NODE_OP_MIRROR_SOURCE, errp)) {
        return false;
    }
    if (args->replaces && !args->node_name) {
        error_set(errp, "a node-name must be provided when replacing a named "
                        "node of the graph");
        return false;
    }
    return true;
}

Job *co_drive_mirror_prepare(const DriveMirror *args, JobTxn *txn, Error **errp)
{
    Node *source = node_lookup_root(args->device, errp), *target;
    BlockdevMirror mirror;
    MirrorParams params;
    Job *job = NULL;

    if (!source || !check_early(args, source, errp)) {
        return NULL;
    }
    target = co_target(args, source, errp);
    if (!target) {
        return NULL;
    }
    mirror = as_blockdev_mirror(args, target);
    if (mirror_check(&mirror, &params, errp)) {
        params.backing =
            exists(args) ? MIRROR_OPENS_BACKING : MIRROR_SHARES_BACKING;
        params.no_unmap = args->has_unmap && !args->unmap;
        /* Nobody has written to it yet. */
        params.target_is_zero = !exists(args) && !params.bitmap;
        params.holes_count = params.target_is_zero;
        params.only_allocated = false;
        params.zero_first = false;
        job = co_mirror_create(&params, txn, errp);
    }
    co_node_unref(target);
    return job;
}
