/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts of all that an L1 table leads to, for snapshots: one reference more
 * or less for each, and the flags that follow from the counts.
 *
 * Invariant: as in snapshot.c. A table that makes no sense changes nothing.
 */
#include "block/qcow2/snapshot-int.h"

#include "qapi/qapi-types.h"

typedef struct Change {
    Qcow2State *s;
    int change;      /* +1, -1, or 0: only the flags */
    bool active;     /* it is the disk's: its flags follow the counts */
    uint64_t places; /* how many counts went up so far; to undo: how many are
                        to go down again */
    bool undo;
} Change;

#define UNDONE 1

COROUTINE_ONLY
static int co_count_of(Qcow2State *s, uint64_t offset, uint64_t *count)
{
    return co_qcow2_refcount_get(s, offset >> s->cluster_bits, count);
}

/* The place of one entry. */
COROUTINE_ONLY
static int co_change_place(Change *c, Qcow2Entry e)
{
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK, bytes = c->s->cluster_bytes;

    if (e.entry & QCOW2_COMPRESSED) {
        qcow2_compressed_place(c->s, e.entry, &offset, &bytes);
    } else if (!offset || c->s->has_data_file) {
        return 0;
    }
    if (c->undo) {
        return c->places-- ? co_qcow2_refcount_change(c->s, offset, bytes, -1)
                           : UNDONE;
    }
    if (c->change > 0) {
        int ret = co_qcow2_refcount_change(c->s, offset, bytes, 1);

        c->places += ret == 0;
        return ret;
    }
    if (c->change < 0) {
        co_qcow2_free_later(c->s, offset, bytes, QCOW2_FREE_SNAPSHOT);
    }
    return 0;
}

/* Whether the flag COPIED of @e, of the table that the disk uses now, is not
 * what it should be: set where the count is one, and never for what is
 * compressed. */
COROUTINE_ONLY
static int co_flag_wrong(Qcow2State *s, Qcow2Entry e, bool *wrong)
{
    uint64_t count = 0;
    int ret = 0;

    *wrong = false;
    if (e.entry & QCOW2_COMPRESSED) {
        *wrong = e.entry & QCOW2_COPIED;
    } else if (!s->has_data_file && (e.entry & QCOW2_OFFSET_MASK)) {
        ret = co_count_of(s, e.entry & QCOW2_OFFSET_MASK, &count);
        *wrong = (count == 1) != !!(e.entry & QCOW2_COPIED);
    }
    return ret;
}

COROUTINE_ONLY
static int co_fix_flag(const Change *c, Qcow2Piece *piece, unsigned byte,
                       Qcow2Entry e)
{
    bool wrong;
    int ret;

    if (!c->active) {
        return 0;
    }
    ret = co_flag_wrong(c->s, e, &wrong);
    if (ret == 0 && wrong) {
        ret = co_qcow2_check_piece(&c->s->l2_cache, piece, QCOW2_OL_ACTIVE_L2);
        if (ret < 0) {
            return ret;
        }
        e.entry ^= QCOW2_COPIED;
        qcow2_entry_store(c->s,
                          qcow2_piece_modify(&c->s->l2_cache, piece) + byte, e);
    }
    return ret;
}

/* Half of a cluster has no count. */
COROUTINE_ONLY
static int co_check_aligned(Qcow2State *s, Qcow2Entry e, uint64_t table,
                            uint64_t index)
{
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK;

    if ((e.entry & QCOW2_COMPRESSED) || offset % s->cluster_bytes == 0) {
        return 0;
    }
    co_qcow2_mark_corrupt(s, true, -1, -1,
                          "Cluster allocation offset %#" PRIx64
                          " unaligned (L2 offset: %#" PRIx64
                          ", L2 index: %#" PRIx64 ")",
                          offset, table, index);
    return -EIO;
}

COROUTINE_ONLY
static int co_change_table(Change *c, uint64_t table, uint32_t index)
{
    Qcow2State *s = c->s;
    int ret = 0;

    for (uint64_t at = 0; at < s->cluster_bytes && ret == 0;
         at += s->l2_cache.piece_bytes) {
        Qcow2Piece *piece;

        ret = co_qcow2_piece_get(&s->l2_cache, table + at, &piece);
        if (ret < 0) {
            return ret;
        }
        piece->l1_index = index;
        for (unsigned byte = 0; byte < s->l2_cache.piece_bytes && ret == 0;
             byte += s->l2_entry_bytes) {
            Qcow2Entry e = qcow2_entry_load(s, piece->data + byte);

            ret =
                co_check_aligned(s, e, table, (at + byte) / s->l2_entry_bytes);
            if (ret == 0) {
                ret = co_change_place(c, e);
            }
            if (ret == 0) {
                ret = co_fix_flag(c, piece, byte, e);
            }
        }
        qcow2_piece_put(&s->l2_cache, piece);
    }
    return ret;
}

COROUTINE_ONLY
static int co_change_l1(Change *c, uint64_t *l1, uint32_t entries)
{
    Qcow2State *s = c->s;
    int ret = 0;

    for (uint32_t i = 0; i < entries && ret == 0; i++) {
        uint64_t table = l1[i] & QCOW2_OFFSET_MASK, count;

        if (!table) {
            continue;
        }
        if (table % s->cluster_bytes) {
            return -EIO;
        }
        ret = co_change_table(c, table, i);
        if (ret == 0) {
            ret = co_change_place(c, (Qcow2Entry){table, 0});
        }
        if (ret == 0 && c->active &&
            (ret = co_count_of(s, table, &count)) == 0 &&
            l1[i] != (table | (count == 1 ? QCOW2_COPIED : 0))) {
            l1[i] = table | (count == 1 ? QCOW2_COPIED : 0);
            qcow2_l1_mark(s, i);
        }
    }
    return ret;
}

int co_qcow2_counts_raise(Qcow2State *s, uint64_t *l1, uint32_t entries)
{
    Change up = {.s = s, .change = 1};
    int ret = co_change_l1(&up, l1, entries);

    if (ret < 0) {
        Change undo = {.s = s, .change = -1, .places = up.places, .undo = true};

        co_change_l1(&undo, l1, entries);
    }
    return ret;
}

int co_qcow2_counts_lower(Qcow2State *s, uint64_t *l1, uint32_t entries)
{
    Change down = {.s = s, .change = -1};

    return co_change_l1(&down, l1, entries);
}

int co_qcow2_flags_refresh(Qcow2State *s)
{
    Change c = {.s = s, .active = true};
    int ret = co_qcow2_settle(s);

    if (ret == 0) {
        ret = co_change_l1(&c, s->l1, s->l1_size);
    }
    return ret == 0 ? co_qcow2_settle(s) : ret;
}
