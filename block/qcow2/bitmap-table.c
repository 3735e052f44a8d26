/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bits of one bitmap in an image: a table with an entry for each cluster
 * of bits, which is a place or says that all are clear or set. What is uniform
 * is never made into bytes, neighbours in the file are one request.
 */
#include "block/qcow2/bitmap-int.h"

#include "qapi/qapi-types.h"

/* So many bytes at once out of the file: what the caches of a processor hold
 * until it is looked at. */
#define READ_BYTES (256 * KiB)

uint64_t qcow2_bits_clusters(const Qcow2State *s, uint64_t bits)
{
    return DIV_ROUND_UP(bits, qcow2_bits_per_cluster(s));
}

/* --- reading ------------------------------------------------------------- */

const char *co_qcow2_bits_table_read(Qcow2State *s, const Qcow2Stored *e,
                                     Be64 **table)
{
    uint64_t bytes = e->table_entries * UINT64_C(8);

    *table = NULL;
    if (e->table_entries > QCOW2_MAX_BITMAP_TABLE_ENTRIES ||
        e->table_offset % s->cluster_bytes || !e->table_offset ||
        e->table_offset > s->file_bytes ||
        bytes > s->file_bytes - e->table_offset) {
        return "its table is not in the image";
    }
    *table = g_try_malloc(MAX(bytes, 1));
    if (!*table || co_qcow2_file_read(s, e->table_offset, *table, bytes) < 0) {
        g_free(*table);
        *table = NULL;
        return "its table cannot be read";
    }
    return NULL;
}

/* The place that an entry names: 0 if none, UINT64_MAX if it is no place. */
static uint64_t place_of(const Qcow2State *s, Be64 entry)
{
    uint64_t value = be64_get(entry), offset = value & QCOW2_OFFSET_MASK;

    if ((value & QCOW2_BITMAP_RESERVED) ||
        (offset && (value & QCOW2_BITMAP_ALL_ONES)) ||
        offset % s->cluster_bytes || offset >= s->file_bytes) {
        return UINT64_MAX;
    }
    return offset;
}

/* How many entries from @i on name clusters in a row, at most @max. */
static uint64_t run_of(const Qcow2State *s, const Be64 *table, uint64_t i,
                       uint64_t entries, uint64_t max)
{
    uint64_t first = place_of(s, table[i]), n = 1;

    while (n < max && i + n < entries &&
           place_of(s, table[i + n]) == first + (n << s->cluster_bits)) {
        n++;
    }
    return n;
}

COROUTINE_ONLY
static const char *co_take_run(Qcow2State *s, uint64_t offset, uint64_t index,
                               uint64_t n, uint8_t *chunk, SparseBitmap *bits)
{
    uint64_t start = index * qcow2_bits_per_cluster(s);
    uint64_t count =
        MIN(n * qcow2_bits_per_cluster(s), sparse_bitmap_size(bits) - start);

    if (co_qcow2_file_read(s, offset, chunk, DIV_ROUND_UP(count, 8)) < 0) {
        return "its bits cannot be read";
    }
    sparse_bitmap_load_bytes(bits, start, count, chunk);
    return NULL;
}

static uint64_t read_clusters(const Qcow2State *s)
{
    return MAX(READ_BYTES >> s->cluster_bits, 1);
}

void *qcow2_bits_buffer(const Qcow2State *s)
{
    return g_try_malloc(read_clusters(s) << s->cluster_bits);
}

static uint64_t count_places(const Qcow2State *s, const Be64 *table,
                             uint64_t entries)
{
    uint64_t places = 0;

    for (uint64_t i = 0; i < entries; i++) {
        uint64_t offset = place_of(s, table[i]);

        places += offset && offset != UINT64_MAX;
    }
    return places;
}

