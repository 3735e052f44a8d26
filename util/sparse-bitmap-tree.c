/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of a sparse bitmap: its nodes, their elision, and setting or
 * clearing a range. Owns the invariants of util/sparse-bitmap-int.h.
 */
#include "util/sparse-bitmap-int.h"

/* Nodes are many, small and of two sizes: what slices are for. */
static size_t node_size(unsigned level)
{
    return level ? sizeof(SparseBranch) : sizeof(SparseLeaf);
}

static bool in_arena(const SparseBitmap *b, const void *node)
{
    for (const SparseArena *a = b->arenas; a; a = a->next) {
        if ((uintptr_t)node >= (uintptr_t)a->leaves &&
            (uintptr_t)node < (uintptr_t)(a->leaves + a->size)) {
            return true;
        }
    }
    return false;
}

static void node_free(SparseBitmap *b, void *node, unsigned level)
{
    b->memory -= node_size(level);
    if (UNLIKELY(b->arenas) && level == 0 && in_arena(b, node)) {
        return;
    }
    g_slice_free1(node_size(level), node);
}

void *sparse_node_new(SparseBitmap *b, unsigned level)
{
    b->memory += node_size(level);
    return g_slice_alloc0(node_size(level));
}

void sparse_slot_free(SparseBitmap *b, void *slot, unsigned level)
{
    if (!sparse_is_node(slot)) {
        return;
    }
    if (level) {
        SparseBranch *branch = slot;
        unsigned i;

        for (i = 0; i < SPARSE_FANOUT; i++) {
            sparse_slot_free(b, branch->child[i], level - 1);
        }
    }
    node_free(b, slot, level);
}

void sparse_slot_free_some(SparseBitmap *b, void **slot, unsigned level,
                           size_t memory)
{
    unsigned i;

    for (i = 0; sparse_is_node(*slot) && level && i < SPARSE_FANOUT; i++) {
        if (b->memory <= memory) {
            return;
        }
        sparse_slot_free_some(b, &((SparseBranch *)*slot)->child[i], level - 1,
                              memory);
        if (sparse_is_node(((SparseBranch *)*slot)->child[i])) {
            return;
        }
    }
    if (sparse_is_node(*slot)) {
        node_free(b, *slot, level);
        *slot = SPARSE_CLEAR;
    }
}

void *sparse_slot_clone(SparseBitmap *b, const void *slot, unsigned level)
{
    void *copy;

    if (!sparse_is_node(slot)) {
        return (void *)slot;
    }
    copy = g_slice_alloc(node_size(level));
    b->memory += node_size(level);
    memcpy(copy, slot, node_size(level));
    if (level) {
        SparseBranch *branch = copy;
        unsigned i;

        for (i = 0; i < SPARSE_FANOUT; i++) {
            sparse_fetch_ahead(branch, i);
            branch->child[i] =
                sparse_slot_clone(b, branch->child[i], level - 1);
        }
    }
    return copy;
}

void sparse_branch_note(SparseBranch *branch, unsigned i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);
    unsigned word = i / 64;

    branch->some[word] &= ~bit;
    branch->full[word] &= ~bit;
    if (branch->child[i] != SPARSE_CLEAR) {
        branch->some[word] |= bit;
    }
    if (branch->child[i] == SPARSE_FULL) {
        branch->full[word] |= bit;
    }
}

/* Sets or clears [@start, +@n) of @words; returns the change. */
static int64_t words_put(uint64_t *words, unsigned start, unsigned n,
                         bool value)
{
    unsigned end = start + n;
    int64_t delta = 0;

    while (start < end) {
        uint64_t *word = &words[start / 64];
        unsigned first = start % 64;
        unsigned len = MIN(64 - first, end - start);
        uint64_t mask = sparse_mask(first, len);

        if (value) {
            delta += sparse_popcount(mask & ~*word);
            *word |= mask;
        } else {
            delta -= sparse_popcount(mask & *word);
            *word &= ~mask;
        }
        start += len;
    }
    return delta;
}

static void branch_fill(SparseBranch *branch, unsigned level, uint64_t cap)
{
    unsigned n = ((cap - 1) >> sparse_shift(level - 1)) + 1;
    unsigned i;

    for (i = 0; i < n; i++) {
        branch->child[i] = SPARSE_FULL;
        sparse_branch_note(branch, i);
    }
}

void sparse_slot_expand(SparseBitmap *b, void **slot, unsigned level,
                        uint64_t cap)
{
    SparseNode *node = sparse_node_new(b, level);

    assert(!sparse_is_node(*slot));
    if (*slot == SPARSE_FULL) {
        node->count = cap;
        if (level) {
            branch_fill((SparseBranch *)node, level, cap);
        } else {
            words_put(((SparseLeaf *)node)->words, 0, cap, true);
        }
    }
    *slot = node;
}

void sparse_slot_settle(SparseBitmap *b, void **slot, unsigned level,
                        uint64_t cap, int64_t delta)
{
    SparseNode *node = *slot;

    node->count += delta;
    assert(node->count <= cap);
    /* The children of a uniform branch have been elided before it. */
    if (node->count == 0) {
        node_free(b, node, level);
        *slot = SPARSE_CLEAR;
    } else if (node->count == cap) {
        node_free(b, node, level);
        *slot = SPARSE_FULL;
    }
}

static int64_t slot_put_all(SparseBitmap *b, void **slot, unsigned level,
                            uint64_t cap, bool value)
{
    uint64_t old;

    if (sparse_is_node(*slot)) {
        old = ((SparseNode *)*slot)->count;
        sparse_slot_free(b, *slot, level);
    } else {
        old = *slot == SPARSE_FULL ? cap : 0;
    }
    *slot = value ? SPARSE_FULL : SPARSE_CLEAR;
    return (int64_t)(value ? cap : 0) - (int64_t)old;
}

static int64_t branch_put(SparseBitmap *b, SparseBranch *branch, unsigned level,
                          uint64_t cap, uint64_t start, uint64_t n, bool value)
{
    unsigned shift = sparse_shift(level - 1);
    unsigned last = (start + n - 1) >> shift;
    int64_t delta = 0;
    unsigned i;

    for (i = start >> shift; i <= last; i++) {
        SparsePart p = sparse_part(shift, cap, i, start, n);

        delta += sparse_slot_put(b, &branch->child[i], level - 1, p.cap,
                                 p.start, p.n, value);
        sparse_branch_note(branch, i);
    }
    return delta;
}

int64_t sparse_slot_put(SparseBitmap *b, void **slot, unsigned level,
                        uint64_t cap, uint64_t start, uint64_t n, bool value)
{
    int64_t delta;

    if (*slot == (value ? SPARSE_FULL : SPARSE_CLEAR)) {
        return 0;
    }
    if (n == cap) {
        return slot_put_all(b, slot, level, cap, value);
    }
    if (!sparse_is_node(*slot)) {
        sparse_slot_expand(b, slot, level, cap);
    }
    if (level) {
        delta = branch_put(b, *slot, level, cap, start, n, value);
    } else {
        delta = words_put(((SparseLeaf *)*slot)->words, start, n, value);
    }
    sparse_slot_settle(b, slot, level, cap, delta);
    return delta;
}
