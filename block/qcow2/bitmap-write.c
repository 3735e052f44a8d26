/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bits of one bitmap into an image: clusters that are uniform take an
 * entry of the table only.
 */
#include "block/qcow2/bitmap-int.h"

#include "qapi/qapi-types.h"

/* So many bytes at once into the file. */
#define CHUNK_BYTES (2 * MiB)

static uint64_t chunk_clusters(const Qcow2State *s)
{
    return MAX(CHUNK_BYTES >> s->cluster_bits, 1);
}

/* Which clusters of bits need a place: the table with the values of the
 * others, and ~0 where one is needed. */
static Be64 *classify(const Qcow2State *s, const SparseBitmap *bits,
                      uint64_t entries)
{
    Be64 *table = g_try_new0(Be64, MAX(entries, 1));
    uint64_t per_cluster = qcow2_bits_per_cluster(s),
             size = sparse_bitmap_size(bits);

    for (uint64_t i = 0; table && i < entries; i++) {
        uint64_t start = i * per_cluster;
        uint64_t set = sparse_bitmap_next_set(bits, start, size);

        if (set == size) {
            break;
        }
        if (set - start >= per_cluster) {
            i = set / per_cluster - 1; /* all clear up to there */
            continue;
        }
        /* Others take "all ones" for all bits of a cluster, also those
         * behind the end. */
        set = sparse_bitmap_count_range(bits, start, qcow2_bits_at(s, bits, i));
        table[i] =
            be64(set == per_cluster ? QCOW2_BITMAP_ALL_ONES : UINT64_MAX);
    }
    return table;
}

static bool needs_place(Be64 entry)
{
    return be64_get(entry) == UINT64_MAX;
}

/* Places for up to @max of the clusters from entry *@at on that need one, and
 * their bits there. */
COROUTINE_ONLY
static int co_put_some(Qcow2State *s, const SparseBitmap *bits, Be64 *table,
                       uint64_t entries, uint64_t *at, uint8_t *chunk)
{
    uint64_t wanted = 0, offset, i, n;
    bool fresh;
    int ret;

    for (i = *at; i < entries && wanted < chunk_clusters(s); i++) {
        wanted += needs_place(table[i]);
    }
    if (!wanted) {
        *at = entries;
        return 0;
    }
    ret = co_qcow2_alloc_run(s, NULL, wanted, &offset, &fresh);
    if (ret < 0) {
        return ret;
    }
    for (i = *at, n = 0; n < wanted; i++) {
        uint8_t *to = chunk + (n << s->cluster_bits);
        uint64_t count = qcow2_bits_at(s, bits, i);

        if (!needs_place(table[i])) {
            continue;
        }
        memset(to + count / 8, 0, s->cluster_bytes - count / 8);
        sparse_bitmap_get_bytes(bits, i * qcow2_bits_per_cluster(s), count, to);
        table[i] = be64(offset + (n << s->cluster_bits));
        n++;
    }
    *at = i;
    return co_qcow2_file_write(s, offset, chunk, wanted << s->cluster_bits);
}

/* Clusters that a table which was never on disk names. */
COROUTINE_ONLY
static void co_undo_places(Qcow2State *s, const Be64 *table, uint64_t entries)
{
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t value = be64_get(table[i]);

        if (value > QCOW2_BITMAP_ALL_ONES && value != UINT64_MAX) {
            co_qcow2_refcount_change(s, value, s->cluster_bytes, -1);
        }
    }
}

COROUTINE_ONLY
static int co_put_table(Qcow2State *s, const Be64 *table, uint64_t entries,
                        uint64_t *offset)
{
    uint64_t bytes = entries * sizeof(Be64);
    int ret = co_qcow2_alloc_bytes(s, NULL, bytes, false, offset);

    if (ret == 0) {
        ret = co_qcow2_file_write(s, *offset, table, bytes);
        if (ret < 0) {
            co_qcow2_refcount_change(s, *offset, bytes, -1);
        }
    }
    return ret;
}

int co_qcow2_bits_write(Qcow2State *s, const SparseBitmap *bits,
                        Qcow2Stored *stored)
{
    uint64_t entries = qcow2_bits_clusters(s, sparse_bitmap_size(bits));
    g_autofree uint8_t *chunk =
        g_try_malloc(chunk_clusters(s) << s->cluster_bits);
    Be64 *table;
    int ret = 0;

    if (!entries || entries > QCOW2_MAX_BITMAP_TABLE_ENTRIES) {
        return -EFBIG;
    }
    table = classify(s, bits, entries);
    if (!table || !chunk) {
        ret = -ENOMEM;
    }
    for (uint64_t at = 0; at < entries && ret == 0;) {
        ret = co_put_some(s, bits, table, entries, &at, chunk);
    }
    if (ret == 0) {
        ret = co_put_table(s, table, entries, &stored->table_offset);
    }
    if (ret == 0) {
        stored->table_entries = entries;
    } else if (table) {
        co_undo_places(s, table, entries);
    }
    g_free(table);
    return ret;
}

void co_qcow2_bits_undo(Qcow2State *s, const Qcow2Stored *e)
{
    Be64 *table;

    if (!co_qcow2_bits_table_read(s, e, &table)) {
        co_undo_places(s, table, e->table_entries);
        co_qcow2_refcount_change(s, e->table_offset,
                                 e->table_entries * UINT64_C(8), -1);
    }
    g_free(table);
}
