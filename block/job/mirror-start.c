/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning of a mirror job, in one quiesced section over the disk: its
 * bitmap records, its filter is put in, the job holds the images.
 *
 * Invariant: what fails leaves nothing behind.
 */
#include "block/filter/mirror-top.h"
#include "block/job/chain.h"
#include "block/job/mirror.h"

/* Where the user does not say. */
#define BUFFER_BYTES (16 * MiB)

/* On the engine's reactor, which is control's. */
static void mirror_progress(void *opaque, uint64_t bytes)
{
    Job *job = opaque;
    MirrorState *s = job_state(job);

    assert(reactor_current() == reactor_control());
    s->done_bytes += bytes;
    if (s->bitmap && block_job_speed(job)) {
        s->untold_bytes += bytes; /* it will be flushed first */
    } else {
        job_progress_add(job, bytes);
    }
}

/* A write of a user's reached the target, or did not. */
static void written_to_both(void *opaque, uint64_t bytes, int os_errno)
{
    Job *job = opaque;
    MirrorState *s = job_state(job);

    if (os_errno) {
        s->synced = false;
        copy_work_failed(&s->work, -os_errno, false);
        job_kick(job);
        return;
    }
    s->done_bytes += bytes;
    job_progress_add_total(job, bytes);
    job_progress_add(job, bytes);
}

static void set_buffer(MirrorState *s, uint64_t buf_bytes)
{
    uint64_t cluster = block_copy_cluster_bytes(s->copy), chunk;

    s->work.max_workers = MIRROR_MAX_WORKERS;
    s->buf_bytes = buf_bytes ? MAX(buf_bytes, cluster) : BUFFER_BYTES;
    if (buf_bytes) {
        chunk = MAX(buf_bytes / MIRROR_MAX_WORKERS, cluster);
        block_copy_set_chunk(s->copy, chunk);
        s->work.max_workers = CLAMP(buf_bytes / block_copy_chunk_bytes(s->copy),
                                    1, MIRROR_MAX_WORKERS);
    }
}

CONTROL_ONLY
static bool shines_through(const MirrorParams *p)
{
    return block_copy_shines_through(p->target,
                                     p->sync == MIRROR_SYNC_MODE_TOP ||
                                         p->sync == MIRROR_SYNC_MODE_NONE);
}

/* Where an image behind the target will be seen again, its clusters are copied
 * whole: what of one was not would hide what is there. */
CONTROL_ONLY
static uint32_t todo_granularity(const MirrorParams *p)
{
    uint32_t cluster = 0;

    if (shines_through(p)) {
        node_cluster_bytes(node_skip_filters(p->target), &cluster);
    }
    return MAX(p->granularity_bytes, cluster);
}

/* What the job works off; recording from now on. */
CONTROL_ONLY
static DirtyBitmap *take_todo(const MirrorParams *p, Error **errp)
{
    DirtyBitmap *todo;

    if (p->working_bitmap) {
        return p->bitmap;
    }
    todo = bitmap_create(p->source, todo_granularity(p), NULL, errp);
    if (todo && p->bitmap) {
        bitmap_merge(todo, p->bitmap);
    }
    return todo;
}

static const JobDriver *driver_of(const MirrorParams *p)
{
    return p->commit ? &mirror_commit_driver : &mirror_driver;
}

static JobParams job_params(const MirrorParams *p, JobTxn *txn)
{
    return (JobParams){
        .id = p->job_id,
        .manual_finalize = p->manual_finalize,
        .manual_dismiss = p->manual_dismiss,
        .txn = txn,
    };
}

/* As with QEMU nobody resizes what is mirrored: its texts name the job. */
CONTROL_ONLY
static Job *make_job(const MirrorParams *p, JobTxn *txn, Node *filter,
                     Error **errp)
{
    BlockJobParams params = {
        .job = job_params(p, txn),
        .node = filter,
        .perm = PERM_CONSISTENT_READ,
        .shared = PERM_ALL & ~PERM_RESIZE,
        .has_speed = p->has_speed,
        .speed = p->speed,
    };

    return block_job_create(driver_of(p), &params, errp);
}

/* What QEMU tells when the target's users do not bear the mirror: there the
 * job comes first, and what is wrong with it. */
CONTROL_ONLY
static void tell_stillborn(const MirrorParams *p, JobTxn *txn, Error **errp)
{
    JobParams params = job_params(p, txn);
    Error *first = NULL;
    Job *job = job_create(driver_of(p), &params, &first);

    if (job) {
        block_job_check_speed(p->has_speed, p->speed, &first);
        job_discard(job);
    }
    if (first && errp) {
        error_free(*errp);
        *errp = NULL;
    }
    error_propagate(errp, first);
}

