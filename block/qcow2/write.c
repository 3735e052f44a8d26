/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing data: in place where the clusters are ours alone, else into
 * clusters taken for it, filled up with what was there before.
 *
 * Invariants:
 * 1. A write in place holds its clusters shared, one that allocates holds
 *    them exclusively: two that allocate the same cluster do it once.
 * 2. The entry is changed after the data is in the file.
 * 3. The guest's bytes and what fills the cluster up go in one write, unless
 *    that is zeroes: then the place is made to read so before.
 */
#include "block/qcow2/write-int.h"

#include "qapi/qapi-types.h"

/* --- where to ------------------------------------------------------------ */

static bool own_place(const Qcow2State *s, Qcow2Entry e)
{
    return !(e.entry & QCOW2_COMPRESSED) && (e.entry & QCOW2_COPIED) &&
           (s->has_data_file || (e.entry & QCOW2_OFFSET_MASK));
}

COROUTINE_ONLY
static int co_entry_to_write(Qcow2State *s, uint64_t guest, Qcow2Entry *e)
{
    Qcow2Map map;
    int ret = co_qcow2_map_to_write(s, guest, 1, &map);

    *e = ret == 0 ? map.first : (Qcow2Entry){0};
    return ret;
}

/* How many clusters from @t->guest on have a place of their own in a row, or
 * none. */
COROUTINE_ONLY
static int co_target_extend(Qcow2State *s, Qcow2Target *t, uint64_t max)
{
    Qcow2Entry e;
    int ret = co_entry_to_write(s, t->guest, &e);

    if (ret < 0) {
        return ret;
    }
    t->taken = !own_place(s, e);
    t->host = e.entry & QCOW2_OFFSET_MASK;
    for (t->clusters = 1; t->clusters < max; t->clusters++) {
        uint64_t step = t->clusters << s->cluster_bits;

        ret = co_entry_to_write(s, t->guest + step, &e);
        if (ret < 0) {
            return ret;
        }
        if (own_place(s, e) == t->taken ||
            (!t->taken && (e.entry & QCOW2_OFFSET_MASK) != t->host + step)) {
            break;
        }
    }
    return 0;
}

COROUTINE_ONLY
static int co_target_take(Qcow2State *s, Qcow2Target *t)
{
    uint64_t reach = qcow2_table_reach(s);
    uint64_t room = (reach - t->guest % reach) >> s->cluster_bits;
    int ret;

    t->clusters = MIN(t->clusters, room);
    ret = co_qcow2_table_ensure(s, t->guest);
    if (ret < 0 || s->has_data_file) {
        t->host = t->guest;
        t->fresh = false;
        return ret;
    }
    ret = co_qcow2_alloc_run(s, NULL, t->clusters, &t->host, &t->fresh);
    if (ret == 0) {
        qcow2_note_unknown(s, t->host, t->clusters << s->cluster_bits);
    }
    t->fresh &= !s->crypt; /* zeroes do not stand for zeroes */
    return ret;
}

/* --- the data ------------------------------------------------------------ */

/* One write of all that has to be. */
COROUTINE_ONLY
static int co_write_pieces(Qcow2State *s, const Qcow2Target *t, void *head,
                           Iov *data, size_t data_offset, void *tail)
{
    uint64_t start = head ? t->fill_from : t->from;
    Iov iov;
    int ret;

    iov_init(&iov);
    if (head) {
        iov_add(&iov, head, t->from - t->fill_from);
    }
    iov_add_slice(&iov, data, data_offset, t->to - t->from);
    if (tail) {
        iov_add(&iov, tail, t->fill_to - t->to);
    }
    if (head || tail) {
        qcow2_event(s, BLKDBG_COW_WRITE);
    }
    qcow2_event(s, BLKDBG_WRITE_AIO);
    ret = co_qcow2_data_write(s, start, t->host + (start - t->guest), iov.bytes,
                              &iov, 0, t->flags);
    iov_free(&iov);
    return ret;
}

