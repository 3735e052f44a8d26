/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block-commit of images below the active one: copies down to a base what lies
 * in the images above it, and then takes these out of the chain. That of the
 * active image is a mirror into its base (mirror.c).
 *
 * Invariant: what users see does not change at any moment; so no bitmap of
 * theirs does. Nobody writes to the images that are copied.
 */
#include "block/graph/device.h"
#include "block/filter/commit-top.h"
#include "block/graph/op-blocker.h"
#include "block/io/io.h"
#include "block/job/chain.h"
#include "block/job/mirror.h"
#include "qapi/qapi-commands.h"
#include "util/sim.h"

typedef struct CommitState {
    /* CONST */
    Root *top, *base;
    Node *filter; /* above the top; NULL: not put in yet */
    bool base_was_read_only;
    unsigned layers;
    BlockdevOnError on_error;
    ChainCut cut;
    void *buf;
} CommitState;

COROUTINE_ONLY
static int co_copy_down(Job *job, uint64_t offset_bytes, uint64_t bytes,
                        bool *error_is_read)
{
    CommitState *s = job_state(job);
    Iov iov;
    int ret;

    iov_init_buf(&iov, s->buf, bytes);
    *error_is_read = true;
    ret = co_root_preadv(s->top, offset_bytes, bytes, &iov, 0);
    if (ret == 0) {
        *error_is_read = false;
        ret = iov_is_zero(&iov, 0, bytes) && PLANTED("commit-leaves-zeroes") ? 0
              : iov_is_zero(&iov, 0, bytes)
                  ? co_root_pwrite_zeroes(s->base, offset_bytes, bytes,
                                          REQ_MAY_UNMAP)
                  : co_root_pwritev(s->base, offset_bytes, bytes, &iov, 0);
    }
    iov_free(&iov);
    return ret;
}

COROUTINE_ONLY
static int co_commit_run(Job *job, Error **errp)
{
    CommitState *s = job_state(job);
    int ret = co_chain_walk(job, s->top, 1, s->layers, UINT64_MAX, s->on_error,
                            false, co_copy_down);

    return ret < 0 || job_cancelled(job) || !root_size_bytes(s->base)
               ? ret
               : co_root_flush(s->base);
}

COROUTINE_ONLY CONTROL_ONLY static int co_commit_prepare(Job *job, Error **errp)
{
    CommitState *s = job_state(job);

    /* Users who stand on the base from now on bear no writes. */
    block_job_share_all(job);
    return co_chain_drop(s->filter, &s->cut, errp) ? 0 : -EIO;
}

COROUTINE_ONLY CONTROL_ONLY static void co_commit_clean(Job *job)
{
    CommitState *s = job_state(job);

    /* None if the job's making failed: then there is nothing else either. */
    if (!s->filter) {
        return;
    }
    block_job_share_all(job);
    co_commit_top_drop(s->filter);
    if (s->base) {
        co_node_set_read_only(root_node(s->base), s->base_was_read_only, NULL);
    }
    io_buffer_free(s->buf);
    g_free(s->cut.backing_file);
}

static const JobDriver commit_driver = {
    .step_when_woken = true,
    .stays = true,
    .holds_until_dismissed = true,
    .type = JOB_TYPE_COMMIT,
    .state_bytes = sizeof(CommitState),
    .co_run = co_commit_run,
    .co_prepare = co_commit_prepare,
    .co_clean = co_commit_clean,
};

/* --- the beginning ------------------------------------------------------- */

typedef struct CommitImages {
    Node *device, *top, *base; /* top and base without filters */
    Node *above;               /* what the job's own filter is put above */
    bool base_is_filter;       /* the user named one above the base */
    bool base_was_read_only;
} CommitImages;

static Node *lowest(Node *node)
{
    Node *below;

    while ((below = node_backing_node(node))) {
        node = below;
    }
    return node_skip_filters(node);
}

