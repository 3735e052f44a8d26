/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block-stream: copies up to a disk's own image what lies in the images behind
 * it, down to a base, and then takes these out of the chain.
 *
 * Invariant: what users see does not change at any moment; so no bitmap does.
 */
#include "block/filter/stream-top.h"
#include "block/graph/device.h"
#include "block/io/io.h"
#include "block/job/chain.h"
#include "qapi/qapi-commands.h"

typedef struct StreamState {
    /* CONST */
    Node *filter;
    Node *image; /* the disk's own */
    Node *last;  /* the last image above the base; NULL: there is no base */
    bool base_is_filter;
    bool was_read_only;
    unsigned layers; /* below the disk's own */
    BlockdevOnError on_error;
    ChainCut cut;
    void *buf;
} StreamState;

COROUTINE_ONLY
static int co_copy_up(Job *job, uint64_t offset_bytes, uint64_t bytes,
                      bool *error_is_read)
{
    StreamState *s = job_state(job);
    Root *root = block_job_main_root(job);
    int ret;

    co_root_enter(root);
    ret = co_stream_top_copy_up(s->filter, offset_bytes, bytes, s->layers,
                                s->buf, error_is_read);
    root_leave(root);
    /* QEMU tells all errors of a stream so, and clients rely upon it. */
    *error_is_read = true;
    return ret;
}

/* Where what is behind the image now and what is there then both end: there it
 * reads as zeroes before and after, and needs none of its own. */
CONTROL_ONLY
static uint64_t end_of_backing(const StreamState *s)
{
    const Node *now = node_backing_node(s->image);
    const Node *then = s->last ? node_backing_node(s->last) : NULL;

    return MAX(now->size_bytes, then ? then->size_bytes : 0);
}

COROUTINE_ONLY CONTROL_ONLY static int co_stream_run(Job *job, Error **errp)
{
    StreamState *s = job_state(job);
    int ret;

    if (!s->layers) {
        return 0; /* nothing is behind */
    }
    ret = co_chain_walk(job, block_job_main_root(job), 2, s->layers + 1,
                        end_of_backing(s), s->on_error, true, co_copy_up);
    return ret < 0 || job_cancelled(job) || !s->image->size_bytes
               ? ret
               : co_root_flush(block_job_main_root(job));
}

COROUTINE_ONLY CONTROL_ONLY static int co_stream_prepare(Job *job, Error **errp)
{
    StreamState *s = job_state(job);

    block_job_thaw(job);
    if (s->last) {
        s->cut.backing = chain_link_to_base(s->last, s->base_is_filter);
    }
    return !s->layers || co_chain_cut(&s->cut, errp) ? 0 : -EIO;
}

COROUTINE_ONLY CONTROL_ONLY static void co_stream_clean(Job *job)
{
    StreamState *s = job_state(job);

    if (s->filter) {
        block_job_thaw(job);
        block_job_unblock_node(job, s->filter);
        co_stream_top_drop(s->filter);
        root_set_perms(block_job_main_root(job), 0, PERM_ALL, NULL);
        co_node_set_read_only(s->image, s->was_read_only, NULL);
    }
    io_buffer_free(s->buf);
    g_free(s->cut.backing_file);
}

static const JobDriver stream_driver = {
    .step_when_woken = true,
    .holds_until_dismissed = true,
    .type = JOB_TYPE_STREAM,
    .state_bytes = sizeof(StreamState),
    .co_run = co_stream_run,
    .co_prepare = co_stream_prepare,
    .co_clean = co_stream_clean,
};

/* --- the beginning ------------------------------------------------------- */

static bool check_names(const QmpBlockStreamArgs *args, Error **errp)
{
    const char *first = args->base ? "base" : "bottom";
    const char *second = args->base_node ? "base-node" : "bottom";

    if (!args->base + !args->base_node + !args->bottom >= 2) {
        return true;
    }
    if (args->bottom && args->base_node && !args->base) {
        first = "bottom";
        second = "base-node";
    }
    error_set(errp, "'%s' and '%s' cannot be specified at the same time", first,
              second);
    return false;
}

/* From the device to above the base. */
static bool all_allowed(Node *device, const Node *base, Error **errp)
{
    for (Node *node = device; node && node != base; node = node_below(node)) {
        if (!node_op_allowed(node, NODE_OP_STREAM, errp)) {
            return false;
        }
    }
    return true;
}

CONTROL_ONLY
static bool check_bounds(const QmpBlockStreamArgs *args, Node *image,
                         Node **base, Error **errp)
{
    if (!check_names(args, errp) ||
        !chain_find(image, args->base_node, args->base, "base", base, errp)) {
        return false;
    }
    if (args->bottom) {
        Node *bottom = node_lookup(NULL, args->bottom, errp);

        if (!bottom) {
            return false;
        }
        if (bottom != node_skip_filters(bottom)) {
            error_set(errp,
                      "Node '%s' is a filter, use a non-filter node as "
                      "'bottom'",
                      node_name(bottom));
            return false;
        }
        if (bottom != image && !node_overlay_of(image, bottom)) {
            error_set(errp, "Node '%s' is not in a chain starting from '%s'",
                      node_name(bottom), args->device);
            return false;
        }
        *base = node_backing_child(bottom) ? node_backing_child(bottom)->child
                                           : NULL;
    }
    if (*base && !chain_contains(image, *base)) {
        error_set(errp, "Node '%s' is not a backing image of '%s'",
                  node_name(*base), args->device);
        return false;
    }
    if (!*base && args->backing_file) {
        error_set(errp, "backing file specified, but streaming the entire "
                        "chain");
        return false;
    }
    return true;
}

