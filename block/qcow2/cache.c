/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of L2 tables and refcount blocks in memory, as many as the cache
 * sizes allow.
 *
 *   (none) ------get------> loading --> clean <--written-- being written
 *                                          |                   ^
 *                                          +--modify--> dirty--+ taken
 *
 * Invariants:
 * 1. A piece that is pinned, dirty, loading or being written stays.
 * 2. Who changes a piece that is being written changes a copy; what is on its
 *    way to the disk stays as it was taken.
 * 3. There are more than max_pieces only while that many cannot go.
 */
#include "block/qcow2/qcow2-int.h"
#include "qapi/qapi-types.h"
#include "util/sim.h"

void qcow2_cache_init(Qcow2Cache *c, Qcow2State *s, size_t piece_bytes,
                      uint64_t max_bytes, int load_event)
{
    c->s = s;
    c->pieces = g_hash_table_new(g_int64_hash, g_int64_equal);
    c->piece_bytes = piece_bytes;
    c->max_pieces = MAX(max_bytes / piece_bytes, 4);
    c->n_dirty = 0;
    c->clock = 0;
    c->load_event = load_event;
    list_init(&c->lru);
    list_init(&c->dirty);
    coqueue_init(&c->loaded);
}

static void piece_drop(Qcow2Cache *c, Qcow2Piece *p)
{
    assert(p->pins == 0 && !p->out && !p->loading);
    g_hash_table_remove(c->pieces, &p->offset);
    list_remove(&p->lru);
    if (list_linked(&p->in_dirty)) {
        list_remove(&p->in_dirty);
        c->n_dirty--;
    }
    io_buffer_free(p->data);
    g_free(p);
}

void qcow2_cache_destroy(Qcow2Cache *c)
{
    if (!c->pieces) {
        return;
    }
    LIST_FOREACH_SAFE(p, &c->lru, Qcow2Piece, lru) {
        piece_drop(c, p);
    }
    g_hash_table_destroy(c->pieces);
    c->pieces = NULL;
}

static bool piece_may_go(const Qcow2Piece *p)
{
    return !p->pins && !p->dirty && !p->out && !p->loading;
}

void qcow2_cache_forget(Qcow2Cache *c, uint64_t offset, uint64_t bytes)
{
    for (uint64_t at = ROUND_DOWN(offset, c->piece_bytes); at < offset + bytes;
         at += c->piece_bytes) {
        Qcow2Piece *p = g_hash_table_lookup(c->pieces, &at);

        if (p && p->dirty) {
            list_remove(&p->in_dirty);
            p->dirty = false;
            c->n_dirty--;
        }
        if (p && piece_may_go(p)) {
            piece_drop(c, p);
        }
    }
}

void qcow2_cache_clean_unused(Qcow2Cache *c)
{
    uint64_t since = c->clock;

    LIST_FOREACH_SAFE(p, &c->lru, Qcow2Piece, lru) {
        if (p->used < since && piece_may_go(p)) {
            piece_drop(c, p);
        }
    }
    c->clock++;
}

/* Lets the least recently used pieces go until there is room for one. */
static bool evict(Qcow2Cache *c)
{
    LIST_FOREACH_SAFE(p, &c->lru, Qcow2Piece, lru) {
        if (g_hash_table_size(c->pieces) < c->max_pieces) {
            return true;
        }
        if (piece_may_go(p)) {
            piece_drop(c, p);
        }
    }
    return g_hash_table_size(c->pieces) < c->max_pieces;
}

/* As if there were no room: one that may go does. */
static void drop_one(Qcow2Cache *c)
{
    LIST_FOREACH_SAFE(p, &c->lru, Qcow2Piece, lru) {
        if (piece_may_go(p)) {
            piece_drop(c, p);
            return;
        }
    }
}

COROUTINE_ONLY
static int co_make_room(Qcow2Cache *c)
{
    if (CHANCE("cache-full")) {
        drop_one(c);
    }
    if (LIKELY(g_hash_table_size(c->pieces) < c->max_pieces) || evict(c)) {
        return 0;
    }
    if (c->n_dirty) {
        int ret = co_qcow2_commit(c->s, false);

        if (ret < 0) {
            return ret;
        }
        evict(c);
    }
    return 0; /* the rest is in use right now */
}

static void piece_use(Qcow2Cache *c, Qcow2Piece *p)
{
    p->pins++;
    p->used = c->clock;
    list_remove(&p->lru);
    list_append(&c->lru, &p->lru);
}

static Qcow2Piece *piece_add(Qcow2Cache *c, uint64_t offset)
{
    uint8_t *data = io_buffer_alloc(c->s->file->child, c->piece_bytes);
    Qcow2Piece *p;

    if (!data) {
        return NULL;
    }
    p = g_new0(Qcow2Piece, 1);
    p->offset = offset;
    p->data = data;
    list_append(&c->lru, &p->lru);
    g_hash_table_insert(c->pieces, &p->offset, p);
    piece_use(c, p);
    return p;
}

