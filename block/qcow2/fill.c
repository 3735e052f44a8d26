/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fills up clusters that a write does not cover. */
#include "block/qcow2/write-int.h"

#include "qapi/qapi-types.h"

/* What is to be whole of the cluster that holds the byte @touched: all of it,
 * or with subclusters those that are touched, and those between them and the
 * ones that the old place has, since that is left behind. */
COROUTINE_ONLY
static int co_fill_span(Qcow2State *s, const Qcow2Target *t, uint64_t touched,
                        uint64_t *from, uint64_t *to)
{
    uint64_t guest = ROUND_DOWN(touched, s->cluster_bytes);
    uint32_t old;
    Qcow2Entry e;
    int ret = s->extended_l2 ? co_qcow2_entry_get(s, guest, &e) : 0;

    if (!s->extended_l2 || ret < 0 ||
        (t->taken && (e.entry & QCOW2_COMPRESSED))) {
        *from = guest;
        *to = guest + s->cluster_bytes;
        return ret;
    }
    *from = ROUND_DOWN(touched, s->subcluster_bytes);
    *to = *from + s->subcluster_bytes;
    old = t->taken ? (uint32_t)e.bitmap : 0;
    if (old) {
        unsigned last = QCOW2_SUBCLUSTERS - 1 - __builtin_clz(old);

        *from = MIN(*from, guest + __builtin_ctz(old) * s->subcluster_bytes);
        *to = MAX(*to, guest + (last + 1) * s->subcluster_bytes);
    }
    return 0;
}

int co_qcow2_fill_edge(Qcow2State *s, const Qcow2Target *t, uint64_t at,
                       bool upper, uint64_t *edge)
{
    uint64_t touched = upper ? at - 1 : at, from, to;
    Qcow2Map map;
    int ret = co_fill_span(s, t, touched, &from, &to);

    if (ret < 0) {
        return ret;
    }
    *edge = upper ? to : from;
    if (t->taken || *edge == at) {
        return 0;
    }
    /* In its own place a subcluster that holds data needs no filling up. */
    ret = co_qcow2_map(s, touched, 1, &map);
    if (ret == 0 && map.type == QCOW2_NORMAL) {
        *edge = at;
    }
    return ret;
}

/* Whether [@from, @to) of the disk is known to read as zeroes. */
COROUTINE_ONLY
static int co_was_zero(Qcow2State *s, uint64_t from, uint64_t to, bool *zero)
{
    *zero = true;
    return from == to ? 0 : co_qcow2_reads_zero(s, from, to - from, zero);
}

COROUTINE_ONLY
static int co_make_zero(Qcow2State *s, const Qcow2Target *t, uint64_t from,
                        uint64_t to)
{
    uint64_t host = t->host + (from - t->guest);
    ReqFlags flags = REQ_NO_FALLBACK;
    int ret = co_qcow2_data_reach(s, host + (to - from));

    if (ret < 0 || from == to) {
        return ret;
    }
    /* What follows of a cluster is not to have its space by chance. */
    if (t->fresh && !s->extended_l2) {
        flags |= REQ_UNWRITTEN;
    }
    return co_edge_pwrite_zeroes(s->data_file, host, to - from, flags);
}

/* As QEMU does, the file is asked for the space of all of it, so that later
 * writes to the cluster find it, side by side. Where clusters have their place
 * by now, what the guest writes may lie over what it wrote before: that is not
 * touched. */
COROUTINE_ONLY
static int co_make_sides_zero(Qcow2State *s, const Qcow2Target *t)
{
    int ret;

    qcow2_event(s, BLKDBG_CLUSTER_ALLOC_SPACE);
    if (t->taken) {
        return co_make_zero(s, t, t->fill_from, t->fill_to);
    }
    ret = co_make_zero(s, t, t->fill_from, t->from);
    return ret < 0 ? ret : co_make_zero(s, t, t->to, t->fill_to);
}

int co_qcow2_fill_zeroes(Qcow2State *s, const Qcow2Target *t, bool *done)
{
    bool zero;
    int ret;

    *done = false;
    if (s->crypt || (t->fill_from == t->from && t->to == t->fill_to)) {
        return 0;
    }
    ret = co_was_zero(s, t->fill_from, t->from, &zero);
    if (ret == 0 && zero) {
        ret = co_was_zero(s, t->to, t->fill_to, &zero);
    }
    if (ret < 0 || !zero) {
        return ret;
    }
    ret = co_make_sides_zero(s, t);
    *done = ret == 0 || (ret == -ENOTSUP && t->fresh);
    return ret == -ENOTSUP ? 0 : ret;
}

int co_qcow2_read_old(Qcow2State *s, uint64_t from, uint64_t to, void **buf)
{
    Iov iov;
    int ret;

    *buf = NULL;
    if (from == to) {
        return 0;
    }
    *buf = io_buffer_alloc(s->data_file->child, to - from);
    if (!*buf) {
        return -ENOMEM;
    }
    qcow2_event(s, BLKDBG_COW_READ);
    iov_init_buf(&iov, *buf, to - from);
    ret = co_qcow2_read_locked(s, from, to - from, &iov, 0);
    iov_free(&iov);
    return ret;
}
