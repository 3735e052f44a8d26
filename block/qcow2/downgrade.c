/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What version 2 cannot say: clusters of zeroes. Of the disk and of snapshots
 * they become data, or nothing where no image is behind.
 *
 * Invariants: nothing is in flight. A place is filled with zeroes only if
 * nobody else sees data there; counts and data are on stable storage before a
 * snapshot's table names them.
 */
#include "block/qcow2/downgrade.h"

typedef struct Expand {
    Qcow2State *s;
    bool backing;
    uint8_t *zeroes; /* a cluster of them */
    Qcow2Progress *progress;
} Expand;

/* Zeroes for the guest's cluster @guest at @host. */
COROUTINE_ONLY
static int co_fill(const Expand *x, uint64_t guest, uint64_t host)
{
    Qcow2State *s = x->s;
    Iov iov;
    int ret;

    if (!s->crypt) {
        return co_edge_pwrite_zeroes(s->data_file, host, s->cluster_bytes, 0);
    }
    iov_init_buf(&iov, x->zeroes, s->cluster_bytes);
    ret = co_qcow2_data_write(s, guest, host, s->cluster_bytes, &iov, 0, 0);
    iov_free(&iov);
    return ret;
}

/* A new cluster of zeroes, with @count references. */
COROUTINE_ONLY
static int co_new_cluster(const Expand *x, uint64_t guest, uint64_t count,
                          uint64_t *host)
{
    Qcow2State *s = x->s;
    bool fresh;
    int ret = co_qcow2_alloc_run(s, NULL, 1, host, &fresh);

    for (; ret == 0 && count > 1; count--) {
        ret = co_qcow2_refcount_change(s, *host, s->cluster_bytes, 1);
    }
    return ret == 0 ? co_fill(x, guest, *host) : ret;
}

/* --- the disk ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_expand_cluster(const Expand *x, uint64_t guest,
                             const Qcow2Map *map)
{
    Qcow2State *s = x->s;
    bool keep = map->type == QCOW2_ZERO_ALLOC && map->copied;
    uint64_t host = map->host;
    Qcow2Piece *piece;
    Qcow2Entry old;
    unsigned byte;
    int ret;

    if (!keep && !x->backing) {
        return co_qcow2_unmap(s, guest, s->cluster_bytes, QCOW2_FREE_OTHER);
    }
    ret = keep ? co_fill(x, guest, host) : co_new_cluster(x, guest, 1, &host);
    if (ret < 0) {
        return ret;
    }
    ret = co_qcow2_entry_writable(s, guest, &piece, &byte);
    if (ret < 0) {
        return ret;
    }
    old = qcow2_entry_load(s, piece->data + byte);
    qcow2_entry_store(s, qcow2_piece_modify(&s->l2_cache, piece) + byte,
                      (Qcow2Entry){host | QCOW2_COPIED, 0});
    qcow2_piece_put(&s->l2_cache, piece);
    if (!keep) {
        co_qcow2_entry_release(s, old, QCOW2_FREE_OTHER);
    }
    return 0;
}

static void tell_tables(const Expand *x, uint32_t *told, uint32_t tables)
{
    for (; *told < tables; (*told)++) {
        qcow2_progress_step(x->progress);
    }
}

COROUTINE_ONLY
static int co_expand_disk(const Expand *x)
{
    Qcow2State *s = x->s;
    uint64_t end = ROUND_UP(s->disk_bytes, s->cluster_bytes);
    uint64_t reach = qcow2_table_reach(s);
    uint32_t told = 0;
    int ret = 0;

    for (uint64_t at = 0; at < end && ret == 0;) {
        Qcow2Map map;

        ret = co_qcow2_map(s, at, end - at, &map);
        if (ret < 0) {
            break;
        }
        if (map.type == QCOW2_ZERO_PLAIN && !x->backing) {
            ret = co_qcow2_unmap(s, at, map.bytes, QCOW2_FREE_OTHER);
        } else if (map.type == QCOW2_ZERO_PLAIN ||
                   map.type == QCOW2_ZERO_ALLOC) {
            ret = co_expand_cluster(x, at, &map);
            map.bytes = s->cluster_bytes;
        }
        at += map.bytes;
        tell_tables(x, &told, at < end ? at / reach : s->l1_size);
    }
    tell_tables(x, &told, s->l1_size);
    return ret;
}

/* --- snapshots ----------------------------------------------------------- */

/* One entry of a table that is referred to @count times, and what it names as
 * often. */
COROUTINE_ONLY
static int co_expand_entry(const Expand *x, uint64_t guest, uint64_t count,
                           Qcow2Entry *e)
{
    Qcow2State *s = x->s;
    uint64_t place = e->entry & QCOW2_OFFSET_MASK, users = 0, host = 0;
    int ret = 0;

    if (place) {
        ret = co_qcow2_refcount_get(s, place >> s->cluster_bits, &users);
        if (ret == 0 && users == count) {
            ret = co_fill(x, guest, place);
            e->entry = place;
            return ret;
        }
        for (uint64_t i = 0; ret == 0 && i < count; i++) {
            co_qcow2_entry_release(s, *e, QCOW2_FREE_SNAPSHOT);
        }
    }
    if (ret == 0 && x->backing) {
        ret = co_new_cluster(x, guest, count, &host);
    }
    e->entry = host;
    return ret;
}

