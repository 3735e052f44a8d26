/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of a mirror: which combinations make sense. The order of the
 * checks and their texts are QEMU's where it has them; those of bitmaps are
 * those of the proposals made to it.
 */
#include "block/job/mirror.h"

#include "block/graph/device.h"
#include "block/graph/op-blocker.h"

#define GRANULARITY_MAX (64 * MiB)

static bool by_bitmap(MirrorSyncMode sync)
{
    return sync == MIRROR_SYNC_MODE_INCREMENTAL ||
           sync == MIRROR_SYNC_MODE_BITMAP;
}

/* --- the bitmap ---------------------------------------------------------- */

static bool check_bitmap_mode(const BlockdevMirror *args, MirrorParams *p,
                              Error **errp)
{
    bool incremental = p->sync == MIRROR_SYNC_MODE_INCREMENTAL;

    if (by_bitmap(p->sync) && !args->bitmap) {
        error_set(errp, "Must provide a valid bitmap name for '%s' sync mode",
                  MirrorSyncMode_str(p->sync));
        return false;
    }
    if (incremental && args->has_bitmap_mode &&
        args->bitmap_mode != BITMAP_SYNC_MODE_ON_SUCCESS) {
        error_set(errp,
                  "Bitmap sync mode must be '%s' when using sync mode '%s'",
                  BitmapSyncMode_str(BITMAP_SYNC_MODE_ON_SUCCESS),
                  MirrorSyncMode_str(p->sync));
        return false;
    }
    p->bitmap_mode =
        incremental ? BITMAP_SYNC_MODE_ON_SUCCESS : args->bitmap_mode;
    return true;
}

static bool check_bitmap_use(const BlockdevMirror *args, MirrorParams *p,
                             Error **errp)
{
    if (!args->bitmap) {
        if (args->has_bitmap_mode) {
            error_set(errp, "Cannot specify bitmap sync mode without a bitmap");
        }
        return !args->has_bitmap_mode;
    }
    p->working_bitmap =
        args->sync == MIRROR_SYNC_MODE_FULL && !args->has_bitmap_mode;
    if (!p->working_bitmap && !by_bitmap(p->sync)) {
        /* With a mode, `top` without a backing file counts as `full`; a
         * working bitmap has no modes, and takes `full` as said only. */
        error_set(
            errp, "Sync mode '%s' not supported with bitmap.",
            MirrorSyncMode_str(args->has_bitmap_mode ? p->sync : args->sync));
        return false;
    }
    if (args->has_granularity) {
        error_set(errp, "Granularity and bitmap cannot both be set");
        return false;
    }
    if (p->sync == MIRROR_SYNC_MODE_BITMAP && !args->has_bitmap_mode) {
        error_set(errp,
                  "bitmap-mode must be specified if a bitmap is provided");
        return false;
    }
    p->bitmap = bitmap_find(p->source, args->bitmap);
    if (!p->bitmap) {
        error_set(errp, "Dirty bitmap '%s' not found", args->bitmap);
        return false;
    }
    p->granularity_bytes = bitmap_granularity_bytes(p->bitmap);
    return true;
}

/* What a copy by the bitmap would write of a cluster must be all of it, where
 * nothing behind the target has the rest. */
static bool check_clusters(MirrorParams *p, Error **errp)
{
    Node *target = node_skip_filters(p->target);
    uint32_t cluster = 0;

    if (target->driver->is_remote) {
        p->diff = true; /* who knows what it is there */
        return true;
    }
    if (!target->driver->supports_backing || node_backing_child(target)) {
        return true;
    }
    p->diff = true;
    if (!node_cluster_bytes(target, &cluster)) {
        error_set(errp, "Couldn't determine the cluster size of the target "
                        "image, which has no backing file");
        return false;
    }
    if (cluster && p->granularity_bytes % cluster) {
        error_set(errp,
                  "Bitmap granularity %" PRIu32 " is not a multiple of the "
                  "target image's cluster size %" PRIu32 " and the target "
                  "image has no backing file",
                  p->granularity_bytes, cluster);
        return false;
    }
    return true;
}

static bool check_bitmap_state(const MirrorParams *p, Error **errp)
{
    bool unchanged =
        !p->working_bitmap && p->bitmap_mode == BITMAP_SYNC_MODE_NEVER;

    if (!bitmap_check(p->bitmap,
                      unchanged ? BITMAP_CHECK_ALLOW_RO : BITMAP_CHECK_DEFAULT,
                      errp)) {
        return false;
    }
    if (p->working_bitmap && !bitmap_enabled(p->bitmap)) {
        error_set(errp, "Bitmap '%s' is not enabled", bitmap_name(p->bitmap));
        return false;
    }
    return true;
}

static bool check_bitmap(const BlockdevMirror *args, MirrorParams *p,
                         Error **errp)
{
    if (!check_bitmap_mode(args, p, errp) || !check_bitmap_use(args, p, errp)) {
        return false;
    }
    return !p->bitmap ||
           (check_clusters(p, errp) && check_bitmap_state(p, errp));
}

/* --- the rest ------------------------------------------------------------ */

