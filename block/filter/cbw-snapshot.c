/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The point in time of a copy-before-write filter, as it is read by any number
 * of readers while the disk is written.
 *
 * Invariants:
 * 1. A byte that is read is of the point in time: of the disk while nobody may
 *    overwrite it, else of the target.
 * 2. A request is answered only if all of its clusters were open to access
 *    when it began, and if the snapshot is whole when it ends. Else -EACCES.
 * 3. A discarded cluster is closed first; then the readers that came before
 *    end; then it is taken from what is to do; then the target lets it go. So
 *    no reader sees the hole that is left.
 * On any reactor.
 */
#include "block/filter/cbw-int.h"
#include "block/io/io.h"
#include "util/sim.h"

/* How many areas one question for the status joins. */
#define STATUS_STEPS 1024

/* One that reads [start, end). */
typedef struct Reader {
    CbwState *s;
    RangeLock lock;
    uint64_t end;
} Reader;

static CbwState *state_of(const Node *filter)
{
    assert(filter->driver == &driver_copy_before_write);
    return filter->state;
}

/* A request may reach to the end of the last block, where reads give zeroes:
 * the bitmaps end with the disk. */
static bool is_open(const CbwState *s, uint64_t start, uint64_t end)
{
    end = MIN(end, bitmap_size_bytes(s->access));
    /* What is broken is not looked for on a target that may hang. */
    return !cbw_broken(s) && bitmap_next_clean(s->access, start, end) >= end;
}

COROUTINE_ONLY
static void co_reader_begin(Reader *r, CbwState *s, uint64_t start,
                            uint64_t end)
{
    r->s = s;
    r->end = end;
    co_range_lock(s->readers, &r->lock, start, end - start, RANGE_SHARED);
}

static int reader_end(Reader *r, int ret)
{
    range_unlock(r->s->readers, &r->lock);
    return ret == 0 && cbw_broken(r->s) && !PLANTED("broken-not-seen") ? -EACCES
                                                                       : ret;
}

/* Until where the area from @at on is all in the target or all on the disk. In
 * the latter case it is frozen until @frozen is given back. */
COROUTINE_ONLY
static bool co_run_is_saved(const Reader *r, uint64_t at, uint64_t *run_end,
                            RangeLock *frozen)
{
    CbwState *s = r->s;
    uint64_t end = MIN(r->end, bitmap_size_bytes(s->done));
    uint64_t dirty;

    co_range_lock(s->frozen, frozen, at, r->end - at, RANGE_SHARED);
    dirty = at < end ? bitmap_next_dirty(s->done, at, end) : end;
    if (dirty > at || at >= end) {
        *run_end = dirty < end ? dirty : r->end;
        range_lock_shrink(s->frozen, frozen, *run_end - at);
        return false;
    }
    range_unlock(s->frozen, frozen);
    /* Done stays done. */
    *run_end = bitmap_next_clean(s->done, at, end);
    *run_end = *run_end < end ? *run_end : r->end;
    return true;
}

COROUTINE_ONLY
static int co_read_run(const Reader *r, uint64_t *at, Iov *iov,
                       size_t iov_offset)
{
    CbwState *s = r->s;
    RangeLock frozen = {0};
    uint64_t start = *at;
    int ret;

    if (co_run_is_saved(r, start, at, &frozen)) {
        return co_edge_preadv(s->target, start, *at - start, iov, iov_offset,
                              0);
    }
    ret = co_edge_preadv(s->file, start, *at - start, iov, iov_offset, 0);
    range_unlock(s->frozen, &frozen);
    return ret;
}

int co_cbw_snapshot_preadv(Node *filter, uint64_t offset_bytes, uint64_t bytes,
                           Iov *iov, size_t iov_offset)
{
    CbwState *s = state_of(filter);
    uint64_t at = offset_bytes;
    Reader r = {0};
    int ret;

    co_reader_begin(&r, s, offset_bytes, offset_bytes + bytes);
    ret = is_open(s, offset_bytes, r.end) ? 0 : -EACCES;
    while (ret == 0 && at < r.end) {
        ret = co_read_run(&r, &at, iov, iov_offset + (at - offset_bytes));
    }
    return reader_end(&r, ret);
}

/* --- status -------------------------------------------------------------- */

