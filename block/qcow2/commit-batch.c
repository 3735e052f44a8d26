/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one commit writes: all metadata that is dirty at one moment.
 *
 * Invariant: what a batch took and did not write is dirty again.
 */
#include "block/qcow2/commit-int.h"

#include "qapi/qapi-types.h"

static GHashTable *new_set(void)
{
    return g_hash_table_new(NULL, NULL);
}

void qcow2_l1_mark(Qcow2State *s, uint32_t index)
{
    g_hash_table_add(s->l1_dirty, GUINT_TO_POINTER(index));
}

void qcow2_reftable_mark(Qcow2State *s, uint32_t index)
{
    g_hash_table_add(s->reftable_dirty, GUINT_TO_POINTER(index));
}

/* --- taking -------------------------------------------------------------- */

static void take_part(GArray *parts, const uint64_t *table, uint32_t entries,
                      uint64_t number)
{
    Qcow2Part part = {.number = number};

    for (unsigned i = 0; i < QCOW2_PART_ENTRIES; i++) {
        uint64_t index = number * QCOW2_PART_ENTRIES + i;

        part.entries[i] = be64(index < entries ? table[index] : 0);
    }
    g_array_append_val(parts, part);
}

static GArray *take_parts(GHashTable *indexes, const uint64_t *table,
                          uint32_t entries)
{
    GArray *parts = g_array_new(FALSE, FALSE, sizeof(Qcow2Part));
    GHashTable *seen = new_set();
    GHashTableIter it;
    gpointer key;

    g_hash_table_iter_init(&it, indexes);
    while (g_hash_table_iter_next(&it, &key, NULL)) {
        unsigned number = GPOINTER_TO_UINT(key) / QCOW2_PART_ENTRIES;

        if (GPOINTER_TO_UINT(key) < entries &&
            g_hash_table_add(seen, GUINT_TO_POINTER(number))) {
            take_part(parts, table, entries, number);
        }
    }
    g_hash_table_destroy(seen);
    return parts;
}

static GArray *take_whole(const uint64_t *table, uint32_t entries)
{
    GArray *parts = g_array_new(FALSE, FALSE, sizeof(Qcow2Part));

    for (unsigned n = 0; n < DIV_ROUND_UP(entries, QCOW2_PART_ENTRIES); n++) {
        take_part(parts, table, entries, n);
    }
    return parts;
}

bool qcow2_may_defer(const Qcow2State *s)
{
    return s->lazy && s->refs_cache.n_dirty && !s->reftable_moved &&
           s->refs_cache.n_dirty <= s->refs_cache.max_pieces / 2;
}

/* A table that is about to become longer is not there yet: what it has more
 * is written with it. */
static uint32_t reftable_entries_there(const Qcow2State *s)
{
    uint64_t there = s->reftable_clusters << (s->cluster_bits - 3);

    return MIN(s->reftable_entries, there);
}

static void take_counts(Qcow2State *s, Qcow2Batch *b)
{
    b->refs = qcow2_cache_take_dirty(&s->refs_cache);
    b->reftable_moved = s->reftable_moved;
    b->reftable_indexes = s->reftable_dirty;
    b->reftable_parts = s->reftable_moved
                            ? take_whole(s->reftable, reftable_entries_there(s))
                            : take_parts(s->reftable_dirty, s->reftable,
                                         reftable_entries_there(s));
    s->reftable_dirty = new_set();
    s->reftable_moved = false;
}

static void leave_counts(Qcow2Batch *b)
{
    b->refs = g_ptr_array_new();
    b->reftable_moved = false;
    b->reftable_indexes = new_set();
    b->reftable_parts = g_array_new(FALSE, FALSE, sizeof(Qcow2Part));
}

void qcow2_batch_take(Qcow2State *s, Qcow2Batch *b, bool frees)
{
    if (b->defer) {
        leave_counts(b);
    } else {
        take_counts(s, b);
    }
    g_array_set_size(s->unknown, 0);
    b->l2 = qcow2_cache_take_dirty(&s->l2_cache);
    b->l1_indexes = s->l1_dirty;
    b->l1_parts = take_parts(s->l1_dirty, s->l1, s->l1_size);
    s->l1_dirty = new_set();
    b->frees = NULL;
    if (frees) {
        b->frees = s->frees_waiting;
        s->frees_waiting = g_array_new(FALSE, FALSE, sizeof(Qcow2Free));
    }
}

static void set_add_all(GHashTable *to, GHashTable *from)
{
    GHashTableIter it;
    gpointer key;

    g_hash_table_iter_init(&it, from);
    while (g_hash_table_iter_next(&it, &key, NULL)) {
        g_hash_table_add(to, key);
    }
}

void qcow2_batch_end(Qcow2State *s, Qcow2Batch *b, bool ok)
{
    qcow2_cache_written(&s->refs_cache, b->refs, ok);
    qcow2_cache_written(&s->l2_cache, b->l2, ok);
    if (!ok) {
        set_add_all(s->l1_dirty, b->l1_indexes);
        set_add_all(s->reftable_dirty, b->reftable_indexes);
        s->reftable_moved |= b->reftable_moved;
    }
    if (b->frees) {
        GArray *to = ok ? s->frees_ready : s->frees_waiting;

        g_array_append_vals(to, b->frees->data, b->frees->len);
        g_array_free(b->frees, TRUE);
    }
    g_hash_table_destroy(b->l1_indexes);
    g_hash_table_destroy(b->reftable_indexes);
    g_array_free(b->l1_parts, TRUE);
    g_array_free(b->reftable_parts, TRUE);
}
