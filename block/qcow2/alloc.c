/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding clusters that nobody uses: a walk over the refcounts from
 * s->free_hint on, new refcount blocks, a longer refcount table. Images are
 * laid out as QEMU's, cluster by cluster: scripts show where data lies.
 *
 * Invariants:
 * 1. What is asked for lies in a row. Smaller gaps on the way are left behind
 *    s->free_hint until something before it is freed, or the image is opened
 *    again.
 * 2. The block of refcounts that a run needs lies behind it, in the next free
 *    cluster.
 * 3. Nothing at or behind s->fresh_from in the file was ever written, so it
 *    reads as zeroes.
 */
#include "block/qcow2/alloc-int.h"

#include "qapi/qapi-types.h"

/* Offsets of data must fit the entries of tables. */
#define MAX_HOST_BYTES (UINT64_C(1) << 56)

/* Whether [@offset, +@bytes) has never been written; from now on it has. */
static bool take_fresh(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    bool fresh = offset >= s->fresh_from;

    s->fresh_from = MAX(s->fresh_from, offset + bytes);
    return fresh;
}

/* A new table is written whole, as QEMU's are, where it is not going to be at
 * the next commit: the space that a file takes is the same, and tells alike
 * whether the image has places without data (sparse.c). */
COROUTINE_ONLY
static int co_zero_new(Qcow2State *s, const Qcow2Cache *c, uint64_t offset,
                       uint64_t bytes)
{
    bool piecewise = !c || c->piece_bytes < s->cluster_bytes;
    int ret = co_qcow2_file_reach(s, offset + bytes);
    uint8_t *buf;

    if (ret < 0 || (take_fresh(s, offset, bytes) && !piecewise)) {
        return ret;
    }
    buf = io_buffer_alloc(s->file->child, s->cluster_bytes);
    if (!buf) {
        return -ENOMEM;
    }
    memset(buf, 0, s->cluster_bytes);
    for (uint64_t at = 0; at < bytes && ret == 0; at += s->cluster_bytes) {
        ret = co_qcow2_file_write(s, offset + at, buf, s->cluster_bytes);
    }
    io_buffer_free(buf);
    return ret;
}

/* --- the walk ------------------------------------------------------------ */

/* The first run of so many free clusters from s->free_hint on, which then lies
 * behind it. What no block counts is free. */
COROUTINE_ONLY
static int co_find(Qcow2State *s, uint64_t clusters, uint64_t *first)
{
    uint64_t at = s->free_hint, run = 0;

    while (run < clusters) {
        Qcow2Piece *piece;
        uint64_t index, end;
        int ret;

        if (at >= MAX_HOST_BYTES >> s->cluster_bits) {
            return -EFBIG;
        }
        ret = co_qcow2_refblock_get(s, at, &piece, &index, &end);
        if (ret < 0) {
            return ret;
        }
        if (!piece) {
            uint64_t n = MIN(end - at, clusters - run);

            run += n;
            at += n;
            continue;
        }
        for (; run < clusters && at < end; at++, index++) {
            bool used = qcow2_refcount_read(s, piece->data, index);

            run = used ? 0 : run + 1;
        }
        qcow2_piece_put(&s->refs_cache, piece);
    }
    *first = at - run;
    s->free_hint = at;
    return 0;
}

/* --- refcount blocks and their table ------------------------------------- */

/* Takes clusters that are free, up to the first that no block counts: -EAGAIN
 * then. *@done: so many were taken. */
