/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy engine as its users see it: making one, and calls that may come from
 * any reactor, which hop to its own.
 */
#include "block/copy/copy-int.h"
#include "block/graph/format.h"
#include "block/io/io.h"

static bool cluster_of(Node *target, uint64_t min_bytes, uint64_t *bytes,
                       Error **errp)
{
    uint32_t cluster = 0;
    bool told = node_cluster_bytes(target, &cluster);

    if (!told && !node_backing_child(node_skip_filters(target))) {
        warn_report("The target block device doesn't provide information about "
                    "the block size and it doesn't have a backing file. The "
                    "default block size of %llu bytes is used. If the actual "
                    "block size of the target exceeds this default, the backup "
                    "may be unusable",
                    (unsigned long long)BLOCK_COPY_CLUSTER_BYTES);
    }
    if (cluster && !is_power_of_2(cluster)) {
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
    copy->write_flags = REQ_FLUSHED_SOON;
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
        sparse_bitmap_free(copy->unflushed);
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

bool block_copy_shines_through(Node *target, bool part)
{
    Node *image = node_skip_filters(target);
    const FormatOps *format = image->driver->format;

    if (image->driver->is_remote) {
        return part;
    }
    if (!image->driver->supports_backing || node_backing_child(image)) {
        return false;
    }
    return part ||
           (format && format->backing_file && format->backing_file(image));
}

void block_copy_set_diff(BlockCopy *copy)
{
    copy->diff = true;
}

void block_copy_set_no_unmap(BlockCopy *copy)
{
    copy->zero_flags = 0;
}

void block_copy_set_exact(BlockCopy *copy, bool exact)
{
    copy->exact = exact;
}

void block_copy_set_compress(BlockCopy *copy)
{
    copy->write_flags |= REQ_COMPRESSED;
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
    call->ret = co_copy_all(call->copy, call->start, call->end, call->watch,
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
    call->ret = co_copy_claim(call->copy, call->start, call->end,
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
    call->ret = co_copy_finish(call->run, &call->error_is_read);
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
