/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference counts: the table of blocks, reading and changing counts of any
 * width.
 *
 * Invariants:
 * 1. s->reftable is what will be on disk after the next commit.
 * 2. A count goes down only for a cluster that nothing on stable storage
 *    refers to any more (or that was just taken and never used).
 */
#include "block/qcow2/alloc-int.h"

#include "qapi/qapi-types.h"

uint64_t qcow2_refcount_read(const Qcow2State *s, const uint8_t *block,
                             uint64_t index)
{
    switch (s->refcount_order) {
    case 0:
        return block[index / 8] >> (index % 8) & 1;
    case 1:
        return block[index / 4] >> (index % 4 * 2) & 3;
    case 2:
        return block[index / 2] >> (index % 2 * 4) & 15;
    case 3:
        return block[index];
    case 4:
        return be16_get(((const Be16 *)block)[index]);
    case 5:
        return be32_get(((const Be32 *)block)[index]);
    default:
        return be64_get(((const Be64 *)block)[index]);
    }
}

static void set_bits(uint8_t *byte, unsigned shift, unsigned mask,
                     uint64_t value)
{
    *byte = (*byte & ~(mask << shift)) | (unsigned)value << shift;
}

void qcow2_refcount_write(const Qcow2State *s, uint8_t *block, uint64_t index,
                          uint64_t value)
{
    assert(value <= s->refcount_max);
    switch (s->refcount_order) {
    case 0:
        set_bits(&block[index / 8], index % 8, 1, value);
        break;
    case 1:
        set_bits(&block[index / 4], index % 4 * 2, 3, value);
        break;
    case 2:
        set_bits(&block[index / 2], index % 2 * 4, 15, value);
        break;
    case 3:
        block[index] = value;
        break;
    case 4:
        ((Be16 *)block)[index] = be16(value);
        break;
    case 5:
        ((Be32 *)block)[index] = be32(value);
        break;
    default:
        ((Be64 *)block)[index] = be64(value);
        break;
    }
}

int co_qcow2_reftable_load(Qcow2State *s, Error **errp)
{
    size_t bytes = s->reftable_clusters * s->cluster_bytes;
    Be64 *table = g_try_malloc(MAX(bytes, 1));
    int ret = -ENOMEM;

    if (table) {
        qcow2_event(s, BLKDBG_REFTABLE_LOAD);
        ret = co_qcow2_file_read(s, s->reftable_offset, table, bytes);
    }
    if (ret < 0) {
        g_free(table);
        error_set_errno(errp, -ret, "Could not initialize refcount handling");
        return ret;
    }
    s->reftable_entries = bytes / 8;
    s->reftable = g_new(uint64_t, MAX(s->reftable_entries, 1));
    for (uint32_t i = 0; i < s->reftable_entries; i++) {
        s->reftable[i] = be64_get(table[i]);
    }
    g_free(table);
    return 0;
}

int co_qcow2_refblock_get(Qcow2State *s, uint64_t cluster, Qcow2Piece **piece,
                          uint64_t *index, uint64_t *end)
{
    uint64_t block = cluster >> s->refblock_bits;
    uint64_t in_block = cluster & ((UINT64_C(1) << s->refblock_bits) - 1);
    uint64_t per_piece = s->refs_cache.piece_bytes * 8 >> s->refcount_order;
    uint64_t offset;
    int ret;

    *piece = NULL;
    if (block >= s->reftable_entries) {
        *end = UINT64_MAX;
        return 0;
    }
    offset = s->reftable[block] & QCOW2_REFTABLE_MASK;
    if (!offset) {
        *end = (block + 1) << s->refblock_bits;
        return 0;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a power of two */
    if (offset % s->cluster_bytes) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "Refblock offset %#" PRIx64 " unaligned "
                              "(reftable index: %#" PRIx64 ")",
                              offset, block);
        return -EIO;
    }
    if (offset > INT64_MAX - s->cluster_bytes) {
        return -EIO;
    }
    offset += (in_block << s->refcount_order) / 8;
    ret = co_qcow2_piece_get(&s->refs_cache, offset, piece);
    *index = in_block % per_piece;
    *end = cluster - *index + per_piece;
    return ret;
}

