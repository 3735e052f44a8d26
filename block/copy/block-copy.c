/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy engine's states: what is to do, in flight, done. See block-copy.h
 * for the diagram and the invariants; claim() is the only way from "to do" to
 * "in flight", run_done() the only way on.
 */
#include "block/copy/copy-int.h"
#include "block/io/io.h"
#include "util/sim.h"

/* What co_block_copy takes for a hole at a time: there is nothing to read. Not
 * more, since a guest that writes into it waits for all of it. */
#define HOLE_MAX_BYTES (64 * MiB)
/* How far one question for the status looks. */
#define STATUS_MAX_BYTES (16 * GiB)

static bool cluster_of(Node *target, uint64_t min_bytes, uint64_t *bytes,
                       Error **errp)
{
    uint32_t cluster = 0;

    if (node_cluster_bytes(target, &cluster) && cluster &&
        !is_power_of_2(cluster)) {
        error_set(errp, "Cluster size of node '%s' is not a power of 2",
                  node_name(target));
        return false;
    }
    *bytes = MAX(MAX(BLOCK_COPY_CLUSTER_BYTES, cluster), min_bytes);
    return true;
}

static BlockCopy *copy_new(Edge *source, Edge *target, DirtyBitmap *todo)
{
    BlockCopy *copy = g_new0(BlockCopy, 1);

    copy->source = source;
    copy->target = target;
    copy->home = reactor_control();
    copy->size_bytes = bitmap_size_bytes(todo);
    copy->cluster_bytes = bitmap_granularity_bytes(todo);
    copy->zero_flags = REQ_MAY_UNMAP;
    copy->todo = todo;
    copy->in_flight = range_locks_new(false);
    coqueue_init(&copy->memory_freed);
    block_copy_set_chunk(copy, 0);
    return copy;
}

BlockCopy *block_copy_new(Edge *source, Edge *target,
                          uint64_t min_cluster_bytes, Error **errp)
{
    uint64_t cluster;
    DirtyBitmap *todo;

    assert(source->parent && source->parent == target->parent);
    if (!cluster_of(target->child, min_cluster_bytes, &cluster, errp)) {
        return NULL;
    }
    todo = bitmap_create(source->child, cluster, NULL, errp);
    if (!todo) {
        return NULL;
    }
    bitmap_disable(todo);
    return copy_new(source, target, todo);
}

BlockCopy *block_copy_new_live(Edge *source, Edge *target, DirtyBitmap *todo)
{
    BlockCopy *copy;

    assert(bitmap_node(todo) == source->child);
    copy = copy_new(source, target, todo);
    copy->live = true;
    return copy;
}

void block_copy_free(BlockCopy *copy)
{
    if (copy) {
        range_locks_free(copy->in_flight);
        copy_space_free(copy->space);
        if (!copy->live) {
            bitmap_release(copy->todo);
        }
        g_free(copy);
    }
}

uint64_t block_copy_cluster_bytes(const BlockCopy *copy)
{
    return copy->cluster_bytes;
}

void block_copy_set_chunk(BlockCopy *copy, uint64_t chunk_bytes)
{
    uint64_t most = MAX(BLOCK_COPY_CHUNK_BYTES, copy->cluster_bytes);

    assert(!chunk_bytes || chunk_bytes >= copy->cluster_bytes);
    copy->chunk_bytes =
        chunk_bytes ? MIN(ROUND_DOWN(chunk_bytes, copy->cluster_bytes), most)
                    : most;
}

uint64_t block_copy_chunk_bytes(const BlockCopy *copy)
{
    return copy->chunk_bytes;
}

DirtyBitmap *block_copy_todo(const BlockCopy *copy)
{
    return copy->todo;
}

void block_copy_set_progress(BlockCopy *copy,
                             void (*fn)(void *opaque, uint64_t bytes),
                             void *opaque)
{
    copy->progress = fn;
    copy->progress_opaque = opaque;
}

void block_copy_set_diff(BlockCopy *copy)
{
    copy->diff = true;
}

