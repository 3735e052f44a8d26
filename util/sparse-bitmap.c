/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sparse bitmap's life and size, setting and clearing: the invariants of
 * util/sparse-bitmap.h.
 */
#include "util/sparse-bitmap-int.h"

static unsigned level_for(uint64_t bits)
{
    unsigned level = 0;

    assert(bits <= SPARSE_MAX_BITS);
    while (sparse_span(level) < bits) {
        level++;
    }
    return level;
}

SparseBitmap *sparse_bitmap_new(uint64_t bits)
{
    SparseBitmap *b = g_new0(SparseBitmap, 1);

    b->bits = bits;
    b->level = level_for(bits);
    b->memory = sizeof(*b);
    sparse_forget_hot(b);
    return b;
}

void sparse_bitmap_free(SparseBitmap *b)
{
    if (b) {
        sparse_slot_free(b, b->root, b->level);
        sparse_arenas_free(b);
        g_free(b);
    }
}

bool sparse_bitmap_free_some(SparseBitmap *b, size_t bytes)
{
    size_t left;

    if (!b) {
        return true;
    }
    left = b->memory > bytes ? b->memory - bytes : 0;
    sparse_slot_free_some(b, &b->root, b->level, left);
    if (sparse_is_node(b->root)) {
        return false;
    }
    sparse_arenas_free(b);
    g_free(b);
    return true;
}

SparseBitmap *sparse_bitmap_clone(const SparseBitmap *b)
{
    SparseBitmap *copy = sparse_bitmap_new(b->bits);

    copy->root = sparse_slot_clone(copy, b->root, b->level);
    copy->count = b->count;
    return copy;
}

uint64_t sparse_bitmap_size(const SparseBitmap *b)
{
    return b->bits;
}

uint64_t sparse_bitmap_count(const SparseBitmap *b)
{
    return b->count;
}

size_t sparse_bitmap_memory(const SparseBitmap *b)
{
    return b->memory;
}

/* Adds @delta to the counts of @leaf and of the branches above it. */
static void path_add(SparseBitmap *b, SparseLeaf *leaf, uint64_t bit,
                     int64_t delta)
{
    SparseNode *node = b->root;
    unsigned level;

    for (level = b->level; level; level--) {
        node->count += delta;
        node = ((SparseBranch *)node)
                   ->child[(bit >> sparse_shift(level - 1)) % SPARSE_FANOUT];
    }
    leaf->node.count += delta;
    b->count += delta;
    b->kept = 0;
}

/* Changes @mask of a word of @leaf if that leaves the leaf mixed, and with it
 * every branch above. */
static bool leaf_put_word(SparseBitmap *b, SparseLeaf *leaf, uint64_t start,
                          uint64_t mask, bool value)
{
    uint64_t *word = &leaf->words[start % SPARSE_LEAF_BITS / 64];
    uint64_t change = mask & (value ? ~*word : *word);
    uint64_t n, cap;

    if (!change) {
        return true;
    }
    n = sparse_popcount(change);
    cap = MIN(SPARSE_LEAF_BITS, b->bits - ROUND_DOWN(start, SPARSE_LEAF_BITS));
    if (n == (value ? cap - leaf->node.count : leaf->node.count)) {
        return false;
    }
    *word ^= change;
    path_add(b, leaf, start, value ? n : -(int64_t)n);
    return true;
}

/* The few bits of one request, all in one word, of a leaf that stays as it
 * is or at least where it is. False if it takes more than that. */
static bool word_put(SparseBitmap *b, uint64_t start, uint64_t n, bool value)
{
    static const uint64_t ones[SPARSE_LEAF_WORDS] = {
        [0 ... SPARSE_LEAF_WORDS - 1] = ~UINT64_C(0),
    };
    void *slot = sparse_descend(b, start);
    SparseLeaf *leaf = slot;

    if (!sparse_is_node(slot)) {
        if (slot == SPARSE_FULL && value) {
            b->hot_words = ones;
            b->hot_index = start / SPARSE_LEAF_BITS;
        }
        return slot == (value ? SPARSE_FULL : SPARSE_CLEAR);
    }
    if (!leaf_put_word(b, leaf, start, sparse_mask(start % 64, n), value)) {
        return false;
    }
    b->hot_words = leaf->words;
    b->hot_index = start / SPARSE_LEAF_BITS;
    return true;
}

