/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of metadata to the file.
 *
 * What is dirty is taken at one moment; what changes meanwhile waits for the
 * next time. Then, with a barrier (a flush of the file) at each bar:
 *
 *   refcount pieces | refcount table | header     (the bars and what follows
 *                                                  only if the table changed)
 *   pieces of L2 tables that no L1 entry on disk names yet
 *                   |                             (if any L2 or L1 changed)
 *   other L2 pieces, L1 entries
 *                   |                             (if asked to flush)
 *   clusters that became free before the moment may be lowered
 *
 * Where the image may have lazy refcounts, and memory for them is not short,
 * the first line is left out and the header says that the image is dirty,
 * before anything else is written: whoever opens it after a crash counts anew.
 *
 * Invariants, at every instant, whatever part of what was written since the
 * last barrier has reached the disk:
 * 1. What an L1 or L2 entry on disk refers to has its count on disk and its
 *    content: entries enter memory after their data was written, so the first
 *    L2 bar is behind both.
 * 2. What the refcount table on disk names is a block on disk.
 * 3. A count on disk is never lower than the references on disk, unless the
 *    header says dirty.
 */
#include "block/qcow2/qcow2-int.h"

#include "qapi/qapi-types.h"

#define PART_BYTES 512
#define PART_ENTRIES (PART_BYTES / 8)
#define WRITE_MAX_PIECES 256

/* A part of the L1 or refcount table, as it is to be written. */
typedef struct Part {
    uint64_t number;
    Be64 entries[PART_ENTRIES];
} Part;

/* All that one commit writes. */
typedef struct Batch {
    GPtrArray *refs, *l2;
    GHashTable *l1_indexes; /* taken over from the state */
    GHashTable *reftable_indexes;
    GArray *l1_parts, *reftable_parts;
    bool reftable_moved;
    bool defer; /* refs and the refcount table stay in memory */
    GArray *frees;
} Batch;

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
    Part part = {.number = number};

    for (unsigned i = 0; i < PART_ENTRIES; i++) {
        uint64_t index = number * PART_ENTRIES + i;

        part.entries[i] = be64(index < entries ? table[index] : 0);
    }
    g_array_append_val(parts, part);
}