COROUTINE_ONLY CONTROL_ONLY static Node *co_put_filter_in(const MirrorParams *p,
                                                          DirtyBitmap *todo,
                                                          JobTxn *txn,
                                                          Error **errp)
{
    bool refused;
    Node *filter = co_mirror_top_insert(p->source, p->target, todo, p->commit,
                                        p->filter_name, &refused, errp);

    if (!filter && refused) {
        tell_stillborn(p, txn, errp);
    }
    return filter;
}

void mirror_tell_bitmap(const MirrorState *s)
{
    if (s->own_todo && s->bitmap) {
        bitmap_tell_as(s->todo, s->filter, false);
    } else {
        bitmap_tell_as(s->todo, NULL, s->own_todo && !s->write_blocking);
    }
}

CONTROL_ONLY
static void init_state(Job *job, const MirrorParams *p, Node *filter,
                       DirtyBitmap *todo)
{
    MirrorState *s = job_state(job);

    *s = (MirrorState){
        .filter = filter,
        .source = p->source,
        .target = p->target,
        .replaces = p->replaces,
        .copy = mirror_top_copy(filter),
        .todo = todo,
        .own_todo = todo != p->bitmap,
        .bitmap = p->bitmap,
        .bitmap_mode = p->bitmap_mode,
        .sync = p->sync,
        .backing_mode = p->backing,
        .target_is_zero = p->target_is_zero,
        .only_allocated = p->only_allocated,
        .holes_count = p->holes_count,
        .zero_first = p->zero_first,
        .target_was_read_only = p->target_was_read_only,
        .write_blocking = p->active,
        .work.on_source_error = p->on_source_error,
        .work.on_target_error = p->on_target_error,
    };
    copy_work_init(&s->work, job, s->copy);
    if (s->replaces) {
        node_ref(s->replaces);
    }
    if (s->bitmap) {
        block_copy_keep_unflushed(s->copy);
        bitmap_set_busy(s->bitmap, true);
    }
    mirror_tell_bitmap(s);
    set_buffer(s, p->buf_bytes);
    if (p->diff || shines_through(p)) {
        block_copy_set_diff(s->copy);
        s->target_is_zero = false;
    }
    if (p->no_unmap) {
        block_copy_set_no_unmap(s->copy);
    }
    block_copy_set_progress(s->copy, mirror_progress, job);
    block_copy_set_written(s->copy, written_to_both, job);
}

/* A commit holds the images between, and its base may have to grow. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_hold_layers(Job *job, const MirrorParams *p, Error **errp)
{
    MirrorState *s = job_state(job);
    unsigned between;

    s->layers = 1;
    s->commit = p->commit;
    if (!p->commit) {
        return true;
    }
    if (!chain_hold(job, node_skip_filters(p->source), p->target,
                    PERM_WRITE | PERM_WRITE_UNCHANGED, &between, errp) ||
        !block_job_freeze(job, s->filter, p->target, errp)) {
        return false;
    }
    s->layers += between;
    if (p->target->size_bytes >= p->source->size_bytes) {
        return true;
    }
    s->base = block_job_add_device(job, p->target, PERM_RESIZE, PERM_ALL, errp);
    /* The users who move to it in the end may let nobody resize it. */
    return s->base &&
           co_root_truncate(s->base, p->source->size_bytes, false, errp) >= 0 &&
           root_set_perms(s->base, 0, PERM_ALL, errp);
}

Job *co_mirror_create(const MirrorParams *p, JobTxn *txn, Error **errp)
{
    DirtyBitmap *todo = take_todo(p, errp);
    Node *filter = todo ? co_put_filter_in(p, todo, txn, errp) : NULL;
    Job *job = filter ? make_job(p, txn, filter, errp) : NULL;

    if (!job) {
        if (filter) {
            co_mirror_top_drop(filter);
        }
        if (todo && todo != p->bitmap) {
            bitmap_release(todo);
        }
        return NULL;
    }
    init_state(job, p, filter, todo);
    if (!block_job_add_node(job, "target", p->target, 0, PERM_ALL, errp) ||
        !block_job_add_node(job, "source", p->source, 0,
                            PERM_ALL & ~PERM_RESIZE, errp) ||
        !co_hold_layers(job, p, errp)) {
        mirror_take_back(job);
        job_discard(job);
        return NULL;
    }
    block_job_allow_ops(job, p->target, 1u << NODE_OP_DELETE);
    return job;
}