COROUTINE_ONLY
static int co_take(Qcow2State *s, uint64_t first, uint64_t n, uint64_t *done)
{
    uint64_t at = first;

    *done = 0;
    while (at < first + n) {
        Qcow2Piece *piece;
        uint64_t index, end;
        uint8_t *data;
        int ret = co_qcow2_refblock_change(s, at, &piece, &index, &end);

        if (ret < 0) {
            return ret;
        }
        if (!piece) {
            return -EAGAIN;
        }
        ret = co_qcow2_check_piece(&s->refs_cache, piece,
                                   QCOW2_OL_REFCOUNT_BLOCK);
        if (ret < 0) {
            qcow2_piece_put(&s->refs_cache, piece);
            return ret;
        }
        data = qcow2_piece_modify(&s->refs_cache, piece);
        for (; at < first + n && at < end; at++, index++) {
            qcow2_refcount_write(s, data, index, 1);
        }
        qcow2_piece_put(&s->refs_cache, piece);
        *done = at - first;
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
    uint64_t done;
    int ret;

    if (offset == 0) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "Preventing invalid allocation of refcount block "
                              "at offset 0");
        return -EIO;
    }
    ret = co_qcow2_check_overlap(s, offset, s->cluster_bytes);
    if (ret == 0) {
        qcow2_event(s, BLKDBG_REFBLOCK_ALLOC_WRITE);
        ret = co_zero_new(s, &s->refs_cache, offset, s->cluster_bytes);
    }
    if (ret == 0) {
        ret = co_qcow2_piece_new(&s->refs_cache, offset, &piece);
    }
    if (ret != 0) {
        return ret;
    }
    qcow2_piece_modify(&s->refs_cache, piece);
    qcow2_piece_put(&s->refs_cache, piece);
    s->reftable[block] = offset;
    qcow2_table_note(s, offset, QCOW2_OL_REFCOUNT_BLOCK);
    qcow2_reftable_mark(s, block);
    return co_take(s, cluster, 1, &done);
}

/* Where the new table goes: from the first cluster on that the new block
 * @block does not count, blocks for that area, then the table. */
COROUTINE_ONLY
static int co_reftable_place(Qcow2State *s, uint64_t block, uint64_t blocks,
                             uint64_t bytes, uint64_t *offset)
{
    uint64_t start = (block + 1) << s->refblock_bits, done;
    int ret = 0;

    qcow2_event(s, BLKDBG_REFBLOCK_ALLOC_WRITE_BLOCKS);

    for (uint64_t i = 0; i < blocks && ret == 0; i++) {
        ret = co_refblock_make(s, block + 1 + i, start + i);
    }
    if (ret == 0) {
        ret = co_take(s, start + blocks, bytes >> s->cluster_bits, &done);
    }
    *offset = (start + blocks) << s->cluster_bits;
    qcow2_event(s, BLKDBG_REFBLOCK_ALLOC_WRITE_TABLE);
    return ret == 0 ? co_zero_new(s, NULL, *offset, bytes) : ret;
}

/* Nothing is in use that only the longer table counts. */
static void reftable_ungrow(Qcow2State *s, uint32_t entries)
{
    for (uint32_t i = entries; i < s->reftable_entries; i++) {
        uint64_t block = s->reftable[i] & QCOW2_REFTABLE_MASK;

        if (block) {
            qcow2_table_unnote(s, block);
            qcow2_cache_forget(&s->refs_cache, block, s->cluster_bytes);
        }
    }
    s->reftable_entries = entries;
}

/* A longer table in memory, and a place for it, where @block has an entry; the
 * file follows at the next commit. */