COROUTINE_ONLY
static int co_piece_load(Qcow2Cache *c, Qcow2Piece *p)
{
    int ret;

    p->loading = true;
    if (c->load_event != BLKDBG_NONE) {
        qcow2_event(c->s, c->load_event);
    }
    ret = co_qcow2_file_read(c->s, p->offset, p->data, c->piece_bytes);
    p->loading = false;
    p->failed = ret < 0;
    coqueue_wake_all(&c->loaded);
    return ret;
}

Qcow2Piece *qcow2_piece_peek(Qcow2Cache *c, uint64_t offset)
{
    uint64_t at = offset & ~(uint64_t)(c->piece_bytes - 1);
    Qcow2Piece *p = g_hash_table_lookup(c->pieces, &at);

    if (!p || p->loading || p->failed) {
        return NULL;
    }
    p->used = c->clock;
    return p;
}

void qcow2_piece_put(Qcow2Cache *c, Qcow2Piece *p)
{
    assert(p->pins > 0);
    if (--p->pins == 0 && p->failed) {
        piece_drop(c, p);
    }
}

/* Waits until somebody else has read it. */
COROUTINE_ONLY
static int co_piece_wait(Qcow2Cache *c, Qcow2Piece *p)
{
    piece_use(c, p);
    while (p->loading) {
        co_queue_wait(&c->loaded);
    }
    return p->failed ? -EIO : 0;
}

int co_qcow2_piece_get(Qcow2Cache *c, uint64_t offset, Qcow2Piece **piece)
{
    uint64_t at = offset & ~(uint64_t)(c->piece_bytes - 1);
    Qcow2Piece *p = g_hash_table_lookup(c->pieces, &at);
    int ret;

    if (!p) {
        ret = co_make_room(c);
        if (ret < 0) {
            return ret;
        }
        p = g_hash_table_lookup(c->pieces, &at);
    }
    if (p) {
        ret = co_piece_wait(c, p);
    } else {
        p = piece_add(c, at);
        if (!p) {
            return -ENOMEM;
        }
        ret = co_piece_load(c, p);
    }
    if (ret < 0) {
        qcow2_piece_put(c, p);
        return ret;
    }
    *piece = p;
    return 0;
}

int co_qcow2_piece_new(Qcow2Cache *c, uint64_t offset, Qcow2Piece **piece)
{
    uint64_t at = offset & ~(uint64_t)(c->piece_bytes - 1);
    Qcow2Piece *p;
    int ret = co_make_room(c);

    if (ret < 0) {
        return ret;
    }
    p = g_hash_table_lookup(c->pieces, &at);
    if (p) {
        /* Left of what used to be there. */
        piece_use(c, p);
    } else {
        p = piece_add(c, at);
        if (!p) {
            return -ENOMEM;
        }
    }
    memset(qcow2_piece_modify(c, p), 0, c->piece_bytes);
    *piece = p;
    return 0;
}

uint8_t *qcow2_piece_modify(Qcow2Cache *c, Qcow2Piece *p)
{
    assert(p->pins > 0 && !p->loading);
    if (UNLIKELY(p->out == p->data)) {
        p->data = io_buffer_alloc(c->s->file->child, c->piece_bytes);
        assert(p->data);
        memcpy(p->data, p->out, c->piece_bytes);
    }
    if (!p->dirty) {
        p->dirty = true;
        list_append(&c->dirty, &p->in_dirty);
        c->n_dirty++;
    }
    return p->data;
}

static int by_offset(const void *a, const void *b)
{
    const Qcow2Piece *x = *(Qcow2Piece *const *)a;
    const Qcow2Piece *y = *(Qcow2Piece *const *)b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

GPtrArray *qcow2_cache_take_dirty(Qcow2Cache *c)
{
    GPtrArray *taken = g_ptr_array_sized_new(c->n_dirty);
    ListLink *link;

    while ((link = list_pop(&c->dirty))) {
        Qcow2Piece *p = LIST_ENTRY(link, Qcow2Piece, in_dirty);

        assert(!p->out);
        p->dirty = false;
        p->out = p->data;
        g_ptr_array_add(taken, p);
    }
    c->n_dirty = 0;
    g_ptr_array_sort(taken, by_offset);
    return taken;
}

void qcow2_cache_written(Qcow2Cache *c, GPtrArray *pieces, bool ok)
{
    for (unsigned i = 0; i < pieces->len; i++) {
        Qcow2Piece *p = g_ptr_array_index(pieces, i);

        if (p->out != p->data) {
            io_buffer_free(p->out);
        } else if (!ok && !p->dirty) {
            p->dirty = true;
            list_append(&c->dirty, &p->in_dirty);
            c->n_dirty++;
        }
        p->out = NULL;
    }
    g_ptr_array_free(pieces, TRUE);
}
