/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Zeroing and discarding: changes of entries without data.
 *
 * Invariant: the range is held exclusively; a place that is given up is let
 * go of later (co_qcow2_free_later).
 */
#include "block/qcow2/qcow2-int.h"

#include "qapi/qapi-types.h"

/* The new entry of a cluster of which the bytes [@from, @to) are concerned;
 * false: it stays, or for *@ret < 0, cannot be done. */
typedef bool EntryChange(const Qcow2State *s, Qcow2Entry old, uint64_t from,
                         uint64_t to, const void *how, Qcow2Entry *new,
                         int *ret);

static bool same_entry(Qcow2Entry a, Qcow2Entry b)
{
    return a.entry == b.entry && a.bitmap == b.bitmap;
}

static bool same_place(const Qcow2State *s, Qcow2Entry a, Qcow2Entry b)
{
    return !((a.entry ^ b.entry) & (QCOW2_COMPRESSED | QCOW2_OFFSET_MASK));
}

/* Entries of one piece from @byte on. *@at moves on. */
COROUTINE_ONLY
static int co_change_piece(Qcow2State *s, Qcow2Piece *piece, unsigned byte,
                           uint64_t *at, uint64_t end, EntryChange *change,
                           const void *how, Qcow2FreeKind kind)
{
    int ret = 0;

    for (; *at < end && byte < s->l2_cache.piece_bytes && ret == 0;
         byte += s->l2_entry_bytes) {
        Qcow2Entry old = qcow2_entry_load(s, piece->data + byte), new;
        uint64_t guest = ROUND_DOWN(*at, s->cluster_bytes);
        uint64_t to = MIN(end - guest, s->cluster_bytes);

        if (change(s, old, *at - guest, to, how, &new, &ret) &&
            !same_entry(old, new)) {
            qcow2_entry_store(s, qcow2_piece_modify(&s->l2_cache, piece) + byte,
                              new);
            if (!same_place(s, old, new)) {
                co_qcow2_entry_release(s, old, kind);
            }
        }
        *at = guest + to;
    }
    return ret;
}

/* A change of nothing needs no table. */
static bool table_missing(const Qcow2State *s, uint64_t at)
{
    uint64_t index = at / qcow2_table_reach(s);

    return index >= s->l1_size || !(s->l1[index] & QCOW2_OFFSET_MASK);
}

static bool wants_table(const Qcow2State *s, EntryChange *change,
                        const void *how)
{
    Qcow2Entry none = {0, 0}, new;
    int ret = 0;

    return change(s, none, 0, s->cluster_bytes, how, &new, &ret) &&
           !same_entry(none, new);
}

COROUTINE_ONLY
static int co_change_entries(Qcow2State *s, uint64_t at, uint64_t end,
                             EntryChange *change, const void *how,
                             Qcow2FreeKind kind)
{
    uint64_t reach = qcow2_table_reach(s);

    while (at < end) {
        Qcow2Piece *piece;
        unsigned byte;
        int ret;

        if (table_missing(s, at) && !wants_table(s, change, how)) {
            at = ROUND_DOWN(at, reach) + reach;
            continue;
        }
        ret = co_qcow2_entry_writable(s, at, &piece, &byte);
        if (ret < 0) {
            return ret;
        }
        ret = co_change_piece(s, piece, byte, &at, end, change, how, kind);
        qcow2_piece_put(&s->l2_cache, piece);
        if (ret < 0) {
            return ret;
        }
    }
    return 0;
}

/* --- zeroes -------------------------------------------------------------- */

typedef struct ZeroHow {
    bool unmap;
} ZeroHow;

static bool zero_entry(const Qcow2State *s, Qcow2Entry old, uint64_t from,
                       uint64_t to, const void *opaque, Qcow2Entry *new,
                       int *ret)
{
    const ZeroHow *how = opaque;
    bool whole = from == 0 && to == s->cluster_bytes;
    bool keep = !(old.entry & QCOW2_COMPRESSED) && !how->unmap;

    if (!s->extended_l2) {
        *new = (Qcow2Entry){(keep ? old.entry : 0) | QCOW2_ZERO, 0};
        return true;
    }
    if (whole) {
        *new = (Qcow2Entry){keep ? old.entry : 0, (uint64_t)UINT32_MAX << 32};
        return true;
    }
    if (old.entry & QCOW2_COMPRESSED) {
        *ret = -ENOTSUP;
        return false;
    }
    {
        uint64_t a = from / s->subcluster_bytes;
        uint64_t b = DIV_ROUND_UP(to, s->subcluster_bytes);
        uint64_t bits = ((UINT64_C(1) << b) - 1) & ~((UINT64_C(1) << a) - 1);

        *new = (Qcow2Entry){old.entry, (old.bitmap & ~bits) | bits << 32};
    }
    return true;
}

static bool drop_entry(const Qcow2State *s, Qcow2Entry old, uint64_t from,
                       uint64_t to, const void *opaque, Qcow2Entry *new,
                       int *ret)
{
    *new = (Qcow2Entry){0, 0};
    return true;
}

/* Whether an unaligned part lies in a unit that reads as zeroes anyway:
 * *@at and *@end become that unit's. */
COROUTINE_ONLY
static int co_widen(Qcow2State *s, uint64_t *at, uint64_t *end, bool *zero)
{
    uint64_t a = ROUND_DOWN(*at, s->subcluster_bytes);
    uint64_t b = ROUND_UP(*end, s->subcluster_bytes);
    int ret = co_qcow2_reads_zero(s, a, b - a, zero);

    if (ret == 0 && *zero) {
        *at = a;
        *end = b;
    }
    return ret;
}