static bool check_numbers(const BlockdevMirror *args, MirrorParams *p,
                          Error **errp)
{
    uint32_t granularity = args->has_granularity ? args->granularity : 0;

    if (granularity && (granularity < BITMAP_GRANULARITY_MIN ||
                        granularity > GRANULARITY_MAX)) {
        error_set(errp, "Parameter 'granularity' expects a value in range "
                        "[512B, 64MB]");
        return false;
    }
    if (granularity & (granularity - 1)) {
        error_set(errp, "Parameter 'granularity' expects a power of 2");
        return false;
    }
    if (args->has_buf_size && args->buf_size < 0) {
        error_set(errp, "Invalid parameter 'buf-size'");
        return false;
    }
    p->granularity_bytes =
        granularity ? granularity : bitmap_default_granularity(p->target);
    p->buf_bytes = args->has_buf_size ? args->buf_size : 0;
    return true;
}

/* A child whose content users of @node do not tell from the others', if nobody
 * else sees it. */
static bool is_unseen_child(const Node *node, const Node *replaced)
{
    const Edge *user;

    if (list_empty(&replaced->parents) ||
        replaced->parents.next != replaced->parents.prev) {
        return false;
    }
    user = LIST_ENTRY(list_first(&replaced->parents), Edge, in_child);
    return user->parent == node && node->driver->child_replaceable &&
           node->driver->child_replaceable(node, user);
}

/* The target may take the place of what shows the same as the disk, and of
 * nothing else: the disk below its filters, or a part of it that nobody sees
 * alone. */
bool mirror_can_replace(const Node *source, const Node *replaced)
{
    const Node *node = source;

    while (node != replaced && !is_unseen_child(node, replaced)) {
        const Edge *edge = node_filtered_child(node);

        if (!edge) {
            return false;
        }
        node = edge->child;
    }
    return true;
}

CONTROL_ONLY
static bool find_replaced(const BlockdevMirror *args, MirrorParams *p,
                          Error **errp)
{
    if (!args->replaces) {
        return true;
    }
    p->replaces = node_find(args->replaces);
    if (!p->replaces) {
        error_set(errp, "Failed to find node with node-name='%s'",
                  args->replaces);
        return false;
    }
    if (!node_op_allowed(p->replaces, NODE_OP_REPLACE, errp)) {
        return false;
    }
    if (!mirror_can_replace(p->source, p->replaces)) {
        error_set(errp,
                  "Cannot replace '%s' by a node mirrored from '%s', because "
                  "it cannot be guaranteed that doing so would not lead to an "
                  "abrupt change of visible data",
                  args->replaces, args->device);
        return false;
    }
    return true;
}

static bool check_ops(const MirrorParams *p, Error **errp)
{
    return node_op_allowed(p->source, NODE_OP_MIRROR_SOURCE, errp) &&
           node_op_allowed(p->target, NODE_OP_MIRROR_TARGET, errp);
}

static bool check_different(const MirrorParams *p, Error **errp)
{
    if (node_skip_filters(p->source) == node_skip_filters(p->target)) {
        error_set(errp, "Can't mirror node into itself");
        return false;
    }
    return true;
}

/* As QEMU does: a target that gives up what is zero is emptied at once, and
 * what no image of the disk has is not looked at again. */
CONTROL_ONLY
static bool zeroes_first(const MirrorParams *p)
{
    return p->sync == MIRROR_SYNC_MODE_FULL && !p->bitmap &&
           !p->target_is_zero && !p->only_allocated &&
           p->target->discard_unmap && node_zeroes_unmap(p->target);
}

static BlockdevOnError on_error(bool given, BlockdevOnError value)
{
    return given ? value : BLOCKDEV_ON_ERROR_REPORT;
}

bool mirror_check(const BlockdevMirror *args, MirrorParams *p, Error **errp)
{
    *p = (MirrorParams){
        .job_id = args->job_id ? args->job_id : "",
        .filter_name = args->filter_node_name,
        .sync = args->sync,
        .target_is_zero = args->has_target_is_zero && args->target_is_zero,
        .active = args->has_copy_mode &&
                  args->copy_mode == MIRROR_COPY_MODE_WRITE_BLOCKING,
        .on_source_error =
            on_error(args->has_on_source_error, args->on_source_error),
        .on_target_error =
            on_error(args->has_on_target_error, args->on_target_error),
        .has_speed = args->has_speed,
        .speed = args->speed,
        .manual_finalize = args->has_auto_finalize && !args->auto_finalize,
        .manual_dismiss = args->has_auto_dismiss && !args->auto_dismiss,
    };
    p->source = node_lookup_root(args->device, errp);
    if (!p->source) {
        return false;
    }
    if (!args->job_id) {
        p->job_id = node_device_name(p->source);
    }
    p->target = node_lookup(args->target, args->target, errp);
    if (!p->target) {
        return false;
    }
    /* Without a backing image the topmost image is everything. */
    if (p->sync == MIRROR_SYNC_MODE_TOP &&
        !node_backing_child(node_skip_filters(p->source))) {
        p->sync = MIRROR_SYNC_MODE_FULL;
        p->only_allocated = true;
    }
    if (!check_numbers(args, p, errp) || !check_ops(p, errp) ||
        !find_replaced(args, p, errp) || !check_bitmap(args, p, errp) ||
        !check_different(p, errp)) {
        return false;
    }
    p->zero_first = zeroes_first(p);
    return true;
}