int co_qcow2_refblock_change(Qcow2State *s, uint64_t cluster,
                             Qcow2Piece **piece, uint64_t *index, uint64_t *end)
{
    uint64_t block = cluster >> s->refblock_bits;

    if (qcow2_is_watched(s)) {
        qcow2_event(s, BLKDBG_REFBLOCK_ALLOC);
        if (block < s->reftable_entries &&
            (s->reftable[block] & QCOW2_REFTABLE_MASK)) {
            qcow2_event(s, BLKDBG_REFBLOCK_LOAD);
        }
    }
    return co_qcow2_refblock_get(s, cluster, piece, index, end);
}

int co_qcow2_refcount_get(Qcow2State *s, uint64_t cluster, uint64_t *refcount)
{
    Qcow2Piece *piece;
    uint64_t index, end;
    int ret = co_qcow2_refblock_get(s, cluster, &piece, &index, &end);

    if (ret < 0) {
        return ret;
    }
    *refcount = 0;
    if (piece) {
        *refcount = qcow2_refcount_read(s, piece->data, index);
        qcow2_piece_put(&s->refs_cache, piece);
    }
    return 0;
}

static int change_one(Qcow2State *s, Qcow2Piece *piece, uint64_t index,
                      uint64_t cluster, int change)
{
    uint64_t old = qcow2_refcount_read(s, piece->data, index);

    if (old > s->refcount_max ||
        (change > 0 ? old == s->refcount_max : old == 0)) {
        return -EINVAL;
    }
    qcow2_refcount_write(s, qcow2_piece_modify(&s->refs_cache, piece), index,
                         old + change);
    if (old + change == 0) {
        uint64_t offset = cluster << s->cluster_bits;

        s->free_hint = MIN(s->free_hint, cluster);
        if (s->compressed_end >> s->cluster_bits == cluster) {
            s->compressed_end = 0;
        }
        qcow2_cache_forget(&s->l2_cache, offset, s->cluster_bytes);
    }
    return 0;
}

/* With the mutex held. *@done: so many were changed. */
COROUTINE_ONLY
static int co_change_clusters(Qcow2State *s, uint64_t first, uint64_t last,
                              int change, uint64_t *done)
{
    uint64_t at = first;
    int ret = 0;

    while (at <= last && ret == 0) {
        Qcow2Piece *piece;
        uint64_t index, end;

        ret = co_qcow2_refblock_change(s, at, &piece, &index, &end);
        if (ret < 0 || !piece) {
            /* No block: a count of zero cannot go down; and what is used has
             * a block. */
            ret = ret < 0 ? ret : -EINVAL;
            break;
        }
        ret = co_qcow2_check_piece(&s->refs_cache, piece,
                                   QCOW2_OL_REFCOUNT_BLOCK);
        for (; at <= last && at < end && ret == 0; at++, index++) {
            ret = change_one(s, piece, index, at, change);
        }
        qcow2_piece_put(&s->refs_cache, piece);
    }
    *done = ret ? at - first - (at > first) : at - first;
    return ret;
}

int co_qcow2_refcount_change_locked(Qcow2State *s, uint64_t offset,
                                    uint64_t bytes, int change)
{
    uint64_t first = offset >> s->cluster_bits;
    uint64_t last = (offset + bytes - 1) >> s->cluster_bits;
    uint64_t done, undone;
    int ret = co_change_clusters(s, first, last, change, &done);

    if (ret < 0 && done > 0) {
        co_change_clusters(s, first, first + done - 1, -change, &undone);
    }
    return ret;
}

int co_qcow2_refcount_change(Qcow2State *s, uint64_t offset, uint64_t bytes,
                             int change)
{
    int ret;

    co_mutex_lock(&s->alloc_mutex);
    ret = co_qcow2_refcount_change_locked(s, offset, bytes, change);
    comutex_unlock(&s->alloc_mutex);
    return ret;
}
