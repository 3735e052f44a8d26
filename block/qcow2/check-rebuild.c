/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New refcount structures behind all that is in use, from the references that
 * were found; the header names them when they are on stable storage.
 *
 * Invariant: until then nothing that the old ones count has changed.
 */
#include "block/qcow2/check-int.h"

typedef struct Plan {
    uint64_t first; /* cluster: the blocks, then the table */
    GArray *blocks; /* uint64_t: which blocks there will be */
    uint64_t table_clusters;
} Plan;

/* A cluster that the old structures took, and how often all took it. */
typedef struct Old {
    uint64_t cluster, count;
} Old;

static void forget_one(Qcow2Check *c, GArray *olds, uint64_t cluster)
{
    Old old = {cluster, qcow2_check_count(c, cluster)};

    if (cluster < c->clusters && old.count) {
        qcow2_check_set_count(c, cluster, old.count - 1);
        g_array_append_val(olds, old);
    }
}

static gint by_cluster(gconstpointer a, gconstpointer b)
{
    const Old *x = a, *y = b;

    return x->cluster != y->cluster ? (x->cluster < y->cluster ? -1 : 1)
                                    : (x->count > y->count ? -1 : 1);
}

/* The references of the old structures go. */
static void forget_old(Qcow2Check *c)
{
    Qcow2State *s = c->s;
    uint64_t table = s->reftable_offset >> s->cluster_bits, last = UINT64_MAX;
    GArray *olds = g_array_new(FALSE, FALSE, sizeof(Old));

    for (uint64_t i = table; i < table + s->reftable_clusters; i++) {
        forget_one(c, olds, i);
    }
    for (uint32_t i = 0; i < s->reftable_entries; i++) {
        uint64_t offset = s->reftable[i];

        /* Others were not counted. */
        if (offset && offset % s->cluster_bytes == 0) {
            forget_one(c, olds, offset >> s->cluster_bits);
        }
    }
    g_array_sort(olds, by_cluster);
    for (unsigned i = 0; i < olds->len; i++) {
        const Old *old = &g_array_index(olds, Old, i);

        if (old->cluster != last) {
            last = old->cluster;
            qcow2_check_say(c,
                            "Repairing cluster %" PRIu64 " refcount=%" PRIu64
                            " reference=%" PRIu64,
                            last, old->count, qcow2_check_count(c, last));
        }
    }
    g_array_free(olds, TRUE);
}

static bool block_used(const Qcow2Check *c, uint64_t block)
{
    uint64_t per = UINT64_C(1) << c->s->refblock_bits;
    uint64_t end = MIN((block + 1) * per, qcow2_check_known(c));

    for (uint64_t i = block * per; i < end; i++) {
        if (qcow2_check_count(c, i)) {
            return true;
        }
    }
    return false;
}

/* The first place from @first on for @total clusters that nothing refers to. */
static uint64_t find_room(const Qcow2Check *c, uint64_t first, uint64_t total)
{
    bool moved;

    do {
        moved = false;
        for (unsigned i = 0; i < c->beyond->len; i++) {
            const Qcow2Beyond *b = &g_array_index(c->beyond, Qcow2Beyond, i);

            if (b->first < first + total && first < b->end) {
                first = b->end;
                moved = true;
            }
        }
    } while (moved);
    return first;
}

/* The first cluster behind all that something refers to. The file may be
 * longer: who ended before its time left what it had grown ahead. */
static uint64_t behind_all(const Qcow2Check *c)
{
    uint64_t end = MIN(qcow2_check_known(c), c->counted);

    while (end && !qcow2_check_count(c, end - 1)) {
        end--;
    }
    return end;
}

/* Blocks and table count themselves: until nothing changes any more. */
static bool make_plan(Qcow2Check *c, Plan *p)
{
    Qcow2State *s = c->s;
    uint64_t total = 0, before;

    p->blocks = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    do {
        p->first = find_room(c, p->first, total);
        if ((p->first + total) >> s->refblock_bits >=
            QCOW2_MAX_REFTABLE_BYTES / 8) {
            return false;
        }
        uint64_t last = (p->first + total) >> s->refblock_bits;

        before = total;
        g_array_set_size(p->blocks, 0);
        for (uint64_t b = 0; b <= last; b++) {
            bool ours = total && ((b + 1) << s->refblock_bits) > p->first;

            if (ours || block_used(c, b)) {
                g_array_append_val(p->blocks, b);
            }
        }
        p->table_clusters = DIV_ROUND_UP((last + 1) * 8, s->cluster_bytes);
        total = p->blocks->len + p->table_clusters;
    } while (total != before);
    return p->table_clusters * s->cluster_bytes <= QCOW2_MAX_REFTABLE_BYTES;
}