void block_copy_set_no_unmap(BlockCopy *copy)
{
    copy->zero_flags = 0;
}

void block_copy_set_compress(BlockCopy *copy)
{
    copy->write_flags = REQ_COMPRESSED;
}

void block_copy_set_discard_source(BlockCopy *copy)
{
    copy->discard_source = true;
}

uint64_t block_copy_run_offset(const BlockCopyRun *run)
{
    return run->offset_bytes;
}

uint64_t block_copy_run_bytes(const BlockCopyRun *run)
{
    return run->bytes;
}

/* --- states; nothing here yields ----------------------------------------- */

/* Locks as much from @offset on as is not in flight, at most @bytes. */
static bool lock_some(BlockCopy *copy, RangeLock *lock, uint64_t offset,
                      uint64_t *bytes)
{
    uint64_t cluster = copy->cluster_bytes;

    while (!range_trylock(copy->in_flight, lock, offset, *bytes,
                          RANGE_EXCLUSIVE)) {
        assert(copy->live); /* invariant 1 */
        if (*bytes <= cluster) {
            return false;
        }
        *bytes = ROUND_UP(*bytes / 2, cluster);
    }
    return true;
}

/* Locks the first piece that is to do and not in flight. */
static bool lock_next(BlockCopy *copy, BlockCopyRun *run, uint64_t start,
                      uint64_t end, uint64_t max_bytes)
{
    while (bitmap_next_dirty_run(copy->todo, start, end, max_bytes,
                                 &run->offset_bytes, &run->bytes)) {
        if (lock_some(copy, &run->lock, run->offset_bytes, &run->bytes)) {
            return true;
        }
        start = run->offset_bytes + run->bytes;
    }
    return false;
}

static BlockCopyRun *claim(BlockCopy *copy, uint64_t start, uint64_t end,
                           uint64_t max_bytes)
{
    BlockCopyRun *run;

    if (copy->stopped) {
        return NULL;
    }
    run = g_new0(BlockCopyRun, 1);
    run->copy = copy;
    if (!lock_next(copy, run, start, end, max_bytes)) {
        g_free(run);
        return NULL;
    }
    bitmap_reset(copy->todo, run->offset_bytes, run->bytes);
    return run;
}

/* Gives back what lies behind the first @bytes. */
static void run_cut(BlockCopyRun *run, uint64_t bytes)
{
    assert(bytes > 0 && bytes <= run->bytes);
    if (bytes < run->bytes) {
        bitmap_set(run->copy->todo, run->offset_bytes + bytes,
                   run->bytes - bytes);
        range_lock_shrink(run->copy->in_flight, &run->lock, bytes);
        run->bytes = bytes;
    }
}

static void run_done(BlockCopyRun *run, bool copied)
{
    BlockCopy *copy = run->copy;

    if (!copied) {
        bitmap_set(copy->todo, run->offset_bytes, run->bytes);
    }
    range_unlock(copy->in_flight, &run->lock);
    if (copied && copy->progress) {
        copy->progress(copy->progress_opaque,
                       copy->live ? run->bytes
                                  : ROUND_UP(run->bytes, copy->cluster_bytes));
    }
    g_free(run);
}

/* --- at home ------------------------------------------------------------- */

static bool known_data(const BlockCopy *copy, uint64_t offset, uint64_t *bytes)
{
    if (offset < copy->data_start || offset >= copy->data_end) {
        return false;
    }
    *bytes = copy->data_end - offset;
    return true;
}

/* Small pieces are not asked about: where data ends may take long to find out,
 * and their reading tells as much. But for where holes have to be told
 * beforehand. */
static bool classify_later(BlockCopyRun *run, bool waited_for)
{
    const BlockCopy *copy = run->copy;
    bool small = waited_for ? run->bytes <= copy->chunk_bytes
                            : run->bytes < copy->chunk_bytes;

    run->may_be_hole =
        small && !copy->live && !copy->space && !CHANCE("copy-asks-first");
    return run->may_be_hole;
}

