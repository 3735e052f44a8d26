/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding clusters that nobody uses: a walk over the refcounts from
 * s->free_hint on, new refcount blocks, a longer refcount table, a longer
 * file.
 *
 * Invariants:
 * 1. No cluster below s->free_hint has a count of zero.
 * 2. A block of refcounts lies in the first cluster it counts, so that it needs
 *    no other block; several that are made for one long run lie in a row where
 *    the first of them would, so that none cuts the run.
 * 3. Nothing at or behind s->fresh_from in the file was ever written, so it
 *    reads as zeroes.
 */
#include "block/qcow2/alloc-int.h"

#include "qapi/qapi-types.h"

#define GROW_MIN_BYTES (4 * MiB)
#define GROW_MAX_BYTES (64 * MiB)

/* Offsets of data must fit the entries of tables. */
#define MAX_HOST_BYTES (UINT64_C(1) << 56)

typedef struct FileGrow {
    Qcow2State *s;
    uint64_t bytes;
    int ret;
} FileGrow;

COROUTINE_ONLY
static void co_grow_on_control(void *opaque)
{
    FileGrow *g = opaque;

    control_assert();
    g->ret = co_edge_truncate(g->s->file, g->bytes, false, NULL);
}

int co_qcow2_file_set_length(Qcow2State *s, uint64_t bytes)
{
    FileGrow g = {s, bytes, 0};

    /* Sizes of nodes change on control. */
    if (reactor_current() == reactor_control()) {
        co_grow_on_control(&g);
    } else {
        co_reactor_call(reactor_control(), co_grow_on_control, &g);
    }
    s->file_bytes = s->file->child->size_bytes;
    return g.ret;
}

int co_qcow2_file_reach(Qcow2State *s, uint64_t bytes)
{
    uint64_t ahead = s->file_bytes / 8;
    int ret;

    if (bytes <= s->file_bytes) {
        return 0;
    }
    ahead = MAX(MIN(ahead, GROW_MAX_BYTES), GROW_MIN_BYTES);
    ret = co_qcow2_file_set_length(s, bytes + ahead);
    if (ret < 0) {
        ret = co_qcow2_file_set_length(s, bytes);
    }
    if (ret < 0) {
        return ret == -ENOTSUP ? -ENOSPC : ret;
    }
    s->file_grown = true;
    return 0;
}

int co_qcow2_file_trim(Qcow2State *s)
{
    if (!s->file_grown || s->fresh_from >= s->file_bytes) {
        return 0;
    }
    s->file_grown = false;
    return co_qcow2_file_set_length(s, s->fresh_from);
}

/* Whether [@offset, +@bytes) has never been written; from now on it has. */
static bool take_fresh(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    bool fresh = offset >= s->fresh_from;

    s->fresh_from = MAX(s->fresh_from, offset + bytes);
    return fresh;
}

COROUTINE_ONLY
static int co_zero_new(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    int ret = co_qcow2_file_reach(s, offset + bytes);

    if (ret < 0 || take_fresh(s, offset, bytes)) {
        return ret;
    }
    return co_edge_pwrite_zeroes(s->file, offset, bytes, 0);
}

/* --- refcount blocks and their table ------------------------------------- */

COROUTINE_ONLY
static int co_set_count(Qcow2State *s, uint64_t first, uint64_t n,
                        uint64_t value)
{
    uint64_t at = first;

    while (at < first + n) {
        Qcow2Piece *piece;
        uint64_t index, end;
        uint8_t *data;
        int ret = co_qcow2_refblock_get(s, at, &piece, &index, &end);

        if (ret < 0) {
            return ret;
        }
        if (!piece) {
            return -EIO;
        }
        ret = co_qcow2_check_piece(&s->refs_cache, piece,
                                   QCOW2_OL_REFCOUNT_BLOCK);
        if (ret < 0) {
            qcow2_piece_put(&s->refs_cache, piece);
            return ret;
        }
        data = qcow2_piece_modify(&s->refs_cache, piece);
        for (; at < first + n && at < end; at++, index++) {
            qcow2_refcount_write(s, data, index, value);
        }
        qcow2_piece_put(&s->refs_cache, piece);
    }
    return 0;
}

/* Makes the block that counts the clusters from @block << refblock_bits on, in
 * @cluster, which that block or one that is there counts. */
