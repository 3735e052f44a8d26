/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree inside a sparse bitmap, for the util/sparse-bitmap*.c files only.
 *
 * A slot stands for a subtree. It is SPARSE_CLEAR, SPARSE_FULL or points to a
 * node: a SparseLeaf at level 0, a SparseBranch above. A slot at level L spans
 * sparse_span(L) bits, of which the first `cap` exist: all of them, except
 * along the right edge of the tree, and none past it, where slots are
 * SPARSE_CLEAR. Positions inside a function are relative to its slot.
 *
 * Invariants of a node with capacity cap:
 * 1. 0 < count < cap, and count is the sum over its bits or children.
 * 2. Leaf: bits at or past cap are zero.
 * 3. Branch: bit i of `some` is set if child i is not SPARSE_CLEAR, bit i of
 *    `full` if it is SPARSE_FULL.
 * Because of 1 equal sets have trees of equal shape.
 */
#ifndef UTIL_SPARSE_BITMAP_INT_H
#define UTIL_SPARSE_BITMAP_INT_H

#include "util/sparse-bitmap.h"

#define SPARSE_LEAF_SHIFT 10
#define SPARSE_FANOUT_SHIFT 8
#define SPARSE_LEAF_WORDS (SPARSE_LEAF_BITS / 64)
#define SPARSE_SUMMARY_WORDS (SPARSE_FANOUT / 64)

STATIC_ASSERT(SPARSE_LEAF_BITS == 1u << SPARSE_LEAF_SHIFT);
STATIC_ASSERT(SPARSE_FANOUT == 1u << SPARSE_FANOUT_SHIFT);
/* Level 6 spans 2^58 bits: a span never overflows. */
STATIC_ASSERT(SPARSE_MAX_BITS <= UINT64_C(1) << 58);

#define SPARSE_CLEAR NULL
#define SPARSE_FULL ((void *)(uintptr_t)1)

/* What leaf and branch begin with. */
typedef struct SparseNode {
    uint64_t count; /* set bits below */
} SparseNode;

typedef struct SparseLeaf {
    SparseNode node;
    uint64_t words[SPARSE_LEAF_WORDS];
} SparseLeaf;

/* Leaves that were loaded together: memory that is given back when the bitmap
 * is freed. (SparseBitmap.memory counts those that are in use, as others.) */
typedef struct SparseArena {
    struct SparseArena *next;
    size_t used, size; /* leaves */
    size_t bytes;      /* of all */
    SparseLeaf leaves[];
} SparseArena;

typedef struct SparseBranch {
    SparseNode node;
    uint64_t some[SPARSE_SUMMARY_WORDS];
    uint64_t full[SPARSE_SUMMARY_WORDS];
    void *child[SPARSE_FANOUT];
} SparseBranch;

static inline bool sparse_is_node(const void *slot)
{
    return (uintptr_t)slot > 1;
}

/* Leaves lie all over the memory: who walks a branch asks for those that come
 * some steps after child @i. */
static inline void sparse_fetch_ahead(const SparseBranch *branch, unsigned i)
{
    uintptr_t node = (uintptr_t)branch->child[(i + 24) % SPARSE_FANOUT];

    /* No node there: the processor ignores what it cannot fetch. */
    __builtin_prefetch((const void *)node);
    __builtin_prefetch((const void *)(node + 64));
}

/* log2 of the bits that a slot at @level spans. */
static inline unsigned sparse_shift(unsigned level)
{
    return SPARSE_LEAF_SHIFT + SPARSE_FANOUT_SHIFT * level;
}

static inline uint64_t sparse_span(unsigned level)
{
    return UINT64_C(1) << sparse_shift(level);
}

/* A word with bits [@first, +@n) set;
 * @first + @n <= 64, @n > 0. */
static inline uint64_t sparse_mask(unsigned first, unsigned n)
{
    return (~UINT64_C(0) >> (64 - n)) << first;
}

/* The part of [start, start + n) of a branch at some level that falls into
 * its child i, relative to that child. */
typedef struct SparsePart {
    uint64_t start;
    uint64_t n;
    uint64_t cap; /* bits that exist in the child */
} SparsePart;

/* @shift: that of the child's level; @cap: of the branch. */
static inline SparsePart sparse_part(unsigned shift, uint64_t cap, unsigned i,
                                     uint64_t start, uint64_t n)
{
    uint64_t base = (uint64_t)i << shift;
    uint64_t span = UINT64_C(1) << shift;
    uint64_t lo = MAX(start, base);
    uint64_t hi = MIN(start + n, base + span);

    return (SparsePart){
        .start = lo - base,
        .n = hi - lo,
        .cap = MIN(span, cap - base),
    };
}

/* The leaf that holds @bit, or the uniform slot that covers it. */
static inline void *sparse_descend(const SparseBitmap *b, uint64_t bit)
{
    void *slot = b->root;
    unsigned level = b->level;

    while (level && sparse_is_node(slot)) {
        level--;
        slot = ((SparseBranch *)slot)
                   ->child[(bit >> sparse_shift(level)) % SPARSE_FANOUT];
    }
    return slot;
}

static inline unsigned sparse_popcount(uint64_t x)
{
#ifdef __POPCNT__
    return __builtin_popcountll(x);
#else
    /* The compiler would call a table look-up here. */
    x -= (x >> 1) & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) +
        ((x >> 2) & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (x * UINT64_C(0x0101010101010101)) >> 56;
#endif
}

/* sparse-bitmap-tree.c. Changes of the set bits are returned, to be added to
 * the count of whatever is above the slot. */

/* Frees what hangs in @slot; the slot itself is the caller's to change. */
void sparse_slot_free(SparseBitmap *b, void *slot, unsigned level);
/* Frees nodes of @slot until @b has no more than @memory left, or all are
 * gone, which makes the slot SPARSE_CLEAR. Counts and summaries are not kept.
 */
void sparse_slot_free_some(SparseBitmap *b, void **slot, unsigned level,
                           size_t memory);
/* A copy of @slot, whoever's it is, with its memory accounted to @b. */
void *sparse_slot_clone(SparseBitmap *b, const void *slot, unsigned level);
/* A new node with nothing set; it breaks invariant 1 until filled. */
void *sparse_node_new(SparseBitmap *b, unsigned level);
/* Makes a uniform slot a node with the same bits; it breaks invariant 1 until
 * changed. */
void sparse_slot_expand(SparseBitmap *b, void **slot, unsigned level,
                        uint64_t cap);
/* Adds @delta to the node's count and elides it if it became uniform. */
void sparse_slot_settle(SparseBitmap *b, void **slot, unsigned level,
                        uint64_t cap, int64_t delta);
/* Makes the summary of @branch follow what child @i is now. */
void sparse_branch_note(SparseBranch *branch, unsigned i);
/* To be called before anything changes. */
static inline void sparse_forget_hot(SparseBitmap *b)
{
    b->hot_index = UINT64_MAX;
    b->kept = 0;
}

/* From now on leaves come from an arena for @leaves of them, if there is
 * enough memory for one. */
void sparse_arena_begin(SparseBitmap *b, size_t leaves);
/* A leaf of the newest arena, which has one left; not zeroed. */
SparseLeaf *sparse_arena_take(SparseBitmap *b);
void sparse_arenas_free(SparseBitmap *b);

/* Makes all of [@start, +@n), @n > 0, set or clear. */
int64_t sparse_slot_put(SparseBitmap *b, void **slot, unsigned level,
                        uint64_t cap, uint64_t start, uint64_t n, bool value);

#endif