/* What the source says of the area from @at on. More is asked about than is to
 * be copied now: finding where data ends takes time in proportion to its length
 * on some file systems. */
COROUTINE_ONLY
static int co_ask_source(BlockCopyRun *run, uint64_t at, BlockStatus *status)
{
    BlockCopy *copy = run->copy;
    int ret;

    if (run->watch) {
        run->watch->reading = true;
    }
    ret = co_edge_block_status(copy->source, true, at,
                               MIN(copy->size_bytes - at, STATUS_MAX_BYTES),
                               status);
    if (run->watch) {
        run->watch->reading = false;
    }
    if (ret == 0 && !(status->flags & STATUS_ZERO)) {
        copy->data_start = at;
        copy->data_end = at + MAX(status->bytes, 1);
    }
    return ret;
}

/* Whether more than one border between data and holes, the first of which is
 * after @bytes, lies in what is moved at once. */
COROUTINE_ONLY
static int co_is_patchwork(BlockCopyRun *run, uint64_t bytes, bool *result)
{
    uint64_t piece = MIN(run->bytes, run->copy->chunk_bytes);
    BlockStatus status;
    int ret = 0;

    *result = false;
    if (bytes < piece && !run->copy->space) {
        ret = co_ask_source(run, run->offset_bytes + bytes, &status);
        *result = ret == 0 && status.bytes < piece - bytes;
    }
    return ret;
}

/* Keeps so much as is moved at once; it is of one kind for @bytes. Short data
 * and holes in turns are read together: then the data tells, and one request
 * does it. */
COROUTINE_ONLY
static int co_cut_to_piece(BlockCopyRun *run, uint64_t bytes)
{
    uint64_t cluster = run->copy->cluster_bytes;
    int ret = co_is_patchwork(run, bytes, &run->may_be_hole);

    if (ret < 0) {
        return ret;
    }
    if (run->may_be_hole) {
        run->is_hole = false;
        run_cut(run, MIN(run->bytes, run->copy->chunk_bytes));
    } else if (run->is_hole) {
        run_cut(run, bytes == run->bytes ? bytes : ROUND_DOWN(bytes, cluster));
    } else {
        bytes = MIN(ROUND_UP(bytes, cluster), run->copy->chunk_bytes);
        run_cut(run, MIN(bytes, run->bytes));
    }
    return 0;
}

/* Finds out whether data or a hole was claimed and keeps so much of it as is
 * one piece. */
COROUTINE_ONLY
static int co_classify(BlockCopyRun *run, bool waited_for)
{
    BlockCopy *copy = run->copy;
    BlockStatus status;
    uint64_t bytes;
    int ret;

    if (!known_data(copy, run->offset_bytes, &bytes)) {
        if (classify_later(run, waited_for)) {
            return 0;
        }
        ret = co_ask_source(run, run->offset_bytes, &status);
        if (ret < 0) {
            return ret;
        }
        bytes = MIN(MAX(status.bytes, 1), run->bytes);
        run->is_hole = (status.flags & STATUS_ZERO) &&
                       (bytes == run->bytes || bytes >= copy->cluster_bytes);
    }
    return co_cut_to_piece(run, bytes);
}

/* Keeps so much of data that was claimed as there is room for. */
static int take_space(BlockCopyRun *run)
{
    CopySpace *space = run->copy->space;
    uint64_t bytes;

    if (!space || run->is_hole) {
        return 0;
    }
    bytes = copy_space_take(space, run->offset_bytes, run->bytes);
    if (!bytes) {
        return -ENOSPC;
    }
    run_cut(run, bytes);
    return 0;
}

COROUTINE_ONLY
static int co_claim_at_home(BlockCopy *copy, uint64_t start, uint64_t end,
                            uint64_t max_hole, bool waited_for,
                            BlockCopyWatch *watch, BlockCopyRun **run)
{
    int ret;

    if (watch && watch->given_up) {
        return -ECANCELED;
    }
    *run = claim(copy, start, end, max_hole);
    if (!*run) {
        return 0;
    }
    (*run)->watch = watch;
    ret = co_classify(*run, waited_for);
    if (ret == 0) {
        ret = take_space(*run);
    }
    if (ret < 0) {
        run_done(*run, false);
        *run = NULL;
        return ret;
    }
    return 1;
}