static GArray *take_parts(GHashTable *indexes, const uint64_t *table,
                          uint32_t entries)
{
    GArray *parts = g_array_new(FALSE, FALSE, sizeof(Part));
    GHashTable *seen = new_set();
    GHashTableIter it;
    gpointer key;

    g_hash_table_iter_init(&it, indexes);
    while (g_hash_table_iter_next(&it, &key, NULL)) {
        unsigned number = GPOINTER_TO_UINT(key) / PART_ENTRIES;

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
    GArray *parts = g_array_new(FALSE, FALSE, sizeof(Part));

    for (unsigned n = 0; n < DIV_ROUND_UP(entries, PART_ENTRIES); n++) {
        take_part(parts, table, entries, n);
    }
    return parts;
}

/* Counts may stay in memory: never those that a longer table comes with. */
static bool may_defer(const Qcow2State *s)
{
    return s->lazy && s->refs_cache.n_dirty && !s->reftable_moved &&
           s->refs_cache.n_dirty <= s->refs_cache.max_pieces / 2;
}

static void take_counts(Qcow2State *s, Batch *b)
{
    b->refs = qcow2_cache_take_dirty(&s->refs_cache);
    b->reftable_moved = s->reftable_moved;
    b->reftable_indexes = s->reftable_dirty;
    b->reftable_parts =
        s->reftable_moved
            ? take_whole(s->reftable, s->reftable_entries)
            : take_parts(s->reftable_dirty, s->reftable, s->reftable_entries);
    s->reftable_dirty = new_set();
    s->reftable_moved = false;
}

static void leave_counts(Batch *b)
{
    b->refs = g_ptr_array_new();
    b->reftable_moved = false;
    b->reftable_indexes = new_set();
    b->reftable_parts = g_array_new(FALSE, FALSE, sizeof(Part));
}

static void batch_take(Qcow2State *s, Batch *b, bool frees)
{
    if (b->defer) {
        leave_counts(b);
    } else {
        take_counts(s, b);
    }
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

/* What was not written is dirty again. */
static void batch_end(Qcow2State *s, Batch *b, bool ok)
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

/* --- writing ------------------------------------------------------------- */

/* Neighbours in one write. */
COROUTINE_ONLY
static int co_write_pieces(Qcow2State *s, const Qcow2Cache *c,
                           GPtrArray *pieces, GHashTable *l1_indexes,
                           bool unhooked)
{
    unsigned i = 0;

    while (i < pieces->len) {
        Qcow2Piece *first = g_ptr_array_index(pieces, i);
        unsigned n = 0;
        Iov iov;
        int ret;

        iov_init(&iov);
        while (i + n < pieces->len && n < WRITE_MAX_PIECES) {
            Qcow2Piece *p = g_ptr_array_index(pieces, i + n);

            if (p->offset != first->offset + n * c->piece_bytes ||
                (l1_indexes &&
                 g_hash_table_contains(
                     l1_indexes, GUINT_TO_POINTER(p->l1_index)) != unhooked)) {
                break;
            }
            iov_add(&iov, p->out, c->piece_bytes);
            n++;
        }
        if (n == 0) {
            i++;
            iov_free(&iov);
            continue;
        }
        qcow2_event(s, l1_indexes ? BLKDBG_L2_UPDATE
                                  : BLKDBG_REFBLOCK_UPDATE_PART);
        ret = co_edge_pwritev(s->file, first->offset, iov.bytes, &iov, 0, 0);
        iov_free(&iov);
        if (ret < 0) {
            return ret;
        }
        i += n;
    }
    return 0;
}

COROUTINE_ONLY
static int co_write_parts(Qcow2State *s, uint64_t offset, GArray *parts,
                          int event)
{
    unsigned i = 0;

    while (i < parts->len) {
        const Part *first = &g_array_index(parts, Part, i);
        unsigned n = 0;
        Iov iov;
        int ret;

        iov_init(&iov);
        while (i + n < parts->len && n < WRITE_MAX_PIECES) {
            Part *p = &g_array_index(parts, Part, i + n);

            if (p->number != first->number + n) {
                break;
            }
            iov_add(&iov, p->entries, PART_BYTES);
            n++;
        }
        qcow2_event(s, event);
        ret = co_edge_pwritev(s->file, offset + first->number * PART_BYTES,
                              iov.bytes, &iov, 0, 0);
        iov_free(&iov);
        if (ret < 0) {
            return ret;
        }
        i += n;
    }
    return 0;
}

COROUTINE_ONLY
static int co_barrier(Qcow2State *s)
{
    int ret = s->has_data_file ? co_edge_flush(s->data_file) : 0;

    return ret < 0 ? ret : co_edge_flush(s->file);
}

COROUTINE_ONLY
static int co_write_reftable(Qcow2State *s, Batch *b)
{
    int ret;

    if (!b->reftable_parts->len) {
        return 0;
    }
    ret = co_barrier(s);
    if (ret == 0) {
        ret = co_write_parts(s, s->reftable_offset, b->reftable_parts,
                             BLKDBG_REFTABLE_UPDATE);
    }
    if (ret == 0 && b->reftable_moved) {
        ret = co_barrier(s);
        if (ret == 0) {
            qcow2_event(s, BLKDBG_REFBLOCK_ALLOC_SWITCH_TABLE);
            ret = co_qcow2_header_write(s);
        }
        if (ret == 0) {
            ret = co_barrier(s);
        }
    }
    return ret;
}

COROUTINE_ONLY
static int co_batch_write(Qcow2State *s, Batch *b, bool flush)
{
    int ret = co_write_pieces(s, &s->refs_cache, b->refs, NULL, false);

    if (ret == 0) {
        ret = co_write_reftable(s, b);
    }
    if (ret == 0) {
        ret = co_write_pieces(s, &s->l2_cache, b->l2, b->l1_indexes, true);
    }
    if (ret == 0 && (b->l2->len || b->l1_parts->len)) {
        ret = co_barrier(s);
    }
    if (ret == 0) {
        ret = co_write_pieces(s, &s->l2_cache, b->l2, b->l1_indexes, false);
    }
    if (ret == 0) {
        ret = co_write_parts(s, s->l1_offset, b->l1_parts, BLKDBG_L1_UPDATE);
    }
    if (ret == 0 && flush) {
        ret = co_barrier(s);
    }
    return ret;
}

/* The dirty bit, on stable storage either way. With commit_mutex held. */
COROUTINE_ONLY
static int co_set_dirty(Qcow2State *s, bool dirty)
{
    uint64_t old = s->incompatible;
    int ret;

    if (!(old & QCOW2_INCOMPAT_DIRTY) == !dirty) {
        return 0;
    }
    s->incompatible = dirty ? old | QCOW2_INCOMPAT_DIRTY
                            : old & ~(uint64_t)QCOW2_INCOMPAT_DIRTY;
    ret = co_qcow2_header_write(s);
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    if (ret < 0) {
        s->incompatible = old;
    } else {
        s->dirty_is_ours = dirty;
    }
    return ret;
}

/* @all: counts too, at any rate. */
COROUTINE_ONLY
static int co_commit(Qcow2State *s, bool flush, bool all)
{
    Batch batch;
    int ret = 0;

    if (s->corrupt) {
        return -EIO;
    }
    co_mutex_lock(&s->commit_mutex);
    batch.defer = !all && may_defer(s);
    if (batch.defer) {
        ret = co_set_dirty(s, true);
    }
    if (ret == 0) {
        /* What changed meanwhile may have made it more than may wait. */
        batch.defer = batch.defer && may_defer(s);
        batch_take(s, &batch, flush);
        ret = co_batch_write(s, &batch, flush);
        batch_end(s, &batch, ret == 0);
    }
    comutex_unlock(&s->commit_mutex);
    return ret;
}

int co_qcow2_commit(Qcow2State *s, bool flush)
{
    return co_commit(s, flush, false);
}

int co_qcow2_mark_clean(Qcow2State *s)
{
    int ret;

    co_mutex_lock(&s->commit_mutex);
    ret = s->dirty_is_ours ? co_set_dirty(s, false) : 0;
    comutex_unlock(&s->commit_mutex);
    return ret;
}

int co_qcow2_settle(Qcow2State *s)
{
    int ret = co_commit(s, true, true);

    while (ret == 0 && (s->frees_ready->len || s->frees_waiting->len)) {
        ret = co_qcow2_apply_frees(s);
        if (ret == 0) {
            ret = co_commit(s, true, true);
        }
    }
    return ret;
}

/* Memory of tables that nobody used for long goes. Looked at when the guest
 * flushes: an image at rest keeps what it has, which is within its limits. */
static void clean_caches(Qcow2State *s)
{
    int64_t now = reactor_now_ns();

    if (s->cache_clean_interval_s &&
        now - s->cache_cleaned_ns >=
            (int64_t)s->cache_clean_interval_s * 1000000000) {
        s->cache_cleaned_ns = now;
        qcow2_cache_clean_unused(&s->l2_cache);
        qcow2_cache_clean_unused(&s->refs_cache);
    }
}

int co_qcow2_flush(Node *node)
{
    Qcow2State *s = qcow2_state(node);
    int ret = co_qcow2_commit(s, true);

    clean_caches(s);

    /* They go down in memory now and in the file with the next commit; until
     * then they are leaks there. */
    return ret < 0 ? ret : co_qcow2_apply_frees(s);
}
