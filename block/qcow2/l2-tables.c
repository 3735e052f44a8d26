/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L2 tables of our own, for entries that are about to change.
 *
 * Invariants:
 * 1. An L1 entry with the flag COPIED names a table that only it refers to;
 *    no other table is ever changed.
 * 2. A table in memory that the L1 table on disk does not name yet has its
 *    index in s->l1_dirty.
 */
#include "block/qcow2/l2-int.h"

#include "qapi/qapi-types.h"

/* A shared table is never dirty, so the file has all of it. */
COROUTINE_ONLY
static int co_copy_table(Qcow2State *s, uint64_t from, uint64_t to)
{
    uint8_t *buf = io_buffer_alloc(s->file->child, s->cluster_bytes);
    int ret;

    if (!buf) {
        return -ENOMEM;
    }
    qcow2_event(s, BLKDBG_L2_ALLOC_COW_READ);
    qcow2_event(s, BLKDBG_L2_LOAD);
    ret = co_qcow2_file_read(s, from, buf, s->cluster_bytes);
    if (ret == 0) {
        qcow2_event(s, BLKDBG_L2_ALLOC_WRITE);
        ret = co_qcow2_file_write(s, to, buf, s->cluster_bytes);
    }
    io_buffer_free(buf);
    return ret;
}

/* What is going to be changed of a new table need not be read. */
COROUTINE_ONLY
static int co_first_piece(Qcow2State *s, uint64_t table, uint64_t guest)
{
    uint64_t reach = qcow2_table_reach(s);
    uint64_t at = (guest % reach >> s->cluster_bits) * s->l2_entry_bytes;
    Qcow2Piece *piece;
    int ret = co_qcow2_piece_new(
        &s->l2_cache, table + ROUND_DOWN(at, s->l2_cache.piece_bytes), &piece);

    if (ret == 0) {
        piece->l1_index = guest / reach;
        qcow2_piece_put(&s->l2_cache, piece);
    }
    return ret;
}

/* A new table of an image that is watched is known to the file at once. If that
 * fails the entry is @old_entry again; whether the file has the new one is not
 * known, so the new table's cluster is free only after the next commit. */
COROUTINE_ONLY
static int co_table_show(Qcow2State *s, uint32_t index, uint64_t old_entry)
{
    uint64_t new = s->l1[index] & QCOW2_OFFSET_MASK;
    int ret = co_qcow2_commit(s, true);

    if (ret < 0) {
        qcow2_cache_forget(&s->l2_cache, new, s->cluster_bytes);
        qcow2_table_unnote(s, new);
        s->l1[index] = old_entry;
        qcow2_l1_mark(s, index);
        co_qcow2_free_later(s, new, s->cluster_bytes, QCOW2_FREE_OTHER);
    }
    return ret;
}

/* Lets go of a table that the image had before. */
COROUTINE_ONLY
static void co_free_table(Qcow2State *s, uint64_t old)
{
    if (qcow2_is_watched(s)) {
        qcow2_event(s, BLKDBG_CLUSTER_FREE);
        co_qcow2_refcount_change(s, old, s->cluster_bytes, -1);
    } else {
        co_qcow2_free_later(s, old, s->cluster_bytes, QCOW2_FREE_OTHER);
    }
}

COROUTINE_ONLY
static int co_table_make(Qcow2State *s, uint32_t index, uint64_t guest)
{
    uint64_t old_entry = s->l1[index], old = old_entry & QCOW2_OFFSET_MASK, new;
    int ret = co_qcow2_check_table(s, QCOW2_OL_ACTIVE_L1,
                                   s->l1_offset + index * UINT64_C(8), 8);

    if (ret < 0) {
        return ret;
    }
    ret = co_qcow2_alloc_bytes(s, "L2 table", s->cluster_bytes, !old, &new);

    if (ret < 0) {
        return ret;
    }
    qcow2_cache_forget(&s->l2_cache, new, s->cluster_bytes);
    if (old) {
        ret = co_copy_table(s, old, new);
    }
    qcow2_event(s, BLKDBG_L2_UPDATE);
    if (ret == 0 && s->lazy && !s->reftable_moved) {
        ret = co_qcow2_write_counts(s);
    }
    if (ret < 0) {
        co_qcow2_refcount_change(s, new, s->cluster_bytes, -1);
        return ret;
    }
    s->l1[index] = new | QCOW2_COPIED;
    qcow2_table_note(s, new, QCOW2_OL_ACTIVE_L2);
    qcow2_l1_mark(s, index);
    ret = old ? 0 : co_first_piece(s, new, guest);
    if (ret == 0 && qcow2_is_watched(s)) {
        ret = co_table_show(s, index, old_entry);
    }
    if (ret == 0 && old) {
        qcow2_table_unnote(s, old);
        co_free_table(s, old);
    }
    return ret;
}

int co_qcow2_table_ensure(Qcow2State *s, uint64_t guest)
{
    uint64_t index = guest / qcow2_table_reach(s), table;
    int ret;

    if (index >= s->l1_size) {
        return -EIO;
    }
    if (LIKELY(s->l1[index] & QCOW2_COPIED)) {
        return 0;
    }
    co_mutex_lock(&s->l2_mutex);
    ret = co_qcow2_table_of(s, guest, &table);
    if (ret == 0 && !(s->l1[index] & QCOW2_COPIED)) {
        ret = co_table_make(s, index, guest);
    }
    comutex_unlock(&s->l2_mutex);
    return ret;
}

int co_qcow2_entry_writable(Qcow2State *s, uint64_t offset, Qcow2Piece **piece,
                            unsigned *byte)
{
    uint64_t table = 0;
    int ret = co_qcow2_table_ensure(s, offset);

    if (ret == 0) {
        ret = co_qcow2_table_of(s, offset, &table);
    }
    if (ret == 0) {
        ret = co_qcow2_piece_of(s, table, offset, piece, byte);
    }
    if (ret < 0) {
        return ret;
    }
    ret = co_qcow2_check_piece(&s->l2_cache, *piece, QCOW2_OL_ACTIVE_L2);
    if (ret == 0 && UNLIKELY(table + s->cluster_bytes > s->file_bytes)) {
        /* Of a damaged image; all of it was read as zeroes. */
        ret = co_qcow2_file_reach(s, table + s->cluster_bytes);
    }
    if (ret < 0) {
        qcow2_piece_put(&s->l2_cache, *piece);
    }
    return ret;
}