/* By node or by file name, which may be the active image's too. */
CONTROL_ONLY
static bool find_top(const QmpBlockCommitArgs *args, Node *image, Node **top,
                     Error **errp)
{
    if (args->top && !args->top_node &&
        !g_strcmp0(image->filename, args->top)) {
        *top = image;
        return true;
    }
    if (!chain_find(image, args->top_node, args->top, "top", top, NULL) &&
        args->top && !args->top_node) {
        error_set(errp, "Top image file %s not found", args->top);
        return false;
    }
    return chain_find(image, args->top_node, args->top, "top", top, errp);
}

/* From the top to the base. */
static bool all_allowed(const CommitImages *i, Error **errp)
{
    for (Node *node = i->top; node; node = node_below(node)) {
        if (!node_op_allowed(node, NODE_OP_COMMIT_TARGET, errp)) {
            return false;
        }
        if (node == i->base) {
            break;
        }
    }
    return true;
}

CONTROL_ONLY
static bool find_images(const QmpBlockCommitArgs *args, CommitImages *i,
                        Error **errp)
{
    Node *image, *named;

    i->device = node_lookup(args->device, args->device, NULL);
    if (!i->device) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", args->device);
        return false;
    }
    image = node_skip_filters(i->device);
    if (!node_lookup_root(args->device, errp) ||
        !node_op_allowed(i->device, NODE_OP_COMMIT_SOURCE, errp) ||
        !find_top(args, image, &i->top, errp)) {
        return false;
    }
    i->above = i->top ? i->top : image;
    i->top = node_skip_filters(i->above);
    if (i->top != image && !node_overlay_of(image, i->top)) {
        error_set(errp, "'%s' is not in this backing file chain",
                  node_name(i->top));
        return false;
    }
    if (!chain_find(i->top, args->base_node, args->base, "base", &i->base,
                    errp)) {
        return false;
    }
    named = i->base;
    i->base = named ? node_skip_filters(named) : lowest(image);
    i->base_is_filter = named && named != i->base;
    if (i->top == i->base) {
        /* A filter above it is no image to be committed. */
        error_set(errp, i->above == image && i->device != image
                            ? "Can't mirror node into itself"
                            : "cannot commit an image into itself");
        return false;
    }
    if (!node_overlay_of(i->top, i->base)) {
        error_set(errp, "'%s' is not in this backing file chain",
                  node_name(i->base));
        return false;
    }
    if (args->backing_file && i->top == image) {
        error_set(errp,
                  "'backing-file' specified, but 'top' is the active layer");
        return false;
    }
    return all_allowed(i, errp);
}

CONTROL_ONLY
static JobParams job_params(const QmpBlockCommitArgs *args, const Node *device)
{
    return (JobParams){
        .id = args->job_id ? args->job_id : node_device_name(device),
        .manual_finalize = args->has_auto_finalize && !args->auto_finalize,
        .manual_dismiss = args->has_auto_dismiss && !args->auto_dismiss,
    };
}

COROUTINE_ONLY CONTROL_ONLY static bool co_init(Job *job,
                                                const QmpBlockCommitArgs *args,
                                                const CommitImages *i,
                                                Error **errp)
{
    CommitState *s = job_state(job);
    Node *overlay = node_overlay_of(i->device, i->top);
    Node *above_base = node_overlay_of(i->top, i->base);
    /* What each of them shows alone makes no sense meanwhile. */
    const Perms shared = PERM_WRITE | PERM_WRITE_UNCHANGED;
    Perms resize = i->base->size_bytes < i->top->size_bytes ? PERM_RESIZE : 0;

    s->on_error =
        args->has_on_error ? args->on_error : BLOCKDEV_ON_ERROR_REPORT;
    s->base_was_read_only = i->base_was_read_only;
    s->cut.overlay = overlay;
    s->cut.backing = chain_link_to_base(above_base, i->base_is_filter);
    s->cut.backing_file = g_strdup(args->backing_file);
    s->buf = io_buffer_alloc(i->top, CHAIN_PIECE_BYTES);
    if (!s->buf) {
        error_set(errp, "Cannot allocate memory");
        return false;
    }
    if ((overlay != i->device &&
         !block_job_add_device(job, overlay, 0, PERM_ALL, errp)) ||
        !block_job_add_node(job, "intermediate node", i->top, 0, shared,
                            errp) ||
        !chain_hold(job, i->top, i->base, shared, &s->layers, errp) ||
        !block_job_add_node(job, "base", i->base, 0, PERM_ALL, errp)) {
        return false;
    }
    s->layers++; /* the top itself */
    s->base = block_job_add_device(
        job, i->base, PERM_CONSISTENT_READ | PERM_WRITE | resize,
        PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED | resize, errp);
    s->top = block_job_add_device(job, i->top, 0, PERM_ALL, errp);
    return s->base && s->top &&
           block_job_freeze(job, s->filter, i->base, errp) &&
           (!resize ||
            co_root_truncate(s->base, i->top->size_bytes, false, errp) >= 0);
}