COROUTINE_ONLY
static int co_write_filled(Qcow2State *s, const Qcow2Target *t, Iov *data,
                           size_t data_offset)
{
    void *head = NULL, *tail = NULL;
    bool filled;
    int ret = co_qcow2_fill_zeroes(s, t, &filled);

    if (ret == 0 && !filled) {
        ret = co_qcow2_read_old(s, t->fill_from, t->from, &head);
    }
    if (ret == 0 && !filled) {
        ret = co_qcow2_read_old(s, t->to, t->fill_to, &tail);
    }
    if (ret == 0) {
        ret = co_write_pieces(s, t, head, data, data_offset, tail);
    }
    io_buffer_free(head);
    io_buffer_free(tail);
    return ret;
}

/* --- the entries --------------------------------------------------------- */

static uint64_t sub_bits(const Qcow2State *s, uint64_t from, uint64_t to)
{
    unsigned a = from / s->subcluster_bytes;
    unsigned b = DIV_ROUND_UP(to, s->subcluster_bytes);

    return ((UINT64_C(1) << b) - 1) & ~((UINT64_C(1) << a) - 1);
}

static Qcow2Entry filled_entry(const Qcow2State *s, const Qcow2Target *t,
                               uint64_t guest, Qcow2Entry old)
{
    uint64_t from = MAX(t->fill_from, guest) - guest;
    uint64_t to = MIN(t->fill_to, guest + s->cluster_bytes) - guest, bits;
    Qcow2Entry e = {(t->host + (guest - t->guest)) | QCOW2_COPIED, 0};

    if (s->extended_l2) {
        bits = sub_bits(s, from, to);
        e.bitmap = old.entry & QCOW2_COMPRESSED ? 0 : old.bitmap;
        if (t->taken) {
            e.bitmap &= ~(uint64_t)UINT32_MAX;
        }
        e.bitmap = (e.bitmap & ~(bits << 32)) | bits;
    }
    return e;
}

/* *@done clusters have their new entry. */
COROUTINE_ONLY
static int co_target_link(Qcow2State *s, const Qcow2Target *t, uint64_t *done)
{
    for (*done = 0; *done < t->clusters; (*done)++) {
        uint64_t guest = t->guest + (*done << s->cluster_bits);
        Qcow2Piece *piece;
        Qcow2Entry old;
        unsigned byte;
        int ret = co_qcow2_entry_writable(s, guest, &piece, &byte);

        if (ret < 0) {
            return ret;
        }
        old = qcow2_entry_load(s, piece->data + byte);
        qcow2_entry_store(s, qcow2_piece_modify(&s->l2_cache, piece) + byte,
                          filled_entry(s, t, guest, old));
        qcow2_piece_put(&s->l2_cache, piece);
        if (t->taken) {
            co_qcow2_entry_release(s, old, QCOW2_FREE_OTHER);
        }
    }
    return 0;
}

/* Clusters taken in vain: nothing refers to them. */
COROUTINE_ONLY
static void co_target_give_back(Qcow2State *s, const Qcow2Target *t,
                                uint64_t linked)
{
    uint64_t bytes = linked << s->cluster_bits;

    if (t->taken && !s->has_data_file && linked < t->clusters) {
        co_qcow2_refcount_change(s, t->host + bytes,
                                 (t->clusters << s->cluster_bits) - bytes, -1);
    }
}

/* Writes as much of the range as clusters in a row take; *@done bytes. */
COROUTINE_ONLY
static int co_write_target(Qcow2State *s, uint64_t offset, uint64_t bytes,
                           Iov *iov, size_t iov_offset, ReqFlags flags,
                           uint64_t *done)
{
    Qcow2Target t = {.guest = ROUND_DOWN(offset, s->cluster_bytes),
                     .from = offset,
                     .flags = flags};
    uint64_t last = offset + bytes, linked = 0;
    int ret =
        co_target_extend(s, &t, DIV_ROUND_UP(last - t.guest, s->cluster_bytes));

    if (ret == 0 && t.taken) {
        ret = co_target_take(s, &t);
    }
    if (ret < 0) {
        return ret;
    }
    t.to = MIN(last, t.guest + (t.clusters << s->cluster_bits));
    ret = co_qcow2_fill_edge(s, &t, t.from, false, &t.fill_from);
    if (ret == 0) {
        ret = co_qcow2_fill_edge(s, &t, t.to, true, &t.fill_to);
    }
    if (ret == 0 && !s->has_data_file) {
        ret = co_qcow2_check_overlap(s, t.host, t.clusters << s->cluster_bits);
    }
    if (ret == 0) {
        ret = co_write_filled(s, &t, iov, iov_offset);
    }
    if (ret == 0) {
        ret = co_target_link(s, &t, &linked);
    }
    if (ret < 0) {
        co_target_give_back(s, &t, linked);
        return ret;
    }
    *done = t.to - t.from;
    return 0;
}

