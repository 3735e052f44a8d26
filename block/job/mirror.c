/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mirror job: copies a disk, or what a bitmap says changed on it, and
 * keeps the copy up to date until the user finishes it.
 *
 *   co_mirror_create: filter is put in, bitmap recording, job made
 *   co_mirror_run:    passes over what is to do, until little is left: ready;
 *                     then now and again, until told to finish
 *   mirror-end.c:     the rest, with the users held for a moment; pivot
 *
 * Invariants:
 * 1. At every moment the bits to do, and what is in flight, cover all that the
 *    target does not have as the disk has it.
 * 2. Passes end although users go on writing: a job is ready when they gain
 *    nothing any more; to finish, users write to both sides, what a pass may
 *    leave grows with their number, and the last of it is copied while users
 *    are held.
 */
#include "block/job/mirror.h"

#include "block/filter/mirror-top.h"
#include "block/graph/format.h"
#include "block/job/chain.h"

/* How much of a hole is one step for a job without a speed limit. */
#define HOLE_STEP_BYTES (16 * MiB)
/* Between two passes of a job that is ready, or after an ignored error. */
#define REST_NS (100 * INT64_C(1000000))
/* What is left is little: users are held for the time it takes. */
#define LITTLE_BYTES (1 * MiB)
/* A pass over one part in so many of what the one before it copied is one that
 * a user does not notice. */
#define SHORT_PASS 16

void mirror_failed(MirrorState *s, int error, bool is_read)
{
    if (!s->error) {
        s->error = error;
        s->error_is_read = is_read;
    }
}

static bool goes_on(Job *job)
{
    return !job_cancelled(job) && !((MirrorState *)job_state(job))->error;
}

/* Of the bytes of the disk, not of the granules. */
static uint64_t todo_bytes(const MirrorState *s)
{
    uint64_t size = bitmap_size_bytes(s->todo);
    uint64_t granularity = bitmap_granularity_bytes(s->todo);
    uint64_t bytes = bitmap_count_bytes(s->todo);

    if (size && bytes && bitmap_get(s->todo, size - 1)) {
        bytes -= ROUND_UP(size, granularity) - size;
    }
    return bytes;
}

/* --- one pass ------------------------------------------------------------ */

typedef struct Worker {
    Job *job;
    BlockCopyRun *run;
} Worker;

COROUTINE_ONLY
static void co_worker(void *opaque)
{
    Worker *w = opaque;
    MirrorState *s = job_state(w->job);
    bool is_read;
    int ret = co_block_copy_finish(w->run, &is_read);

    if (ret < 0) {
        mirror_failed(s, ret, is_read);
    }
    root_leave(block_job_main_root(w->job));
    g_free(w);
    coqueue_wake_one(&s->worker_ended);
    cocount_dec(&s->workers);
}

/* Copies the next piece at or after *@at_bytes in a worker and moves on.
 * False when there is none. */
COROUTINE_ONLY
static bool co_step(Job *job, uint64_t *at_bytes, uint64_t *step_bytes)
{
    MirrorState *s = job_state(job);
    Root *root = block_job_main_root(job);
    uint64_t chunk = block_copy_chunk_bytes(s->copy);
    BlockCopyRun *run;
    Worker *w;
    int ret;

    co_root_enter(root);
    ret = co_block_copy_claim(
        s->copy, *at_bytes,
        block_job_speed(job) ? chunk : MAX(chunk, HOLE_STEP_BYTES), &run);
    if (ret <= 0) {
        root_leave(root);
        if (ret < 0) {
            mirror_failed(s, ret, true);
        }
        return false;
    }
    *step_bytes = block_copy_run_bytes(run);
    *at_bytes = ROUND_UP(block_copy_run_offset(run) + *step_bytes,
                         block_copy_cluster_bytes(s->copy));
    w = g_new(Worker, 1);
    *w = (Worker){job, run};
    cocount_inc(&s->workers);
    coroutine_start(co_worker, w);
    return true;
}

void co_mirror_pass(Job *job, bool in_co_run)
{
    MirrorState *s = job_state(job);
    uint64_t at = 0, step;

    job_progress_set_total(job, s->done_bytes + todo_bytes(s));
    for (;;) {
        if (in_co_run) {
            co_job_pause_point(job);
        }
        while (s->workers.n >= s->max_workers) {
            co_queue_wait(&s->worker_ended);
        }
        if (!goes_on(job) || !co_step(job, &at, &step)) {
            break;
        }
        /* The last step need not be paid for. */
        if (in_co_run &&
            bitmap_next_dirty(s->todo, 0, bitmap_size_bytes(s->todo)) <
                bitmap_size_bytes(s->todo)) {
            co_block_job_throttle(job, step);
        }
    }
    co_count_wait_zero(&s->workers);
}