CONTROL_ONLY
static Job *make_job(const QmpBlockStreamArgs *args, const char *id,
                     Node *filter, Error **errp)
{
    BlockJobParams params = {
        .job =
            {
                .id = id,
                .manual_finalize =
                    args->has_auto_finalize && !args->auto_finalize,
                .manual_dismiss = args->has_auto_dismiss && !args->auto_dismiss,
            },
        .node = filter,
        .perm = PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED,
        .shared = PERM_ALL,
        .has_speed = args->has_speed,
        .speed = args->speed,
    };

    return block_job_create(&stream_driver, &params, errp);
}

/* The last image above @base. A filter of another job's that is in between may
 * go away meanwhile. */
static Node *last_above(Node *image, const Node *base)
{
    Node *node = image, *below;

    while ((below = node_backing_node(node)) && below != base) {
        node = below;
    }
    return node;
}

/* Told before anything is made, and only of an image that has to be made
 * writable: QEMU looks there alone. */
CONTROL_ONLY
static bool check_chain(Node *image, const Node *base, Error **errp)
{
    Node *last = image, *below;

    if (!image->read_only) {
        return true;
    }
    while ((below = node_below(last)) && below != base) {
        last = below;
    }
    if (!chain_freeze(image, last, errp)) {
        return false;
    }
    chain_thaw(image, last);
    return true;
}

CONTROL_ONLY
static bool init_state(Job *job, const QmpBlockStreamArgs *args, Node *device,
                       Node *base, Node *filter, Error **errp)
{
    StreamState *s = job_state(job);
    Node *image = node_skip_filters(device);
    Node *base_image = base ? node_skip_filters(base) : NULL;

    s->filter = filter;
    s->image = image;
    s->on_error =
        args->has_on_error ? args->on_error : BLOCKDEV_ON_ERROR_REPORT;
    s->cut.overlay = image;
    s->last = base ? node_overlay_of(image, base_image) : NULL;
    s->base_is_filter = base != base_image;
    s->cut.backing_file = g_strdup(args->backing_file);
    s->buf = io_buffer_alloc(image, CHAIN_PIECE_BYTES);
    if (!s->buf) {
        error_set(errp, "Cannot allocate memory");
        return false;
    }
    return block_job_add_device(job, filter, PERM_CONSISTENT_READ,
                                PERM_ALL & ~PERM_RESIZE, errp) &&
           block_job_add_node(job, "active node", device, 0,
                              PERM_ALL & ~PERM_RESIZE, errp) &&
           chain_hold(job, image, base_image,
                      PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED, &s->layers,
                      errp) &&
           block_job_freeze(job, image, last_above(image, base_image), errp) &&
           stream_top_keep_alone(filter, errp);
}

COROUTINE_ONLY CONTROL_ONLY static Job *
co_stream_create(const QmpBlockStreamArgs *args, Node *device, Node *base,
                 Error **errp)
{
    /* Asked for before the filter takes its place. */
    const char *id = args->job_id ? args->job_id : node_device_name(device);
    Node *filter = co_stream_top_insert(device, args->filter_node_name, errp);
    Job *job = filter ? make_job(args, id, filter, errp) : NULL;

    if (!job) {
        if (filter) {
            co_stream_top_drop(filter);
        }
        return NULL;
    }
    if (!init_state(job, args, device, base, filter, errp)) {
        job_discard(job);
        return NULL;
    }
    return job;
}

/* An image in the middle of a chain is read-only but for the job's time. */
COROUTINE_ONLY CONTROL_ONLY static Job *
co_start(const QmpBlockStreamArgs *args, Node *device, Node *base, Error **errp)
{
    Node *image = node_skip_filters(device);
    bool was_read_only = image->read_only;
    Quiesce *section;
    Job *job;

    if (image->inactive) {
        error_set(errp, "Could not create node: Block node is read-only");
        return NULL;
    }
    if (!co_node_set_read_only(image, false, errp)) {
        return NULL;
    }
    section = co_quiesce_begin(&device, 1);
    job = co_stream_create(args, device, base, errp);
    quiesce_end(section);
    if (job) {
        ((StreamState *)job_state(job))->was_read_only = was_read_only;
        job_start(job);
    } else {
        co_node_set_read_only(image, was_read_only, NULL);
    }
    return job;
}

bool qmp_block_stream(const QmpBlockStreamArgs *args, Error **errp)
{
    Node *device, *base = NULL;
    Job *job = NULL;

    co_graph_lock();
    device = node_lookup(args->device, args->device, errp);
    if (device && check_bounds(args, node_skip_filters(device), &base, errp) &&
        all_allowed(device, base, errp) &&
        check_chain(node_skip_filters(device), base, errp)) {
        job = co_start(args, device, base, errp);
    }
    graph_unlock();
    co_jobs_take_turn();
    return job != NULL;
}