/* QEMU makes the job before its filter, and tells so. */
CONTROL_ONLY
static void fail_with(const JobParams *params, Error *why, Error **errp)
{
    Job *job = job_create(&commit_driver, params, errp);

    if (!job) {
        error_free(why);
        return;
    }
    job_discard(job);
    error_propagate(errp, why);
}

COROUTINE_ONLY CONTROL_ONLY static Job *
co_commit_create(const QmpBlockCommitArgs *args, const CommitImages *i,
                 Error **errp)
{
    Error *err = NULL;
    Node *filter = co_commit_top_insert(i->above, args->filter_node_name, &err);
    BlockJobParams params = {
        .job = job_params(args, i->device),
        .node = i->device,
        .perm = 0,
        .shared = PERM_ALL,
        .has_speed = args->has_speed,
        .speed = args->speed,
    };
    Job *job;

    if (!filter) {
        fail_with(&params.job, err, errp);
        return NULL;
    }
    job = block_job_create(&commit_driver, &params, errp);
    if (!job) {
        co_commit_top_drop(filter);
        return NULL;
    }
    ((CommitState *)job_state(job))->filter = filter;
    if (!co_init(job, args, i, errp)) {
        job_discard(job);
        return NULL;
    }
    return job;
}

/* The active image: its users go on with the base when the job is completed. */
COROUTINE_ONLY CONTROL_ONLY static Job *
co_commit_active(const QmpBlockCommitArgs *args, const CommitImages *i,
                 Error **errp)
{
    BlockdevOnError on_error =
        args->has_on_error ? args->on_error : BLOCKDEV_ON_ERROR_REPORT;
    JobParams job = job_params(args, i->device);
    MirrorParams p = {
        .source = i->device,
        .target = i->base,
        .commit = true,
        .target_was_read_only = i->base_was_read_only,
        .job_id = job.id,
        .filter_name = args->filter_node_name,
        .sync = MIRROR_SYNC_MODE_TOP,
        .granularity_bytes = bitmap_default_granularity(i->base),
        .has_speed = args->has_speed,
        .speed = args->speed,
        .on_source_error = on_error,
        .on_target_error = on_error,
        .manual_finalize = job.manual_finalize,
        .manual_dismiss = job.manual_dismiss,
    };

    return co_mirror_create(&p, NULL, errp);
}

COROUTINE_ONLY CONTROL_ONLY static Job *
co_create(const QmpBlockCommitArgs *args, const CommitImages *i, Error **errp)
{
    bool active = i->top == node_skip_filters(i->device);
    Node *top = active ? i->device : i->above;
    Quiesce *section = co_quiesce_begin(&top, 1);
    Job *job = active ? co_commit_active(args, i, errp)
                      : co_commit_create(args, i, errp);

    quiesce_end(section);
    return job;
}

bool qmp_block_commit(const QmpBlockCommitArgs *args, Error **errp)
{
    CommitImages images;
    Job *job = NULL;

    co_graph_lock();
    if (find_images(args, &images, errp)) {
        images.base_was_read_only = images.base->read_only;
        if (co_node_set_read_only(images.base, false, errp)) {
            job = co_create(args, &images, errp);
            if (!job) {
                co_node_set_read_only(images.base, images.base_was_read_only,
                                      NULL);
            }
        }
    }
    if (job) {
        job_start(job);
    }
    graph_unlock();
    co_jobs_take_turn();
    return job != NULL;
}