/* --- what is to do at the start --------------------------------------------
 */

/* sync=top: what lower layers have is not to be copied. Goes on beside guests:
 * the bits of what they write come after. */
COROUTINE_ONLY
static int co_find_top(Job *job)
{
    MirrorState *s = job_state(job);
    Root *root = block_job_main_root(job);
    uint64_t size = root_size_bytes(root), run;

    for (uint64_t at = 0; at < size && goes_on(job); at += run) {
        unsigned depth;
        int ret = co_root_allocation_depth(root, at, size - at, &run, &depth);

        if (ret < 0) {
            return ret;
        }
        if (!run) {
            break;
        }
        if (depth >= 1 && depth <= s->layers) {
            bitmap_set(s->todo, at, run);
        }
        co_job_pause_point(job);
    }
    return 0;
}

/* The target is zero: what reads as zeroes is there already. */
COROUTINE_ONLY
static int co_find_data(Job *job)
{
    MirrorState *s = job_state(job);
    Root *root = block_job_main_root(job);
    uint64_t size = root_size_bytes(root);
    BlockStatus status = {0};

    for (uint64_t at = 0; at < size && goes_on(job); at += status.bytes) {
        int ret = co_root_block_status(root, at, size - at, &status);

        if (ret < 0) {
            return ret;
        }
        if (!status.bytes) {
            break;
        }
        if (!(status.flags & STATUS_ZERO)) {
            bitmap_set(s->todo, at, status.bytes);
        }
        co_job_pause_point(job);
    }
    return 0;
}

COROUTINE_ONLY
static void co_find_todo(Job *job)
{
    MirrorState *s = job_state(job);
    int ret = 0;

    if (s->bitmap || s->sync == MIRROR_SYNC_MODE_NONE) {
        return; /* the bitmap says it */
    }
    if (s->sync == MIRROR_SYNC_MODE_TOP) {
        ret = co_find_top(job);
    } else if (s->target_is_zero) {
        ret = co_find_data(job);
    } else {
        bitmap_set_all(s->todo);
    }
    if (ret < 0) {
        mirror_failed(s, ret, true);
    }
}

/* --- the work ------------------------------------------------------------ */

COROUTINE_ONLY
static void co_flush_target(Job *job)
{
    MirrorState *s = job_state(job);
    Root *root = block_job_main_root(job);
    int ret;

    co_root_enter(root);
    ret = co_block_copy_flush(s->copy);
    root_leave(root);
    if (ret < 0) {
        mirror_failed(s, ret, false);
    }
}

/* After a failure: tells it, and whether to try again. What failed is still to
 * do. */
COROUTINE_ONLY
static bool co_try_again(Job *job)
{
    MirrorState *s = job_state(job);
    BlockErrorAction action = block_job_error_action(
        job, s->error_is_read ? s->on_source_error : s->on_target_error,
        s->error_is_read, -s->error);

    if (action == BLOCK_ERROR_ACTION_REPORT) {
        return false;
    }
    s->error = 0;
    s->synced = false;
    if (action == BLOCK_ERROR_ACTION_IGNORE) {
        co_job_sleep_ns(job, REST_NS);
    }
    co_job_pause_point(job);
    return !job_cancelled(job);
}

/* Whether @left may stay to do after @passes, the last of which found
 * @before. Invariant 2. */
static bool enough(const MirrorState *s, unsigned passes, uint64_t left,
                   uint64_t before)
{
    if (left == 0) {
        return true;
    }
    if (s->finish == MIRROR_GOES_ON) {
        /* One pass over everything, one over what was written meanwhile if
         * that takes no time worth speaking of. */
        return passes > 1 || (passes > 0 && left > before / SHORT_PASS);
    }
    return passes > 2 && left <= LITTLE_BYTES << MIN(passes, 40);
}

/* Passes until little is left, or users write as fast as is copied. */
COROUTINE_ONLY
static void co_converge(Job *job)
{
    MirrorState *s = job_state(job);
    uint64_t left, before = 0;

    for (unsigned passes = 0; goes_on(job); passes++) {
        left = bitmap_count_bytes(s->todo);
        if (enough(s, passes, left, before)) {
            co_flush_target(job);
            return;
        }
        before = left;
        co_mirror_pass(job, true);
    }
}

/* Writes of users go to both sides from now on. */
COROUTINE_ONLY CONTROL_ONLY static void co_go_active(MirrorState *s)
{
    if (!mirror_top_active(s->filter)) {
        Quiesce *section = co_quiesce_begin(&s->filter, 1);

        mirror_top_set_active(s->filter, true);
        quiesce_end(section);
    }
}

/* What is to do is known. Only now may users write to both sides: a write that
 * had begun while a bit was not set yet would take it away. */
