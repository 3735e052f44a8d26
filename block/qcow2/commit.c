/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of metadata to the file.
 *
 * What is dirty is taken at one moment; what changes meanwhile waits for the
 * next time. Then, with a barrier (a flush of the file) at each bar:
 *
 *   refcount pieces | refcount table | header     (the bars and what follows
 *                                                  only if the table changed)
 *   pieces of L2 tables that no L1 entry on disk names yet
 *                   |                             (if any L2 or L1 changed)
 *   other L2 pieces, L1 entries
 *                   |                             (if asked to flush)
 *   clusters that became free before the moment may be lowered
 *
 * Where the image may have lazy refcounts, and memory for them is not short,
 * the first line is left out and the header says that the image is dirty,
 * before anything else is written: whoever opens it after a crash counts anew.
 *
 * Invariants, at every instant, whatever part of what was written since the
 * last barrier has reached the disk:
 * 1. What an L1 or L2 entry on disk refers to has its count on disk and its
 *    content: entries enter memory after their data was written, so the first
 *    L2 bar is behind both.
 * 2. What the refcount table on disk names is a block on disk.
 * 3. A count on disk is never lower than the references on disk, unless the
 *    header says dirty.
 */
#include "block/qcow2/commit-int.h"

#include "qapi/qapi-types.h"

#define WRITE_MAX_PIECES 256

/* --- writing ------------------------------------------------------------- */

/* Neighbours in one write. */
COROUTINE_ONLY
static int co_write_pieces(Qcow2State *s, const Qcow2Cache *c,
                           GPtrArray *pieces, GHashTable *l1_indexes,
                           bool unhooked)
{
    unsigned i = 0;

    while (i < pieces->len) {
        Qcow2Piece *first = g_ptr_array_index(pieces, i);
        unsigned n = 0;
        Iov iov;
        int ret;

        iov_init(&iov);
        while (i + n < pieces->len && n < WRITE_MAX_PIECES) {
            Qcow2Piece *p = g_ptr_array_index(pieces, i + n);

            if (p->offset != first->offset + n * c->piece_bytes ||
                (l1_indexes &&
                 g_hash_table_contains(
                     l1_indexes, GUINT_TO_POINTER(p->l1_index)) != unhooked)) {
                break;
            }
            iov_add(&iov, p->out, c->piece_bytes);
            n++;
        }
        if (n == 0) {
            i++;
            iov_free(&iov);
            continue;
        }
        qcow2_event(s, l1_indexes ? BLKDBG_L2_UPDATE
                                  : BLKDBG_REFBLOCK_UPDATE_PART);
        ret = co_edge_pwritev(s->file, first->offset, iov.bytes, &iov, 0, 0);
        iov_free(&iov);
        if (ret < 0) {
            return ret;
        }
        i += n;
    }
    return 0;
}

COROUTINE_ONLY
static int co_write_parts(Qcow2State *s, uint64_t offset, GArray *parts,
                          int event)
{
    unsigned i = 0;

    while (i < parts->len) {
        const Qcow2Part *first = &g_array_index(parts, Qcow2Part, i);
        unsigned n = 0;
        Iov iov;
        int ret;

        iov_init(&iov);
        while (i + n < parts->len && n < WRITE_MAX_PIECES) {
            Qcow2Part *p = &g_array_index(parts, Qcow2Part, i + n);

            if (p->number != first->number + n) {
                break;
            }
            iov_add(&iov, p->entries, QCOW2_PART_BYTES);
            n++;
        }
        qcow2_event(s, event);
        ret =
            co_edge_pwritev(s->file, offset + first->number * QCOW2_PART_BYTES,
                            iov.bytes, &iov, 0, 0);
        iov_free(&iov);
        if (ret < 0) {
            return ret;
        }
        i += n;
    }
    return 0;
}

COROUTINE_ONLY
static int co_barrier(Qcow2State *s)
{
    int ret = s->has_data_file ? co_edge_flush(s->data_file) : 0;

    return ret < 0 ? ret : co_edge_flush(s->file);
}

COROUTINE_ONLY
static int co_write_reftable(Qcow2State *s, Qcow2Batch *b)
{
    int ret;

    if (!b->reftable_parts->len) {
        return 0;
    }
    ret = co_barrier(s);
    if (ret == 0) {
        ret =
            co_write_parts(s, s->reftable_offset, b->reftable_parts,
                           b->reftable_moved ? BLKDBG_REFBLOCK_ALLOC_WRITE_TABLE
                                             : BLKDBG_REFBLOCK_ALLOC_HOOKUP);
    }
    if (ret == 0 && b->reftable_moved) {
        ret = co_barrier(s);
        if (ret == 0) {
            qcow2_event(s, BLKDBG_REFBLOCK_ALLOC_SWITCH_TABLE);
            ret = co_qcow2_header_write(s);
        }
        if (ret == 0) {
            ret = co_barrier(s);
        }
    }
    return ret;
}