static void bitmap_put(SparseBitmap *b, uint64_t start, uint64_t n, bool value)
{
    assert(range_fits(start, n, b->bits));
    if (n == 0 || (n <= 64 - start % 64 && word_put(b, start, n, value))) {
        return;
    }
    sparse_forget_hot(b);
    b->count +=
        sparse_slot_put(b, &b->root, b->level, b->bits, start, n, value);
}

void sparse_bitmap_set_slow(SparseBitmap *b, uint64_t start, uint64_t n)
{
    bitmap_put(b, start, n, true);
}

void sparse_bitmap_clear(SparseBitmap *b, uint64_t start, uint64_t n)
{
    bitmap_put(b, start, n, false);
}

void sparse_bitmap_clear_all(SparseBitmap *b)
{
    bitmap_put(b, 0, b->bits, false);
}

void sparse_bitmap_set_all(SparseBitmap *b)
{
    bitmap_put(b, 0, b->bits, true);
}

/* Along the right edge a slot that had @old_cap bits gets @cap, the new ones
 * clear: what was full no longer is. */
static void edge_grow(SparseBitmap *b, void **slot, unsigned level,
                      uint64_t old_cap, uint64_t cap)
{
    if (old_cap == cap || *slot == SPARSE_CLEAR) {
        return;
    }
    if (*slot == SPARSE_FULL) {
        *slot = SPARSE_CLEAR;
        sparse_slot_put(b, slot, level, cap, 0, old_cap, true);
    } else if (level) {
        SparseBranch *branch = *slot;
        unsigned shift = sparse_shift(level - 1);
        unsigned i = (old_cap - 1) >> shift;

        edge_grow(b, &branch->child[i], level - 1,
                  sparse_part(shift, old_cap, i, 0, old_cap).cap,
                  sparse_part(shift, cap, i, 0, cap).cap);
        sparse_branch_note(branch, i);
    }
}

/* Along the right edge a slot is left with @cap bits, the dropped ones being
 * clear: what was not full may be now. */
static void edge_shrink(SparseBitmap *b, void **slot, unsigned level,
                        uint64_t cap)
{
    if (!sparse_is_node(*slot)) {
        return;
    }
    if (level) {
        SparseBranch *branch = *slot;
        unsigned shift = sparse_shift(level - 1);
        unsigned i = (cap - 1) >> shift;

        edge_shrink(b, &branch->child[i], level - 1,
                    sparse_part(shift, cap, i, 0, cap).cap);
        sparse_branch_note(branch, i);
    }
    sparse_slot_settle(b, slot, level, cap, 0);
}

/* Puts a level above the root. A uniform root stays what it is. */
static void root_raise(SparseBitmap *b)
{
    b->level++;
    if (sparse_is_node(b->root)) {
        SparseBranch *branch = sparse_node_new(b, b->level);

        branch->node.count = b->count;
        branch->child[0] = b->root;
        sparse_branch_note(branch, 0);
        b->root = branch;
    }
}

/* Takes the root's level away; only its first child holds anything. */
static void root_lower(SparseBitmap *b)
{
    void *old = b->root;

    if (sparse_is_node(old)) {
        SparseBranch *branch = old;

        b->root = branch->child[0];
        branch->child[0] = SPARSE_CLEAR;
        sparse_slot_free(b, old, b->level);
    }
    b->level--;
}

void sparse_bitmap_resize(SparseBitmap *b, uint64_t bits)
{
    unsigned level = level_for(bits);
    uint64_t old_bits = b->bits;

    if (bits < old_bits) {
        bitmap_put(b, bits, old_bits - bits, false);
    }
    sparse_forget_hot(b);
    while (b->level < level) {
        root_raise(b);
    }
    while (b->level > level) {
        root_lower(b);
    }
    b->bits = bits;
    if (bits > old_bits) {
        edge_grow(b, &b->root, level, old_bits, bits);
    } else {
        edge_shrink(b, &b->root, level, bits);
    }
}
