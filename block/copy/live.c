/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users' writes to both sides of a live copy.
 *
 * Invariants:
 * 1. While a write to both sides is under way it has its clusters locked, so
 *    it meets neither a copy of them nor another such write.
 * 2. A cluster that was to do before stays so, unless the write covers it
 *    whole; so no write hides that older data is missing in the target.
 * 3. The source's node marks the write when it has landed there; the mark goes
 *    only when the target has it too, and not any more once the copy stopped.
 * All at the engine's home.
 */
#include "block/copy/copy-int.h"
#include "block/io/io.h"

typedef struct LiveWrite {
    BlockCopy *copy;
    BlockCopyWrite kind;
    uint64_t offset, bytes;
    Iov *iov;
    size_t iov_offset;
    ReqFlags flags;
    int ret;
} LiveWrite;

COROUTINE_ONLY
static int co_write_to(Edge *edge, const LiveWrite *w)
{
    switch (w->kind) {
    case BLOCK_COPY_WRITE_DATA:
        return co_edge_pwritev(edge, w->offset, w->bytes, w->iov, w->iov_offset,
                               w->flags);
    case BLOCK_COPY_WRITE_ZEROES:
        return co_edge_pwrite_zeroes(edge, w->offset, w->bytes, w->flags);
    default:
        return co_edge_pdiscard(edge, w->offset, w->bytes);
    }
}

COROUTINE_ONLY
static int co_write_target(const LiveWrite *w)
{
    LiveWrite t = *w;

    t.flags &= REQ_MAY_UNMAP | REQ_FUA;
    return co_write_to(w->copy->target, &t);
}

/* Whether the target has all of [@start, @end) but what @w changes, so that
 * it will have all of it when it has @w. */
static bool makes_done(const LiveWrite *w, uint64_t start, uint64_t end)
{
    const BlockCopy *copy = w->copy;
    bool whole = w->offset == start && w->offset + w->bytes >= end;

    if (copy->stopped || w->kind == BLOCK_COPY_WRITE_DISCARD) {
        return false;
    }
    if (copy->diff) {
        /* Part of a cluster would hide the rest of the image behind. */
        return whole && w->kind == BLOCK_COPY_WRITE_DATA;
    }
    return whole || bitmap_next_dirty(copy->todo, start, end) == end;
}

COROUTINE_ONLY
static void co_write_both_at_home(void *opaque)
{
    LiveWrite *w = opaque;
    BlockCopy *copy = w->copy;
    uint64_t start = ROUND_DOWN(w->offset, copy->cluster_bytes);
    uint64_t end = MIN(ROUND_UP(w->offset + w->bytes, copy->cluster_bytes),
                       copy->size_bytes);
    RangeLock lock;
    bool both;
    int ret;

    co_range_lock(copy->in_flight, &lock, start, end - start, RANGE_EXCLUSIVE);
    both = makes_done(w, start, end);
    w->ret = co_write_to(copy->source, w);
    if (w->ret == 0 && both) {
        ret = co_write_target(w);
        if (ret == 0 && !copy->stopped) {
            bitmap_reset(copy->todo, start, end - start);
            copy_note_written(copy, start, end - start);
        }
        if (copy->written) {
            copy->written(copy->written_opaque, w->bytes, -ret);
        }
    }
    range_unlock(copy->in_flight, &lock);
}

int co_block_copy_write_both(BlockCopy *copy, BlockCopyWrite kind,
                             uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                             size_t iov_offset, ReqFlags flags)
{
    LiveWrite w = {copy, kind, offset_bytes, bytes, iov, iov_offset, flags, 0};

    assert(copy->live);
    if (LIKELY(reactor_current() == copy->home)) {
        co_write_both_at_home(&w);
    } else {
        co_reactor_call(copy->home, co_write_both_at_home, &w);
    }
    return w.ret;
}

void block_copy_set_written(BlockCopy *copy,
                            void (*fn)(void *opaque, uint64_t bytes,
                                       int os_errno),
                            void *opaque)
{
    copy->written = fn;
    copy->written_opaque = opaque;
}