/* --- the request --------------------------------------------------------- */

/* As far as clusters hold data of ours alone. *@done bytes. */
COROUTINE_ONLY
static int co_write_in_place(Qcow2State *s, uint64_t offset, uint64_t bytes,
                             Iov *iov, size_t iov_offset, ReqFlags flags,
                             uint64_t *done)
{
    *done = 0;
    while (*done < bytes) {
        Qcow2Map map = {0};
        int ret =
            qcow2_is_watched(s) ? co_qcow2_table_ensure(s, offset + *done) : 0;

        if (ret == 0) {
            ret = co_qcow2_map_to_write(s, offset + *done, bytes - *done, &map);
        }

        if (ret < 0) {
            return ret;
        }
        if (map.type != QCOW2_NORMAL || !map.copied) {
            return 0;
        }
        if (!s->has_data_file) {
            ret = co_qcow2_check_overlap(s, map.host, map.bytes);
        }
        if (ret == 0) {
            qcow2_event(s, BLKDBG_WRITE_AIO);
            ret = co_qcow2_data_write(s, offset + *done, map.host, map.bytes,
                                      iov, iov_offset + *done, flags);
        }
        if (ret < 0) {
            return ret;
        }
        *done += map.bytes;
    }
    return 0;
}

COROUTINE_ONLY
static int co_write_any(Qcow2State *s, uint64_t offset, uint64_t bytes,
                        Iov *iov, size_t iov_offset, ReqFlags flags)
{
    while (bytes) {
        uint64_t done;
        int ret =
            co_write_in_place(s, offset, bytes, iov, iov_offset, flags, &done);

        if (ret == 0 && done == 0) {
            ret = co_write_target(s, offset, bytes, iov, iov_offset, flags,
                                  &done);
        }
        if (ret < 0) {
            return ret;
        }
        offset += done;
        iov_offset += done;
        bytes -= done;
    }
    return 0;
}

COROUTINE_ONLY
static void co_lock_clusters(Qcow2State *s, RangeLock *lock, uint64_t offset,
                             uint64_t bytes, RangeMode mode)
{
    uint64_t start = ROUND_DOWN(offset, s->cluster_bytes);
    uint64_t end = ROUND_UP(offset + bytes, s->cluster_bytes);

    co_range_lock(s->ranges, lock, start, end - start, mode);
}

/* Freed clusters must not wait for a flush for ever. */
#define FREES_MAX 4096

int co_qcow2_pwritev(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                     size_t iov_offset, ReqFlags flags)
{
    Qcow2State *s = qcow2_state(node);
    RangeLock lock;
    uint64_t done;
    int ret;

    flags &= REQ_FLUSHED_SOON;
    ret = co_qcow2_may_change(s);
    if (ret < 0) {
        return ret;
    }
    co_lock_clusters(s, &lock, offset, bytes, RANGE_SHARED);
    ret = co_write_in_place(s, offset, bytes, iov, iov_offset, flags, &done);
    range_unlock(s->ranges, &lock);
    if (ret < 0 || done == bytes) {
        return ret;
    }
    offset += done;
    bytes -= done;
    co_lock_clusters(s, &lock, offset, bytes, RANGE_EXCLUSIVE);
    ret = co_write_any(s, offset, bytes, iov, iov_offset + done, flags);
    range_unlock(s->ranges, &lock);
    if (UNLIKELY(s->frees_ready->len)) {
        co_qcow2_apply_frees(s);
    }
    if (ret == 0 && UNLIKELY(s->frees_waiting->len > FREES_MAX)) {
        ret = co_qcow2_flush(node);
    }
    return ret;
}