COROUTINE_ONLY
static int co_zero_locked(Qcow2State *s, uint64_t at, uint64_t end,
                          ReqFlags flags)
{
    ZeroHow how = {flags & REQ_MAY_UNMAP};
    uint64_t unit = s->subcluster_bytes;
    bool zero;
    int ret;

    if (s->version < 3 && (flags & REQ_NO_FALLBACK)) {
        return -ENOTSUP; /* it has no word for zeroes */
    }
    if (at % unit || end % unit) {
        ret = co_widen(s, &at, &end, &zero);
        if (ret < 0 || !zero) {
            return ret < 0 ? ret : -ENOTSUP;
        }
    }
    if (s->version < 3 && (flags & REQ_ZERO_HERE)) {
        return -ENOTSUP;
    }
    if (s->version < 3) {
        if (node_backing_child(s->node)) {
            ret = co_qcow2_reads_zero(s, at, end - at, &zero);
            return ret < 0 ? ret : zero ? 0 : -ENOTSUP;
        }
        return co_change_entries(s, at, end, drop_entry, &how,
                                 QCOW2_FREE_REQUEST);
    }
    if (s->data_file_raw) {
        ret = co_qcow2_data_reach(s, end);
        if (ret == 0) {
            ret = co_edge_pwrite_zeroes(s->data_file, at, end - at, flags);
        }
        if (ret < 0) {
            return ret;
        }
    }
    return co_change_entries(s, at, end, zero_entry, &how, QCOW2_FREE_REQUEST);
}

COROUTINE_ONLY
static void co_lock_exclusive(Qcow2State *s, RangeLock *lock, uint64_t at,
                              uint64_t end)
{
    uint64_t start = ROUND_DOWN(at, s->cluster_bytes);

    co_range_lock(s->ranges, lock, start,
                  ROUND_UP(end, s->cluster_bytes) - start, RANGE_EXCLUSIVE);
}

/* Where the disk ends its last unit does. */
static uint64_t end_of(const Qcow2State *s, uint64_t offset, uint64_t bytes,
                       uint64_t unit)
{
    uint64_t end = offset + bytes;

    return end == s->node->size_bytes ? ROUND_UP(end, unit) : end;
}

/* Clusters that were freed and wait for a flush. */
#define FREES_MAX 4096

COROUTINE_ONLY
static int co_limit_frees(Qcow2State *s, int ret)
{
    if (s->frees_ready->len) {
        co_qcow2_apply_frees(s);
    }
    if (ret == 0 && s->frees_waiting->len > FREES_MAX) {
        ret = co_qcow2_flush(s->node);
    }
    return ret;
}

int co_qcow2_pwrite_zeroes(Node *node, uint64_t offset, uint64_t bytes,
                           ReqFlags flags)
{
    Qcow2State *s = qcow2_state(node);
    uint64_t end = end_of(s, offset, bytes, s->subcluster_bytes);
    RangeLock lock;
    int ret;

    ret = co_qcow2_may_change(s);
    if (ret < 0) {
        return ret;
    }
    co_lock_exclusive(s, &lock, offset, end);
    ret = co_zero_locked(s, offset, end, flags);
    range_unlock(s->ranges, &lock);
    return co_limit_frees(s, ret);
}

/* --- discards ------------------------------------------------------------ */

typedef struct DiscardHow {
    bool backing; /* an image behind would show through */
} DiscardHow;

static bool discard_entry(const Qcow2State *s, Qcow2Entry old, uint64_t from,
                          uint64_t to, const void *opaque, Qcow2Entry *new,
                          int *ret)
{
    const DiscardHow *how = opaque;
    bool nothing = !old.entry && !old.bitmap;

    if (s->version < 3) {
        *new = (Qcow2Entry){0, 0};
        return !how->backing;
    }
    if (nothing && !how->backing) {
        return false;
    }
    *new = s->extended_l2 ? (Qcow2Entry){0, (uint64_t)UINT32_MAX << 32}
                          : (Qcow2Entry){QCOW2_ZERO, 0};
    return true;
}

COROUTINE_ONLY
static int co_discard_locked(Qcow2State *s, uint64_t at, uint64_t end)
{
    DiscardHow how = {node_backing_child(s->node) != NULL};
    uint64_t there = s->data_file->child->size_bytes;
    int ret;

    if (s->has_data_file && s->data_file_raw && at < there) {
        ret = co_edge_pwrite_zeroes(s->data_file, at, MIN(end, there) - at,
                                    REQ_MAY_UNMAP);
        if (ret < 0) {
            return ret;
        }
    }
    ret =
        co_change_entries(s, at, end, discard_entry, &how, QCOW2_FREE_REQUEST);
    if (ret == 0 && s->has_data_file && !s->data_file_raw && at < there &&
        s->discard_request) {
        co_edge_pdiscard(s->data_file, at, MIN(end, there) - at);
    }
    return ret;
}

int co_qcow2_pdiscard(Node *node, uint64_t offset, uint64_t bytes)
{
    Qcow2State *s = qcow2_state(node);
    uint64_t end = end_of(s, offset, bytes, s->cluster_bytes);
    RangeLock lock;
    int ret;

    ret = co_qcow2_may_change(s);
    if (ret < 0) {
        return ret;
    }
    if ((offset | end) % s->cluster_bytes) {
        return -ENOTSUP; /* parts of clusters stay */
    }
    co_lock_exclusive(s, &lock, offset, end);
    ret = co_discard_locked(s, offset, end);
    range_unlock(s->ranges, &lock);
    return co_limit_frees(s, ret);
}

int co_qcow2_unmap(Qcow2State *s, uint64_t offset, uint64_t bytes,
                   Qcow2FreeKind kind)
{
    return co_change_entries(s, offset, offset + bytes, drop_entry, NULL, kind);
}