COROUTINE_ONLY CONTROL_ONLY static void co_know_todo(MirrorState *s)
{
    co_graph_lock();
    s->todo_known = true;
    if (s->write_blocking) {
        co_go_active(s);
    }
    graph_unlock();
}

static void become_ready(Job *job)
{
    MirrorState *s = job_state(job);

    if (!s->ready) {
        s->ready = true;
        job_progress_set_total(job, s->done_bytes + todo_bytes(s));
        job_ready(job);
    }
    if (s->write_blocking && bitmap_count_bytes(s->todo) == 0) {
        s->synced = true;
    }
}

/* Until the user finishes it, or something fails. */
COROUTINE_ONLY CONTROL_ONLY static void co_follow(Job *job)
{
    MirrorState *s = job_state(job);

    for (;;) {
        if (s->finish != MIRROR_GOES_ON) {
            /* So that users add nothing to what is left, and are held for no
             * longer than it takes to move them. */
            co_graph_lock();
            co_go_active(s);
            graph_unlock();
        }
        co_converge(job);
        if (!goes_on(job)) {
            break;
        }
        become_ready(job);
        if (s->finish == MIRROR_GOES_ON) {
            co_job_sleep_ns(job, REST_NS);
        } else if (mirror_top_active(s->filter)) {
            break;
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static int co_mirror_run(Job *job, Error **errp)
{
    MirrorState *s = job_state(job);

    if (s->source->size_bytes != s->target->size_bytes) {
        error_set(errp, "Source and target image have different sizes");
        return -EINVAL;
    }
    co_find_todo(job);
    co_know_todo(s);
    do {
        co_follow(job);
    } while (s->error && !job_cancelled(job) && co_try_again(job));
    if (!goes_on(job)) {
        /* A bit that is clear while its copy is in flight would tell that the
         * target has it. */
        co_block_copy_stop(s->copy);
    }
    return s->error;
}

/* --- what users do ------------------------------------------------------- */

static bool mirror_complete(Job *job, Error **errp)
{
    MirrorState *s = job_state(job);

    if (s->finish == MIRROR_STAYS) {
        error_set(errp, "The active block job '%s' cannot be completed",
                  job_id(job));
        return false;
    }
    s->finish = MIRROR_PIVOTS;
    job_kick(job);
    return true;
}

/* A cancel that lets a job that is ready end well. */
static bool mirror_leave(Job *job)
{
    MirrorState *s = job_state(job);

    if (!s->ready) {
        return false;
    }
    s->finish = MIRROR_STAYS;
    job_kick(job);
    return true;
}

void mirror_give_up_target(MirrorState *s)
{
    if (s->workers.n || mirror_top_active(s->filter)) {
        node_cancel_requests(s->target);
    }
}

/* A target that does not answer keeps nobody. */
CONTROL_ONLY
static void mirror_cancel(Job *job)
{
    mirror_give_up_target(job_state(job));
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_mirror_change(Job *job, const BlockJobChangeOptions *options, Error **errp)
{
    MirrorState *s = job_state(job);
    MirrorCopyMode mode = options->u.mirror.copy_mode;

    if (s->write_blocking == (mode == MIRROR_COPY_MODE_WRITE_BLOCKING)) {
        return true;
    }
    if (mode != MIRROR_COPY_MODE_WRITE_BLOCKING) {
        error_set(errp, "Change to copy mode '%s' is not implemented",
                  MirrorCopyMode_str(mode));
        return false;
    }
    if (s->source->size_bytes == s->target->size_bytes) {
        s->write_blocking = true;
        if (s->todo_known) {
            co_go_active(s);
        }
    }
    return true;
}

static void mirror_query(const Job *job, BlockJobInfo *info)
{
    const MirrorState *s = job_state(job);

    info->has_actively_synced = true;
    info->actively_synced = s->synced;
}

static const JobDriver mirror_driver = {
    .type = JOB_TYPE_MIRROR,
    .state_bytes = sizeof(MirrorState),
    .reply_first = true,
    .co_run = co_mirror_run,
    .co_prepare = co_mirror_prepare,
    .commit = mirror_commit,
    .abort = mirror_abort,
    .co_clean = co_mirror_clean,
    .cancel = mirror_cancel,
    .complete = mirror_complete,
    .leave = mirror_leave,
    .co_change = co_mirror_change,
    .query = mirror_query,
};

/* The commit of an active image into one behind it. */
static const JobDriver commit_active_driver = {
    .type = JOB_TYPE_COMMIT,
    .state_bytes = sizeof(MirrorState),
    .reply_first = true,
    .co_run = co_mirror_run,
    .co_prepare = co_mirror_prepare,
    .commit = mirror_commit,
    .abort = mirror_abort,
    .co_clean = co_mirror_clean,
    .cancel = mirror_cancel,
    .complete = mirror_complete,
    .leave = mirror_leave,
};

/* --- the beginning ------------------------------------------------------- */

/* On the engine's reactor, which is control's. */
static void mirror_progress(void *opaque, uint64_t bytes)
{
    Job *job = opaque;

    assert(reactor_current() == reactor_control());
    ((MirrorState *)job_state(job))->done_bytes += bytes;
    job_progress_add(job, bytes);
}

/* A write of a user did not reach the target. */
static void active_failed(void *opaque, int os_errno)
{
    Job *job = opaque;
    MirrorState *s = job_state(job);

    s->synced = false;
    mirror_failed(s, -os_errno, false);
    job_kick(job);
}

static void set_buffer(MirrorState *s, uint64_t buf_bytes)
{
    uint64_t cluster = block_copy_cluster_bytes(s->copy), chunk;

    s->max_workers = MIRROR_MAX_WORKERS;
    if (buf_bytes) {
        chunk = MAX(buf_bytes / MIRROR_MAX_WORKERS, cluster);
        block_copy_set_chunk(s->copy, chunk);
        s->max_workers = CLAMP(buf_bytes / block_copy_chunk_bytes(s->copy), 1,
                               MIRROR_MAX_WORKERS);
    }
}

/* What the job works off; recording from now on. */
static DirtyBitmap *take_todo(const MirrorParams *p, Error **errp)
{
    DirtyBitmap *todo;

    if (p->working_bitmap) {
        return p->bitmap;
    }
    todo = bitmap_create(p->source, p->granularity_bytes, NULL, errp);
    if (todo && p->bitmap) {
        bitmap_merge(todo, p->bitmap);
    }
    return todo;
}

CONTROL_ONLY
static Job *make_job(const MirrorParams *p, JobTxn *txn, Node *filter,
                     Error **errp)
{
    BlockJobParams params = {
        .job =
            {
                .id = p->job_id,
                .manual_finalize = p->manual_finalize,
                .manual_dismiss = p->manual_dismiss,
                .txn = txn,
            },
        .node = filter,
        .perm = 0,
        .shared = PERM_ALL,
        .has_speed = p->has_speed,
        .speed = p->speed,
    };

    return block_job_create(p->commit ? &commit_active_driver : &mirror_driver,
                            &params, errp);
}

/* Whether what the target does not hold may show an image that is behind it
 * once it is opened again: then its zeroes must be its own. */
static bool shines_through(const MirrorParams *p)
{
    Node *target = node_skip_filters(p->target);
    const FormatOps *format = target->driver->format;

    if (!target->driver->supports_backing || node_backing_child(target)) {
        return false;
    }
    return p->sync == MIRROR_SYNC_MODE_TOP ||
           (format && format->backing_file && format->backing_file(target));
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
        .target_was_read_only = p->target_was_read_only,
        .write_blocking = p->active,
        .on_source_error = p->on_source_error,
        .on_target_error = p->on_target_error,
    };
    if (s->replaces) {
        node_ref(s->replaces);
    }
    if (s->bitmap) {
        bitmap_set_busy(s->bitmap, true);
    }
    cocount_init(&s->workers);
    coqueue_init(&s->worker_ended);
    set_buffer(s, p->buf_bytes);
    if (p->diff || shines_through(p)) {
        block_copy_set_diff(s->copy);
        s->target_is_zero = false;
    }
    if (p->no_unmap) {
        block_copy_set_no_unmap(s->copy);
    }
    block_copy_set_progress(s->copy, mirror_progress, job);
    block_copy_set_failed(s->copy, active_failed, job);
}

/* A commit holds the images between, and its base may have to grow. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_hold_layers(Job *job, const MirrorParams *p, Error **errp)
{
    MirrorState *s = job_state(job);
    unsigned between;

    s->layers = 1;
    if (!p->commit) {
        return true;
    }
    if (!chain_hold(job, node_skip_filters(p->source), p->target, &between,
                    errp)) {
        return false;
    }
    s->layers += between;
    if (p->target->size_bytes >= p->source->size_bytes) {
        return true;
    }
    s->base =
        block_job_add_node(job, "base", p->target, PERM_RESIZE, PERM_ALL, errp);
    return s->base &&
           co_root_truncate(s->base, p->source->size_bytes, false, errp) >= 0;
}

Job *co_mirror_create(const MirrorParams *p, JobTxn *txn, Error **errp)
{
    DirtyBitmap *todo = take_todo(p, errp);
    Node *filter = todo ? co_mirror_top_insert(p->source, p->target, todo,
                                               p->commit, p->filter_name, errp)
                        : NULL;
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
        !block_job_add_node(job, "source", p->source, 0, PERM_ALL, errp) ||
        !co_hold_layers(job, p, errp)) {
        mirror_undo(job);
        return NULL;
    }
    block_job_allow_ops(job, p->target, 1u << NODE_OP_DELETE);
    return job;
}