COROUTINE_ONLY
static int co_write_block(Qcow2Check *c, uint64_t block, uint64_t offset,
                          uint8_t *buf)
{
    Qcow2State *s = c->s;
    uint64_t per = UINT64_C(1) << s->refblock_bits;

    memset(buf, 0, s->cluster_bytes);
    for (uint64_t i = 0; i < per; i++) {
        uint64_t count = qcow2_check_count(c, block * per + i);

        if (count > s->refcount_max) {
            c->too_much = block * per + i;
            return -EOVERFLOW;
        }
        if (count) {
            qcow2_refcount_write(s, buf, i, count);
        }
    }
    return co_qcow2_file_write(s, offset, buf, s->cluster_bytes);
}

COROUTINE_ONLY
static int co_write_plan(Qcow2Check *c, const Plan *p, Be64 *table)
{
    Qcow2State *s = c->s;
    uint8_t *buf = io_buffer_alloc(s->file->child, s->cluster_bytes);
    uint64_t at = p->first << s->cluster_bits;
    int ret = buf ? 0 : -ENOMEM;

    for (unsigned i = 0; i < p->blocks->len && ret == 0; i++) {
        uint64_t block = g_array_index(p->blocks, uint64_t, i);

        ret = co_write_block(c, block, at, buf);
        table[block] = be64(at);
        at += s->cluster_bytes;
    }
    if (ret == 0) {
        ret = co_qcow2_file_write(s, at, table,
                                  p->table_clusters * s->cluster_bytes);
    }
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    io_buffer_free(buf);
    return ret;
}

COROUTINE_ONLY
static int co_switch(Qcow2Check *c, const Plan *p, const Be64 *table)
{
    Qcow2State *s = c->s;
    uint64_t old_offset = s->reftable_offset;
    uint32_t old_clusters = s->reftable_clusters;
    int ret;

    s->reftable_offset = (p->first + p->blocks->len) << s->cluster_bits;
    s->reftable_clusters = p->table_clusters;
    ret = co_qcow2_header_write(s);
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    if (ret < 0) {
        s->reftable_offset = old_offset;
        s->reftable_clusters = old_clusters;
        return ret;
    }
    s->reftable_entries = p->table_clusters * s->cluster_bytes / 8;
    s->reftable = g_renew(uint64_t, s->reftable, s->reftable_entries);
    for (uint32_t i = 0; i < s->reftable_entries; i++) {
        s->reftable[i] = be64_get(table[i]);
    }
    return 0;
}

int co_qcow2_check_rebuild(Qcow2Check *c)
{
    return co_qcow2_check_rebuild_as(c, c->s->refcount_order);
}

int co_qcow2_check_rebuild_as(Qcow2Check *c, unsigned order)
{
    Qcow2State *s = c->s;
    uint64_t end;
    Plan p;
    int ret = -EFBIG;

    p.first = behind_all(c);
    forget_old(c);
    s->refcount_order = order;
    qcow2_geometry(s);
    if (make_plan(c, &p)) {
        Be64 *table = g_malloc0(p.table_clusters * s->cluster_bytes);

        end = p.first + p.blocks->len + p.table_clusters;
        for (uint64_t i = p.first; i < end; i++) {
            qcow2_check_set_count(c, i, 1);
        }
        ret = co_write_plan(c, &p, table);
        if (ret == 0) {
            ret = co_switch(c, &p, table);
        }
        g_free(table);
        if (ret == 0) {
            int event = s->refs_cache.load_event;
            size_t piece = s->refs_cache.piece_bytes;
            uint64_t max = s->refs_cache.max_pieces * piece;

            qcow2_cache_destroy(&s->refs_cache);
            qcow2_cache_init(&s->refs_cache, s, piece, max, event);
            g_hash_table_remove_all(s->reftable_dirty);
            qcow2_tables_note_all(s);
            s->free_hint = 0;
            s->fresh_from = MAX(s->fresh_from, end << s->cluster_bits);
            c->clusters = end;
            c->out->image_end_bytes = end << s->cluster_bits;
            c->out->corruptions_fixed += c->out->corruptions - c->elsewhere;
            c->out->leaks_fixed += c->out->leaks;
            c->out->corruptions = c->elsewhere;
            c->out->leaks = 0;
        }
    }
    g_array_free(p.blocks, TRUE);
    return ret;
}