COROUTINE_ONLY
static int co_status_below(const Edge *edge, bool want_zero, uint64_t at,
                           uint64_t *end, unsigned *flags)
{
    BlockStatus status;
    unsigned depth;
    int ret = co_node_block_status_above(edge->child, NULL, want_zero, at,
                                         *end - at, &status, &depth);

    if (ret < 0) {
        return ret;
    }
    if (status.bytes && status.bytes < *end - at) {
        *end = at + status.bytes;
    }
    *flags = (status.flags & STATUS_ZERO) || !depth ? STATUS_ZERO : STATUS_DATA;
    return 0;
}

/* What the disk said last: up to @end. A cluster that is untouched later was
 * untouched when it said so. */
typedef struct DiskStatus {
    uint64_t end;
    unsigned flags;
} DiskStatus;

COROUTINE_ONLY
static int co_disk_status(const Reader *r, bool want_zero, uint64_t start,
                          DiskStatus *disk)
{
    uint64_t end = r->end;
    int ret = 0;

    if (start >= disk->end) {
        ret = co_status_below(r->s->file, want_zero, start, &end, &disk->flags);
        disk->end = ret < 0 ? 0 : end;
    }
    return ret;
}

/* Of the area from *@at on, which moves to its end. What is closed counts as
 * data: a reader of holes only must not take it for zeroes. */
COROUTINE_ONLY
static int co_status_run(const Reader *r, bool want_zero, DiskStatus *disk,
                         uint64_t *at, unsigned *flags)
{
    CbwState *s = r->s;
    uint64_t start = *at, open_end;
    RangeLock frozen = {0};
    Reader part = *r;
    int ret;

    open_end = bitmap_next_clean(s->access, start, r->end);
    if (open_end == start) {
        *at = bitmap_next_dirty(s->access, start, r->end);
        *flags = STATUS_DATA;
        return 0;
    }
    part.end = open_end;
    if (co_run_is_saved(&part, start, at, &frozen)) {
        return co_status_below(s->target, want_zero, start, at, flags);
    }
    ret = co_disk_status(r, want_zero, start, disk);
    range_unlock(s->frozen, &frozen);
    *at = MIN(*at, disk->end);
    *flags = disk->flags;
    return ret;
}

int co_cbw_snapshot_status(Node *filter, bool want_zero, uint64_t offset_bytes,
                           uint64_t bytes, BlockStatus *status)
{
    CbwState *s = state_of(filter);
    uint64_t at = offset_bytes, end = offset_bytes, size;
    unsigned first = 0, flags;
    DiskStatus disk = {0};
    Reader r = {0};
    int ret = 0;

    size = bitmap_size_bytes(s->access);
    co_reader_begin(&r, s, offset_bytes, MIN(offset_bytes + bytes, size));
    ret = cbw_broken(s) ? -EACCES : 0;
    for (unsigned i = 0; ret == 0 && i < STATUS_STEPS && at < r.end; i++) {
        ret = co_status_run(&r, want_zero, &disk, &at, &flags);
        if (ret < 0 || (i > 0 && (flags != first || CHANCE("status-stops")))) {
            break;
        }
        first = flags;
        end = at;
    }
    /* What was found before an error is true. */
    ret = reader_end(&r, end > offset_bytes ? 0 : ret);
    *status = (BlockStatus){.flags = first | STATUS_ALLOCATED,
                            .bytes = end - offset_bytes};
    return ret;
}

/* --- discard ------------------------------------------------------------- */

int co_cbw_snapshot_pdiscard(Node *filter, uint64_t offset_bytes,
                             uint64_t bytes)
{
    CbwState *s = state_of(filter);
    uint64_t cluster = block_copy_cluster_bytes(s->copy);
    uint64_t size = bitmap_size_bytes(s->access);
    uint64_t start = ROUND_UP(offset_bytes, cluster);
    uint64_t end = offset_bytes + bytes;
    int ret;

    end = end >= size ? size : ROUND_DOWN(end, cluster);
    if (start >= end) {
        return 0;
    }
    if (cbw_broken(s)) {
        return -EACCES;
    }
    bitmap_reset(s->access, start, end - start);
    co_range_wait_free(s->readers, start, end - start);
    co_block_copy_forget(s->copy, start, end - start);
    ret = co_edge_pdiscard(s->target, start, end - start);
    if (ret == 0 && s->target->child->discard_unmap) {
        co_block_copy_give_space(s->copy, start, end - start);
    }
    return ret;
}