/* The table at @offset, the entries of which are for the disk from @guest
 * on. */
COROUTINE_ONLY
static int co_expand_table(const Expand *x, uint64_t offset, uint64_t guest)
{
    Qcow2State *s = x->s;
    g_autofree uint8_t *table = g_malloc(s->cluster_bytes);
    bool changed = false;
    uint64_t count = 0;
    int ret = co_qcow2_file_read(s, offset, table, s->cluster_bytes);

    if (ret == 0) {
        ret = co_qcow2_refcount_get(s, offset >> s->cluster_bits, &count);
    }
    for (uint64_t at = 0; at < s->cluster_bytes && ret == 0;
         at += s->l2_entry_bytes, guest += s->cluster_bytes) {
        Qcow2Entry e = qcow2_entry_load(s, table + at);

        if (!(e.entry & QCOW2_COMPRESSED) && (e.entry & QCOW2_ZERO)) {
            ret = co_expand_entry(x, guest, count, &e);
            qcow2_entry_store(s, table + at, e);
            changed = true;
        }
    }
    if (ret < 0 || !changed) {
        return ret;
    }
    ret = co_qcow2_commit(s, true);
    if (ret == 0) {
        ret = co_qcow2_file_write(s, offset, table, s->cluster_bytes);
    }
    qcow2_cache_forget(&s->l2_cache, offset, s->cluster_bytes);
    return ret;
}

/* All tables of a snapshot. */
COROUTINE_ONLY
static int co_each_table(const Expand *x, const Qcow2Snapshot *sn,
                         int (*co_do)(const Expand *x, uint64_t offset,
                                      uint64_t guest))
{
    Qcow2State *s = x->s;
    size_t bytes = sn->l1_size * sizeof(Be64);
    Be64 *l1 = g_try_malloc(MAX(bytes, 1));
    int ret = l1 ? co_qcow2_file_read(s, sn->l1_offset, l1, bytes) : -ENOMEM;

    for (uint32_t i = 0; ret == 0 && i < sn->l1_size; i++) {
        uint64_t offset = be64_get(l1[i]) & QCOW2_OFFSET_MASK;

        if (offset % s->cluster_bytes) {
            ret = -EIO;
        } else if (offset) {
            ret = co_do(x, offset, i * qcow2_table_reach(s));
        }
        if (x->progress) {
            qcow2_progress_step(x->progress);
        }
    }
    g_free(l1);
    return ret;
}

int co_qcow2_expand_zeroes(Qcow2State *s, Qcow2Progress *progress)
{
    Expand x = {s, s->backing_file != NULL, NULL, progress};
    uint64_t entries = s->l1_size;
    int ret;

    for (unsigned i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        entries += sn->l1_size;
    }
    qcow2_progress_begin(progress, entries);

    x.zeroes = s->crypt ? g_malloc0(s->cluster_bytes) : NULL;
    ret = co_expand_disk(&x);
    ret = ret == 0 ? co_qcow2_settle(s) : ret;
    for (unsigned i = 0; ret == 0 && i < s->snapshots->len; i++) {
        ret = co_each_table(&x, g_ptr_array_index(s->snapshots, i),
                            co_expand_table);
    }
    g_free(x.zeroes);
    qcow2_progress_end(progress);
    return ret == 0 ? co_qcow2_settle(s) : ret;
}

/* --- compressed clusters ------------------------------------------------- */

#define FOUND 1

COROUTINE_ONLY
static int co_find_in_table(const Expand *x, uint64_t offset, uint64_t guest)
{
    Qcow2State *s = x->s;
    g_autofree uint8_t *table = g_malloc(s->cluster_bytes);
    int ret = co_qcow2_file_read(s, offset, table, s->cluster_bytes);

    for (uint64_t at = 0; at < s->cluster_bytes && ret == 0;
         at += s->l2_entry_bytes) {
        if (qcow2_entry_load(s, table + at).entry & QCOW2_COMPRESSED) {
            ret = FOUND;
        }
    }
    return ret;
}

int co_qcow2_find_compressed(Qcow2State *s)
{
    Expand x = {s, false, NULL, NULL};
    uint64_t end = ROUND_UP(s->disk_bytes, s->cluster_bytes);
    int ret = co_qcow2_settle(s);

    for (uint64_t at = 0; at < end && ret == 0;) {
        Qcow2Map map;

        ret = co_qcow2_map(s, at, end - at, &map);
        if (ret == 0 && map.type == QCOW2_IS_COMPRESSED) {
            ret = FOUND;
        }
        at += map.bytes;
    }
    for (unsigned i = 0; ret == 0 && i < s->snapshots->len; i++) {
        ret = co_each_table(&x, g_ptr_array_index(s->snapshots, i),
                            co_find_in_table);
    }
    return ret;
}