COROUTINE_ONLY
static int co_refblock_make(Qcow2State *s, uint64_t block, uint64_t cluster)
{
    uint64_t offset = cluster << s->cluster_bits;
    Qcow2Piece *piece;
    int ret;

    qcow2_event(s, BLKDBG_REFBLOCK_ALLOC);
    if (offset == 0) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "Preventing invalid allocation of refcount block "
                              "at offset 0");
        return -EIO;
    }
    ret = co_qcow2_check_overlap(s, offset, s->cluster_bytes);
    if (ret == 0) {
        qcow2_event(s, BLKDBG_REFBLOCK_ALLOC_WRITE);
        ret = co_zero_new(s, offset, s->cluster_bytes);
    }
    if (ret == 0) {
        ret = co_qcow2_piece_new(&s->refs_cache, offset, &piece);
    }
    if (ret != 0) {
        return ret;
    }
    qcow2_piece_modify(&s->refs_cache, piece);
    qcow2_piece_put(&s->refs_cache, piece);
    qcow2_event(s, BLKDBG_REFBLOCK_ALLOC_HOOKUP);
    s->reftable[block] = offset;
    qcow2_table_note(s, offset, QCOW2_OL_REFCOUNT_BLOCK);
    qcow2_reftable_mark(s, block);
    return co_set_count(s, cluster, 1, 1);
}

/* A longer table in memory and a place for it; the file follows at the next
 * commit. */
COROUTINE_ONLY
static int co_reftable_grow(Qcow2State *s, uint64_t block)
{
    uint32_t old_entries = s->reftable_entries;
    uint64_t old_offset = s->reftable_offset;
    uint64_t old_bytes = s->reftable_clusters * s->cluster_bytes;
    uint64_t wanted = MAX(block + 16, old_entries + old_entries / 2);
    uint64_t bytes = ROUND_UP(wanted * 8, s->cluster_bytes), got, offset;
    int ret;

    if (bytes > QCOW2_MAX_REFTABLE_BYTES) {
        bytes = QCOW2_MAX_REFTABLE_BYTES;
        if ((block + 1) * 8 > bytes) {
            return -EFBIG;
        }
    }
    qcow2_event(s, BLKDBG_REFTABLE_GROW);
    s->reftable = g_renew(uint64_t, s->reftable, bytes / 8);
    memset(s->reftable + old_entries, 0, bytes - old_entries * UINT64_C(8));
    s->reftable_entries = bytes / 8;
    ret = co_qcow2_take_run(s, bytes >> s->cluster_bits, true, &offset, &got);
    if (ret == 0) {
        ret = co_zero_new(s, offset, bytes);
    }
    if (ret < 0) {
        /* Blocks that only the longer table knows may be in use. */
        s->alloc_error = ret;
        return ret;
    }
    s->reftable_offset = offset;
    s->reftable_clusters = bytes >> s->cluster_bits;
    if (!s->reftable_moved) {
        qcow2_free_later(s, old_offset, old_bytes, QCOW2_FREE_OTHER);
    } else {
        /* The header has never named it. */
        ret = co_qcow2_refcount_change_locked(s, old_offset, old_bytes, -1);
    }
    s->reftable_moved = true;
    return ret;
}

static bool block_missing(const Qcow2State *s, uint64_t block)
{
    return block >= s->reftable_entries ||
           !(s->reftable[block] & QCOW2_REFTABLE_MASK);
}

/* How many blocks from @block on, none of which is there, have to be made
 * together for a run of @clusters behind them. Else 1. */
static uint64_t blocks_ahead(const Qcow2State *s, uint64_t block,
                             uint64_t clusters)
{
    uint64_t per = UINT64_C(1) << s->refblock_bits, n = 1;

    if (per > 1 && clusters >= per) {
        n = DIV_ROUND_UP(clusters, per - 1);
    }
    for (uint64_t i = 1; i < n; i++) {
        if (!block_missing(s, block + i)) {
            return 1;
        }
    }
    return n;
}

/* Makes the block that counts @cluster, if it is not there; and, ahead of a
 * run of so many clusters that no block could be amid it, those for the run. */
COROUTINE_ONLY
static int co_block_ensure(Qcow2State *s, uint64_t cluster, uint64_t clusters)
{
    uint64_t block = cluster >> s->refblock_bits;
    uint64_t first = block << s->refblock_bits;
    uint64_t n = blocks_ahead(s, block, clusters);
    int ret = s->alloc_error;

    if (ret == 0 && block + n > s->reftable_entries) {
        /* The new table may have taken clusters, and made blocks. */
        return co_reftable_grow(s, block + n - 1);
    }
    if (ret == 0 && !block_missing(s, block)) {
        return 0;
    }
    for (uint64_t i = 0; i < n && ret == 0; i++) {
        ret = co_refblock_make(s, block + i, first + i);
    }
    return ret;
}

/* --- the walk ------------------------------------------------------------ */