COROUTINE_ONLY
static int co_finish_at_home(BlockCopyRun *run, bool *error_is_read)
{
    int ret;

    if (PLANTED("done-before-write")) {
        BlockCopyRun late = *run;

        run_done(run, true);
        return co_move_run(&late, error_is_read);
    }
    ret = co_move_run(run, error_is_read);
    if (ret == 0 && run->copy->discard_source) {
        co_edge_pdiscard(run->copy->source, run->offset_bytes, run->bytes);
    }
    run_done(run, ret == 0);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_copy_dirty(BlockCopy *copy, uint64_t start, uint64_t end,
              BlockCopyWatch *watch, bool *error_is_read)
{
    BlockCopyRun *run;
    int ret;

    for (;;) {
        ret = co_claim_at_home(copy, start, end, HOLE_MAX_BYTES, true, watch,
                               &run);
        *error_is_read = ret != -ENOSPC || !block_copy_space_is_full(copy);
        if (ret == -ENOSPC && copy->space &&
            co_copy_space_wait(copy->space, watch)) {
            continue;
        }
        if (ret <= 0) {
            return ret;
        }
        ret = co_finish_at_home(run, error_is_read);
        if (ret < 0) {
            return ret;
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static int
co_copy_at_home(BlockCopy *copy, uint64_t start, uint64_t end,
                BlockCopyWatch *watch, bool *error_is_read)
{
    do {
        int ret = co_copy_dirty(copy, start, end, watch, error_is_read);

        if (ret < 0) {
            return ret;
        }
        if (PLANTED("copy-does-not-wait")) {
            break;
        }
        co_range_wait_free(copy->in_flight, start, end - start);
        /* Who was in flight may have failed: then it is ours to do. */
    } while (!copy->stopped && bitmap_next_dirty(copy->todo, start, end) < end);
    return 0;
}

/* --- from any reactor ---------------------------------------------------- */

typedef struct CopyCall {
    void (*run_at_home)(struct CopyCall *call);
    BlockCopy *copy;
    uint64_t start, end, max_hole;
    BlockCopyWatch *watch;
    BlockCopyRun *run;
    bool error_is_read;
    int ret;
} CopyCall;

static void call_entry(void *opaque)
{
    CopyCall *call = opaque;

    call->run_at_home(call);
}

COROUTINE_ONLY
static int co_call_at_home(CopyCall *call)
{
    if (LIKELY(reactor_current() == call->copy->home)) {
        call->run_at_home(call);
    } else {
        co_reactor_call(call->copy->home, call_entry, call);
    }
    return call->ret;
}

COROUTINE_ONLY CONTROL_ONLY static void run_copy(CopyCall *call)
{
    call->ret = co_copy_at_home(call->copy, call->start, call->end, call->watch,
                                &call->error_is_read);
}

COROUTINE_ONLY
static int co_copy_range(BlockCopy *copy, uint64_t offset_bytes, uint64_t bytes,
                         BlockCopyWatch *watch, bool *error_is_read)
{
    uint64_t end = MIN(ROUND_UP(offset_bytes + bytes, copy->cluster_bytes),
                       copy->size_bytes);
    CopyCall call = {
        .run_at_home = run_copy,
        .copy = copy,
        .start = ROUND_DOWN(offset_bytes, copy->cluster_bytes),
        .end = end,
        .watch = watch,
    };
    int ret;

    if (call.start >= call.end) {
        return 0;
    }
    ret = co_call_at_home(&call);
    if (error_is_read) {
        *error_is_read = call.error_is_read;
    }
    return ret;
}

int co_block_copy(BlockCopy *copy, uint64_t offset_bytes, uint64_t bytes,
                  bool *error_is_read)
{
    return co_copy_range(copy, offset_bytes, bytes, NULL, error_is_read);
}

int co_block_copy_watched(BlockCopy *copy, uint64_t offset_bytes,
                          uint64_t bytes, BlockCopyWatch *watch,
                          bool *error_is_read)
{
    assert(reactor_current() == copy->home);
    return co_copy_range(copy, offset_bytes, bytes, watch, error_is_read);
}

/* What was in flight and failed is to do again: until nothing is either. */
COROUTINE_ONLY
static void run_forget(CopyCall *call)
{
    BlockCopy *copy = call->copy;

    do {
        bitmap_reset(copy->todo, call->start, call->end - call->start);
        co_range_wait_free(copy->in_flight, call->start,
                           call->end - call->start);
    } while (bitmap_next_dirty(copy->todo, call->start, call->end) < call->end);
}

void co_block_copy_forget(BlockCopy *copy, uint64_t offset_bytes,
                          uint64_t bytes)
{
    uint64_t end = offset_bytes + bytes;
    CopyCall call = {
        .run_at_home = run_forget,
        .copy = copy,
        .start = ROUND_UP(offset_bytes, copy->cluster_bytes),
        .end = end >= copy->size_bytes ? copy->size_bytes
                                       : ROUND_DOWN(end, copy->cluster_bytes),
    };

    if (call.start < call.end) {
        co_call_at_home(&call);
    }
}

COROUTINE_ONLY
static void run_give_space(CopyCall *call)
{
    copy_space_give(call->copy->space, call->start, call->end - call->start);
}

void co_block_copy_give_space(BlockCopy *copy, uint64_t offset_bytes,
                              uint64_t bytes)
{
    CopyCall call = {
        .run_at_home = run_give_space,
        .copy = copy,
        .start = offset_bytes,
        .end = offset_bytes + bytes,
    };

    if (copy->space) {
        co_call_at_home(&call);
    }
}

COROUTINE_ONLY
static void run_claim(CopyCall *call)
{
    call->ret = co_claim_at_home(call->copy, call->start, call->end,
                                 call->max_hole, false, NULL, &call->run);
}

int co_block_copy_claim(BlockCopy *copy, uint64_t start_bytes,
                        uint64_t max_hole_bytes, BlockCopyRun **run)
{
    CopyCall call = {
        .run_at_home = run_claim,
        .copy = copy,
        .start = start_bytes,
        .end = copy->size_bytes,
        .max_hole = MAX(ROUND_DOWN(max_hole_bytes, copy->cluster_bytes),
                        copy->chunk_bytes),
    };
    int ret;

    assert(start_bytes % copy->cluster_bytes == 0);
    ret = co_call_at_home(&call);
    *run = call.run;
    return ret;
}

COROUTINE_ONLY
static void run_finish(CopyCall *call)
{
    call->ret = co_finish_at_home(call->run, &call->error_is_read);
}

int co_block_copy_finish(BlockCopyRun *run, bool *error_is_read)
{
    CopyCall call = {
        .run_at_home = run_finish,
        .copy = run->copy,
        .run = run,
    };
    int ret = co_call_at_home(&call);

    if (error_is_read) {
        *error_is_read = call.error_is_read;
    }
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static void run_stop(CopyCall *call)
{
    BlockCopy *copy = call->copy;

    copy->stopped = true;
    block_copy_space_wake(copy);
    if (copy->size_bytes) {
        co_range_wait_free(copy->in_flight, 0, copy->size_bytes);
    }
}

void co_block_copy_stop(BlockCopy *copy)
{
    CopyCall call = {.run_at_home = run_stop, .copy = copy};

    co_call_at_home(&call);
}

void block_copy_stop_soon(BlockCopy *copy)
{
    assert(reactor_current() == copy->home);
    copy->stopped = true;
    block_copy_space_wake(copy);
}

int co_block_copy_flush(BlockCopy *copy)
{
    return co_edge_flush(copy->target);
}
