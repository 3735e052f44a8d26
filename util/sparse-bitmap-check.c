/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asserts the invariants of a sparse bitmap and its tree by walking all of
 * it: util/sparse-bitmap.h and util/sparse-bitmap-int.h state them.
 */
#include "util/sparse-bitmap-int.h"

static uint64_t check_slot(const void *slot, unsigned level, uint64_t cap,
                           size_t *memory);

static uint64_t check_leaf(const SparseLeaf *leaf, uint64_t cap)
{
    uint64_t count = 0;
    unsigned i;

    for (i = 0; i < SPARSE_LEAF_WORDS; i++) {
        uint64_t first = i * UINT64_C(64);
        uint64_t word = leaf->words[i];

        count += sparse_popcount(word);
        if (first >= cap) {
            assert(!word);
        } else if (cap - first < 64) {
            assert(!(word & ~sparse_mask(0, cap - first)));
        }
    }
    return count;
}

static uint64_t check_branch(const SparseBranch *branch, unsigned level,
                             uint64_t cap, size_t *memory)
{
    unsigned shift = sparse_shift(level - 1);
    uint64_t count = 0;
    unsigned i;

    for (i = 0; i < SPARSE_FANOUT; i++) {
        const void *child = branch->child[i];

        assert((branch->some[i / 64] >> (i % 64) & 1) ==
               (child != SPARSE_CLEAR));
        assert((branch->full[i / 64] >> (i % 64) & 1) ==
               (child == SPARSE_FULL));
        if ((uint64_t)i << shift >= cap) {
            assert(child == SPARSE_CLEAR);
        } else {
            count += check_slot(child, level - 1,
                                sparse_part(shift, cap, i, 0, cap).cap, memory);
        }
    }
    return count;
}

/* Returns the set bits and adds to @memory. */
static uint64_t check_slot(const void *slot, unsigned level, uint64_t cap,
                           size_t *memory)
{
    uint64_t count;

    if (!sparse_is_node(slot)) {
        return slot == SPARSE_FULL ? cap : 0;
    }
    *memory += level ? sizeof(SparseBranch) : sizeof(SparseLeaf);
    count =
        level ? check_branch(slot, level, cap, memory) : check_leaf(slot, cap);
    assert(count == ((const SparseNode *)slot)->count);
    assert(count > 0 && count < cap);
    return count;
}

static void check_hot(const SparseBitmap *b)
{
    const void *slot;

    if (b->hot_index == UINT64_MAX) {
        return;
    }
    slot = sparse_descend(b, b->hot_index * SPARSE_LEAF_BITS);
    if (sparse_is_node(slot)) {
        assert(b->hot_words == ((const SparseLeaf *)slot)->words);
    } else {
        assert(slot == SPARSE_FULL && b->hot_words[0] == ~UINT64_C(0));
    }
}

void sparse_bitmap_check(const SparseBitmap *b)
{
    size_t memory = sizeof(*b);
    uint64_t count;

    assert(b->bits <= SPARSE_MAX_BITS && b->bits <= sparse_span(b->level));
    assert(!b->level || b->bits > sparse_span(b->level - 1));
    assert(b->bits || b->root == SPARSE_CLEAR);
    count = check_slot(b->root, b->level, b->bits, &memory);
    assert(count == b->count);
    assert(memory == b->memory);
    check_hot(b);
}