COROUTINE_ONLY
static int co_reftable_grow(Qcow2State *s, uint64_t block)
{
    uint32_t old_entries = s->reftable_entries;
    uint64_t old_offset = s->reftable_offset;
    uint64_t old_bytes = s->reftable_clusters * s->cluster_bytes;
    uint64_t per = UINT64_C(1) << s->refblock_bits;
    uint64_t blocks = DIV_ROUND_UP(block + 1, per);
    uint64_t total = block + 1 + blocks;
    uint64_t bytes = ROUND_UP((total + total / 2) * 8, s->cluster_bytes);
    uint64_t offset;
    int ret;

    if (total * 8 > QCOW2_MAX_REFTABLE_BYTES) {
        return -EFBIG;
    }
    bytes = MIN(bytes, QCOW2_MAX_REFTABLE_BYTES);
    qcow2_event(s, BLKDBG_REFTABLE_GROW);
    s->reftable = g_renew(uint64_t, s->reftable, bytes / 8);
    memset(s->reftable + old_entries, 0, bytes - old_entries * UINT64_C(8));
    s->reftable_entries = bytes / 8;
    ret = co_reftable_place(s, block, blocks, bytes, &offset);
    if (ret < 0) {
        reftable_ungrow(s, old_entries);
        return ret;
    }
    s->reftable_offset = offset;
    s->reftable_clusters = bytes >> s->cluster_bits;
    if (!s->reftable_moved) {
        co_qcow2_free_later(s, old_offset, old_bytes, QCOW2_FREE_OTHER);
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

/* Makes the block that counts @cluster in the next free cluster; if no block
 * counts that one either, it is in the block's own range or another is made
 * first, which is. */
COROUTINE_ONLY
static int co_block_ensure(Qcow2State *s, uint64_t cluster)
{
    uint64_t block = cluster >> s->refblock_bits, place = 0, places;
    int ret = co_find(s, 1, &place);

    if (ret < 0) {
        return ret;
    }
    places = place >> s->refblock_bits;
    if (MAX(block, places) >= s->reftable_entries) {
        ret = co_reftable_grow(s, MAX(block, places));
    }
    if (ret < 0) {
        return ret;
    }
    if (places != block && block_missing(s, places)) {
        return co_refblock_make(s, places, place);
    }
    return co_refblock_make(s, block, place);
}

/* Takes a run of clusters by raising their counts. */
COROUTINE_ONLY
static int co_qcow2_take_run(Qcow2State *s, uint64_t clusters, uint64_t *offset)
{
    uint64_t first, done;
    int ret = 0;

    while (ret == 0) {
        ret = co_find(s, clusters, &first);
        if (ret < 0) {
            return ret;
        }
        ret = co_take(s, first, clusters, &done);
        if (ret == 0) {
            *offset = first << s->cluster_bits;
            return 0;
        }
        if (ret == -EAGAIN) {
            ret = co_block_ensure(s, first + done);
        }
        if (done) {
            co_qcow2_refcount_change_locked(s, first << s->cluster_bits,
                                            done << s->cluster_bits, -1);
        }
        s->free_hint = MIN(s->free_hint, first);
    }
    return ret;
}

COROUTINE_ONLY
static int co_take_checked(Qcow2State *s, const char *what, uint64_t clusters,
                           uint64_t *offset)
{
    int ret = co_qcow2_take_run(s, clusters, offset);
    uint64_t bytes = clusters << s->cluster_bits;

    if (ret < 0) {
        return ret;
    }
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
                       uint64_t *offset, bool *fresh)
{
    int ret;

    co_mutex_lock(&s->alloc_mutex);
    if (!what) {
        qcow2_event(s, BLKDBG_CLUSTER_ALLOC);
    }
    ret = co_take_checked(s, what, clusters, offset);
    if (ret == 0) {
        *fresh = take_fresh(s, *offset, clusters << s->cluster_bits);
    }
    comutex_unlock(&s->alloc_mutex);
    return ret;
}

int co_qcow2_alloc_bytes(Qcow2State *s, const char *what, uint64_t bytes,
                         bool zero, uint64_t *offset)
{
    uint64_t clusters = DIV_ROUND_UP(bytes, s->cluster_bytes);
    int ret;

    co_mutex_lock(&s->alloc_mutex);
    qcow2_event(s, BLKDBG_CLUSTER_ALLOC);
    ret = co_take_checked(s, what, clusters, offset);
    if (ret == 0) {
        uint64_t whole = clusters << s->cluster_bits;

        if (zero) {
            qcow2_event(s, BLKDBG_L2_ALLOC_WRITE);
            ret = co_zero_new(s, &s->l2_cache, *offset, whole);
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