typedef struct Walk {
    uint64_t at, run, wanted;
    uint64_t first_free; /* UINT64_MAX: none seen */
    bool exact;
} Walk;

/* Over one piece; true when the run is long enough or, if it need not be, at
 * its end. */
static bool walk_piece(const Qcow2State *s, const uint8_t *data, uint64_t index,
                       uint64_t end, Walk *w)
{
    for (; w->at < end; w->at++, index++) {
        if (qcow2_refcount_read(s, data, index) == 0) {
            w->first_free = MIN(w->first_free, w->at);
            if (++w->run == w->wanted) {
                w->at++;
                return true;
            }
        } else if (w->run && !w->exact) {
            return true;
        } else {
            w->run = 0;
        }
    }
    return false;
}

COROUTINE_ONLY
static int co_walk(Qcow2State *s, Walk *w)
{
    for (;;) {
        Qcow2Piece *piece;
        uint64_t index, end;
        bool done;
        int ret;

        if (w->at >= MAX_HOST_BYTES >> s->cluster_bits) {
            return -EFBIG;
        }
        ret = co_qcow2_refblock_get(s, w->at, &piece, &index, &end);
        if (ret < 0) {
            return ret;
        }
        if (!piece) {
            if (w->run && !w->exact) {
                return 0;
            }
            /* The new block takes a cluster: maybe one of the run. */
            ret = co_block_ensure(s, w->at, w->exact ? w->wanted : 1);
            if (ret < 0) {
                return ret;
            }
            w->at -= w->run;
            w->run = 0;
            continue;
        }
        done = walk_piece(s, piece->data, index, end, w);
        qcow2_piece_put(&s->refs_cache, piece);
        if (done) {
            return 0;
        }
    }
}

int co_qcow2_take_run(Qcow2State *s, uint64_t clusters, bool exact,
                      uint64_t *offset, uint64_t *got)
{
    Walk w = {s->free_hint, 0, clusters, UINT64_MAX, exact};
    uint64_t first;
    int ret = s->alloc_error;

    if (ret == 0) {
        qcow2_event(s, BLKDBG_CLUSTER_ALLOC);
        ret = co_walk(s, &w);
    }
    if (ret < 0) {
        return ret;
    }
    first = w.at - w.run;
    ret = co_set_count(s, first, w.run, 1);
    if (ret < 0) {
        return ret;
    }
    s->free_hint = w.first_free >= first ? first + w.run : w.first_free;
    *offset = first << s->cluster_bits;
    *got = w.run;
    return 0;
}

COROUTINE_ONLY
static int co_take_checked(Qcow2State *s, const char *what, uint64_t clusters,
                           bool exact, uint64_t *offset, uint64_t *got)
{
    int ret = co_qcow2_take_run(s, clusters, exact, offset, got);
    uint64_t bytes;

    if (ret < 0) {
        return ret;
    }
    bytes = *got << s->cluster_bits;
    ret = what && *offset == 0 ? 0 : co_qcow2_check_overlap(s, *offset, bytes);
    if (ret == 0 && *offset == 0) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "Preventing invalid allocation of %s at offset 0",
                              what ? what : "cluster");
        ret = -EIO;
    }
    if (ret < 0) {
        return ret;
    }
    ret = co_qcow2_file_reach(s, *offset + bytes);
    if (ret < 0) {
        co_qcow2_refcount_change_locked(s, *offset, bytes, -1);
    }
    return ret;
}

int co_qcow2_alloc_run(Qcow2State *s, const char *what, uint64_t clusters,
                       uint64_t *offset, uint64_t *got, bool *fresh)
{
    int ret;

    co_mutex_lock(&s->alloc_mutex);
    ret = co_take_checked(s, what, clusters, false, offset, got);
    if (ret == 0) {
        *fresh = take_fresh(s, *offset, *got << s->cluster_bits);
    }
    comutex_unlock(&s->alloc_mutex);
    return ret;
}

int co_qcow2_alloc_bytes(Qcow2State *s, const char *what, uint64_t bytes,
                         bool zero, uint64_t *offset)
{
    uint64_t clusters = DIV_ROUND_UP(bytes, s->cluster_bytes), got;
    int ret;

    co_mutex_lock(&s->alloc_mutex);
    ret = co_take_checked(s, what, clusters, true, offset, &got);
    if (ret == 0) {
        uint64_t whole = clusters << s->cluster_bits;

        if (zero) {
            ret = co_zero_new(s, *offset, whole);
        } else {
            take_fresh(s, *offset, bytes);
        }
        if (ret < 0) {
            co_qcow2_refcount_change_locked(s, *offset, whole, -1);
        }
    }
    comutex_unlock(&s->alloc_mutex);
    return ret;
}