COROUTINE_ONLY
static int co_batch_write(Qcow2State *s, Qcow2Batch *b, bool flush)
{
    int ret = co_write_pieces(s, &s->refs_cache, b->refs, NULL, false);

    if (ret == 0) {
        ret = co_write_reftable(s, b);
    }
    if (ret == 0) {
        ret = co_write_pieces(s, &s->l2_cache, b->l2, b->l1_indexes, true);
    }
    if (ret == 0 && (b->l2->len || b->l1_parts->len)) {
        ret = co_barrier(s);
    }
    if (ret == 0) {
        ret = co_write_pieces(s, &s->l2_cache, b->l2, b->l1_indexes, false);
    }
    if (ret == 0) {
        ret = co_write_parts(s, s->l1_offset, b->l1_parts, BLKDBG_L1_UPDATE);
    }
    if (ret == 0 && flush) {
        ret = co_barrier(s);
    }
    return ret;
}

/* The dirty bit, on stable storage either way. With commit_mutex held. */
COROUTINE_ONLY
static int co_set_dirty(Qcow2State *s, bool dirty)
{
    uint64_t old = s->incompatible;
    int ret;

    if (!(old & QCOW2_INCOMPAT_DIRTY) == !dirty) {
        return 0;
    }
    s->incompatible = dirty ? old | QCOW2_INCOMPAT_DIRTY
                            : old & ~(uint64_t)QCOW2_INCOMPAT_DIRTY;
    ret = co_qcow2_header_write(s);
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    if (ret < 0) {
        s->incompatible = old;
    } else {
        s->dirty_is_ours = dirty;
    }
    return ret;
}

/* @all: counts too, at any rate. */
COROUTINE_ONLY
static int co_commit(Qcow2State *s, bool flush, bool all)
{
    Qcow2Batch batch;
    int ret = 0;

    if (s->corrupt) {
        return -EIO;
    }
    co_mutex_lock(&s->commit_mutex);
    batch.defer = !all && qcow2_may_defer(s);
    if (batch.defer) {
        ret = co_set_dirty(s, true);
    }
    if (ret == 0) {
        /* What changed meanwhile may have made it more than may wait. */
        batch.defer = batch.defer && qcow2_may_defer(s);
        qcow2_batch_take(s, &batch, flush);
        ret = co_batch_write(s, &batch, flush);
        qcow2_batch_end(s, &batch, ret == 0);
    }
    comutex_unlock(&s->commit_mutex);
    return ret;
}

int co_qcow2_commit(Qcow2State *s, bool flush)
{
    return co_commit(s, flush, false);
}

int co_qcow2_write_counts(Qcow2State *s)
{
    GPtrArray *refs;
    int ret;

    co_mutex_lock(&s->commit_mutex);
    ret = co_set_dirty(s, true);
    if (ret == 0) {
        refs = qcow2_cache_take_dirty(&s->refs_cache);
        ret = co_write_pieces(s, &s->refs_cache, refs, NULL, false);
        qcow2_cache_written(&s->refs_cache, refs, ret == 0);
    }
    comutex_unlock(&s->commit_mutex);
    return ret;
}

int co_qcow2_mark_clean(Qcow2State *s)
{
    int ret;

    co_mutex_lock(&s->commit_mutex);
    ret = s->dirty_is_ours ? co_set_dirty(s, false) : 0;
    comutex_unlock(&s->commit_mutex);
    return ret;
}

int co_qcow2_settle(Qcow2State *s)
{
    int ret = co_commit(s, true, true);

    while (ret == 0 && (s->frees_ready->len || s->frees_waiting->len)) {
        ret = co_qcow2_apply_frees(s);
        if (ret == 0) {
            ret = co_commit(s, true, true);
        }
    }
    return ret;
}

/* Memory of tables that nobody used for long goes. Looked at when the guest
 * flushes: an image at rest keeps what it has, which is within its limits. */
static void clean_caches(Qcow2State *s)
{
    int64_t now = reactor_now_ns();

    if (s->cache_clean_interval_s &&
        now - s->cache_cleaned_ns >=
            (int64_t)s->cache_clean_interval_s * 1000000000) {
        s->cache_cleaned_ns = now;
        qcow2_cache_clean_unused(&s->l2_cache);
        qcow2_cache_clean_unused(&s->refs_cache);
    }
}

int co_qcow2_flush(Node *node)
{
    Qcow2State *s = qcow2_state(node);
    int ret = co_qcow2_commit(s, true);

    clean_caches(s);

    /* They go down in memory now and in the file with the next commit; until
     * then they are leaks there. */
    return ret < 0 ? ret : co_qcow2_apply_frees(s);
}
