/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving back the end of the file once nothing in it is used, and giving up
 * all that an image holds.
 *
 * Invariants: no request is in flight, and the state is settled: a count in
 * memory is the one in the file. The file is cut behind the last cluster that
 * is counted, and only after that is on stable storage.
 */
#include "block/qcow2/alloc-int.h"

/* The last cluster that the block counts, but for the one it lies in itself;
 * UINT64_MAX: there is none. */
COROUTINE_ONLY
static int co_block_last(Qcow2State *s, uint64_t block, uint64_t *last)
{
    uint64_t own =
        (s->reftable[block] & QCOW2_REFTABLE_MASK) >> s->cluster_bits;
    uint64_t at = block << s->refblock_bits;
    uint64_t block_end = at + (UINT64_C(1) << s->refblock_bits);

    *last = UINT64_MAX;
    while (at < block_end) {
        Qcow2Piece *piece;
        uint64_t index, end;
        int ret = co_qcow2_refblock_get(s, at, &piece, &index, &end);

        if (ret < 0) {
            return ret;
        }
        if (!piece) {
            return 0;
        }
        for (; at < end; at++, index++) {
            if (at != own && qcow2_refcount_read(s, piece->data, index)) {
                *last = at;
            }
        }
        qcow2_piece_put(&s->refs_cache, piece);
    }
    return 0;
}

/* A block that counts nothing goes, and its cluster with it. */
COROUTINE_ONLY
static void co_drop_block(Qcow2State *s, uint64_t block)
{
    uint64_t offset = s->reftable[block] & QCOW2_REFTABLE_MASK;

    s->reftable[block] = 0;
    qcow2_reftable_mark(s, block);
    qcow2_table_unnote(s, offset);
    qcow2_cache_forget(&s->refs_cache, offset, s->cluster_bytes);
    /* One that counts itself has taken its count along. */
    if (offset >> s->cluster_bits >> s->refblock_bits != block) {
        co_qcow2_free_later(s, offset, s->cluster_bytes, QCOW2_FREE_OTHER);
    }
}

/* From the end on: blocks that count nothing are dropped. *@end_bytes: what
 * the file has to hold; 0: that is not known. */
COROUTINE_ONLY
static int co_find_end(Qcow2State *s, uint64_t *end_bytes)
{
    uint64_t last, end = 0, block = s->reftable_entries;

    *end_bytes = 0;
    while (block-- > 0) {
        uint64_t own = s->reftable[block] & QCOW2_REFTABLE_MASK;
        int ret;

        if (!own) {
            continue;
        }
        ret = co_block_last(s, block, &last);
        if (ret < 0) {
            return ret;
        }
        if (last != UINT64_MAX) {
            end = MAX(end, MAX(own >> s->cluster_bits, last) + 1);
            break;
        }
        co_drop_block(s, block);
    }
    *end_bytes = end << s->cluster_bits;
    return 0;
}

/* A refcount table that holds the end of the file in its place goes down, as
 * short as it may be. */
COROUTINE_ONLY
static int co_lower_reftable(Qcow2State *s, uint64_t end_bytes)
{
    uint64_t old = s->reftable_offset, offset, bytes;
    uint64_t old_bytes = s->reftable_clusters * s->cluster_bytes;
    uint32_t used = s->reftable_entries;
    int ret;

    if (old + old_bytes != end_bytes) {
        return 0;
    }
    while (used > 1 && !s->reftable[used - 1]) {
        used--;
    }
    bytes = ROUND_UP(used * UINT64_C(8), s->cluster_bytes);
    ret = co_qcow2_alloc_bytes(s, NULL, bytes, false, &offset);
    if (ret < 0) {
        return ret;
    }
    if (offset > old || bytes / 8 > s->reftable_entries) {
        return co_qcow2_refcount_change(s, offset, bytes, -1);
    }
    s->reftable = g_renew(uint64_t, s->reftable, bytes / 8);
    s->reftable_entries = bytes / 8;
    s->reftable_offset = offset;
    s->reftable_clusters = bytes >> s->cluster_bits;
    s->reftable_moved = true;
    co_qcow2_free_later(s, old, old_bytes, QCOW2_FREE_ALWAYS);
    return 0;
}

/* The file names no block that was dropped before it is cut. */
COROUTINE_ONLY
static int co_find_settled_end(Qcow2State *s, uint64_t *end_bytes)
{
    int ret = co_find_end(s, end_bytes);

    return ret < 0 ? ret : co_qcow2_settle(s);
}

int co_qcow2_file_cut(Qcow2State *s)
{
    uint64_t end, before;
    int ret = co_qcow2_settle(s);

    do {
        /* A block that went may have been the last that another counted. */
        before = s->fresh_from;
        ret = ret < 0 ? ret : co_find_settled_end(s, &end);
        ret = ret < 0 ? ret : co_lower_reftable(s, end);
        ret = ret < 0 ? ret : co_qcow2_settle(s);
        ret = ret < 0 ? ret : co_find_settled_end(s, &end);
        if (ret < 0 || !end) {
            return ret;
        }
        s->free_hint = MIN(s->free_hint, end >> s->cluster_bits);
        if (end < s->file_bytes && co_qcow2_file_set_length(s, end) == 0 &&
            s->file_bytes <= end) {
            s->fresh_from = end;
            s->file_grown = false;
        }
        /* A file that keeps its length, like a device, has a tail that
         * nobody uses. */
    } while (s->fresh_from < before);
    return 0;
}

int co_qcow2_make_empty(Node *node, Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    int ret = s->corrupt ? -ENOMEDIUM : 0;

    for (uint32_t i = 0; i < s->l1_size && ret == 0; i++) {
        ret = co_qcow2_drop_table(s, i);
        if (ret == 0 && s->frees_waiting->len > 4096) {
            ret = co_qcow2_settle(s);
        }
    }
    ret = ret < 0 ? ret : co_qcow2_file_cut(s);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not empty the image");
    }
    return ret;
}