COROUTINE_ONLY
static const char *co_take_table(Qcow2State *s, const Be64 *table,
                                 uint64_t entries, uint64_t *budget,
                                 uint8_t *chunk, SparseBitmap *bits)
{
    const char *wrong = chunk ? NULL : "there is not enough memory";

    sparse_bitmap_expect(bits, MIN(count_places(s, table, entries), *budget) *
                                   qcow2_bits_per_cluster(s));
    for (uint64_t i = 0, n; i < entries && !wrong; i += n) {
        uint64_t offset = place_of(s, table[i]);

        n = 1;
        if (offset == UINT64_MAX) {
            wrong = "its table names a place that cannot be";
        } else if (offset) {
            n = run_of(s, table, i, entries, read_clusters(s));
            if (n > *budget) {
                wrong = "bitmaps take more than the image is long";
            } else {
                *budget -= n;
                wrong = co_take_run(s, offset, i, n, chunk, bits);
            }
        } else if (be64_get(table[i]) & QCOW2_BITMAP_ALL_ONES) {
            sparse_bitmap_set(bits, i * qcow2_bits_per_cluster(s),
                              qcow2_bits_at(s, bits, i));
        }
    }
    return wrong;
}

const char *co_qcow2_bits_read(Qcow2State *s, const Qcow2Stored *e,
                               uint64_t *budget, void *buffer,
                               SparseBitmap *bits)
{
    uint64_t table_clusters =
        DIV_ROUND_UP(e->table_entries * UINT64_C(8), s->cluster_bytes);
    const char *wrong;
    Be64 *table;

    if (e->table_entries != qcow2_bits_clusters(s, sparse_bitmap_size(bits))) {
        return "its size is not that of the disk";
    }
    if (table_clusters > *budget) {
        return "bitmaps take more than the image is long";
    }
    *budget -= table_clusters;
    wrong = co_qcow2_bits_table_read(s, e, &table);
    if (!wrong) {
        wrong = co_take_table(s, table, e->table_entries, budget, buffer, bits);
    }
    g_free(table);
    return wrong;
}

/* --- freeing ------------------------------------------------------------- */

/* Whether one reference may be taken from each of these clusters. */
COROUTINE_ONLY
static bool co_may_free(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    uint64_t end = DIV_ROUND_UP(offset + bytes, s->cluster_bytes);

    for (uint64_t c = offset >> s->cluster_bits; c < end; c++) {
        uint64_t count;

        if (qcow2_is_metadata(s, c << s->cluster_bits, s->cluster_bytes) ||
            co_qcow2_refcount_get(s, c, &count) < 0 || count == 0) {
            return false;
        }
    }
    return true;
}

static gint compare_places(gconstpointer a, gconstpointer b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* All that @table names, sorted, each once and ours to free; else NULL: a table
 * that is wrong in one place may be anything, guest data even. */
COROUTINE_ONLY
static GArray *co_places_to_free(Qcow2State *s, const Be64 *table,
                                 uint64_t entries)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    bool ok = true;

    for (uint64_t i = 0; i < entries && ok; i++) {
        uint64_t offset = place_of(s, table[i]);

        ok = offset != UINT64_MAX;
        if (ok && offset) {
            g_array_append_val(places, offset);
        }
    }
    g_array_sort(places, compare_places);
    for (unsigned i = 0; i < places->len && ok; i++) {
        const uint64_t *v = &g_array_index(places, uint64_t, i);

        ok = (i == 0 || v[-1] != v[0]) && co_may_free(s, *v, s->cluster_bytes);
    }
    if (!ok) {
        g_array_free(places, TRUE);
        return NULL;
    }
    return places;
}

int co_qcow2_bits_free(Qcow2State *s, const Qcow2Stored *e)
{
    uint64_t bytes = e->table_entries * UINT64_C(8);
    GArray *places = NULL;
    Be64 *table;

    if (!co_qcow2_bits_table_read(s, e, &table) && bytes &&
        co_may_free(s, e->table_offset, bytes)) {
        places = co_places_to_free(s, table, e->table_entries);
    }
    g_free(table);
    if (!places) {
        return -EIO;
    }
    for (unsigned i = 0, n; i < places->len; i += n) {
        const uint64_t *v = &g_array_index(places, uint64_t, i);

        for (n = 1; i + n < places->len &&
                    v[n] == v[0] + ((uint64_t)n << s->cluster_bits);
             n++) {
        }
        co_qcow2_free_later(s, v[0], (uint64_t)n << s->cluster_bits,
                            QCOW2_FREE_OTHER);
    }
    co_qcow2_free_later(s, e->table_offset, bytes, QCOW2_FREE_OTHER);
    g_array_free(places, TRUE);
    return 0;
}
