/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking into a sparse bitmap: testing, finding and counting bits. Changes
 * nothing, and skips what is uniform by the summaries and counts of the tree.
 */
#include "util/sparse-bitmap-int.h"

bool sparse_bitmap_test(const SparseBitmap *b, uint64_t bit)
{
    const void *slot;
    const SparseLeaf *leaf;

    assert(bit < b->bits);
    slot = sparse_descend(b, bit);
    if (!sparse_is_node(slot)) {
        return slot == SPARSE_FULL;
    }
    leaf = slot;
    return leaf->words[bit / 64 % SPARSE_LEAF_WORDS] >> (bit % 64) & 1;
}

/* First bit of @words ^ @flip that is set in [@start, @end), or @end. */
static uint64_t words_find(const uint64_t *words, uint64_t flip, uint64_t start,
                           uint64_t end)
{
    uint64_t i = start / 64;
    uint64_t word;

    if (start >= end) {
        return end;
    }
    word = (words[i] ^ flip) & (~UINT64_C(0) << (start % 64));
    while (!word) {
        i++;
        if (i * 64 >= end) {
            return end;
        }
        word = words[i] ^ flip;
    }
    return MIN(end, i * 64 + __builtin_ctzll(word));
}

/* First child from @i on that has a bit of @value; SPARSE_FANOUT if none. */
static unsigned branch_next(const SparseBranch *branch, unsigned i, bool value)
{
    return value ? words_find(branch->some, 0, i, SPARSE_FANOUT)
                 : words_find(branch->full, ~UINT64_C(0), i, SPARSE_FANOUT);
}

/* First bit of @value in [@start, @end), which is not empty, or @end. */
static uint64_t slot_find(const void *slot, unsigned level, uint64_t start,
                          uint64_t end, bool value)
{
    const SparseBranch *branch = slot;
    unsigned shift, i;

    if (!sparse_is_node(slot)) {
        return (slot == SPARSE_FULL) == value ? start : end;
    }
    if (!level) {
        return words_find(((const SparseLeaf *)slot)->words,
                          value ? 0 : ~UINT64_C(0), start, end);
    }
    shift = sparse_shift(level - 1);
    for (i = branch_next(branch, start >> shift, value);
         i < SPARSE_FANOUT && (uint64_t)i << shift < end;
         i = branch_next(branch, i + 1, value)) {
        uint64_t base = (uint64_t)i << shift;
        uint64_t lo = MAX(start, base);
        uint64_t hi = MIN(end, base + (UINT64_C(1) << shift));
        uint64_t found = base + slot_find(branch->child[i], level - 1,
                                          lo - base, hi - base, value);

        if (found < hi) {
            return found;
        }
    }
    return end;
}

static uint64_t bitmap_find(const SparseBitmap *b, uint64_t start, uint64_t end,
                            bool value)
{
    assert(end <= b->bits);
    if (start >= end) {
        return end;
    }
    return slot_find(b->root, b->level, start, end, value);
}

uint64_t sparse_bitmap_next_set(const SparseBitmap *b, uint64_t start,
                                uint64_t end)
{
    return bitmap_find(b, start, end, true);
}

uint64_t sparse_bitmap_next_clear(const SparseBitmap *b, uint64_t start,
                                  uint64_t end)
{
    return bitmap_find(b, start, end, false);
}

bool sparse_bitmap_next_run(const SparseBitmap *b, uint64_t start, uint64_t end,
                            uint64_t max, uint64_t *run_start,
                            uint64_t *run_bits)
{
    uint64_t first = bitmap_find(b, start, end, true);

    assert(max > 0);
    if (first == end) {
        return false;
    }
    *run_start = first;
    *run_bits =
        bitmap_find(b, first, first + MIN(max, end - first), false) - first;
    return true;
}

static uint64_t words_count(const uint64_t *words, unsigned start, unsigned n)
{
    unsigned end = start + n;
    uint64_t count = 0;

    while (start < end) {
        unsigned first = start % 64;
        unsigned len = MIN(64 - first, end - start);

        count += sparse_popcount(words[start / 64] & sparse_mask(first, len));
        start += len;
    }
    return count;
}

/* Set bits in [@start, +@n), @n > 0. */
static uint64_t slot_count(const void *slot, unsigned level, uint64_t cap,
                           uint64_t start, uint64_t n)
{
    const SparseBranch *branch = slot;
    uint64_t count = 0;
    unsigned shift, last, i;

    if (!sparse_is_node(slot)) {
        return slot == SPARSE_FULL ? n : 0;
    }
    if (n == cap) {
        return ((const SparseNode *)slot)->count;
    }
    if (!level) {
        return words_count(((const SparseLeaf *)slot)->words, start, n);
    }
    shift = sparse_shift(level - 1);
    last = (start + n - 1) >> shift;
    for (i = branch_next(branch, start >> shift, true); i <= last;
         i = branch_next(branch, i + 1, true)) {
        SparsePart p = sparse_part(shift, cap, i, start, n);

        count += slot_count(branch->child[i], level - 1, p.cap, p.start, p.n);
    }
    return count;
}

uint64_t sparse_bitmap_count_range(const SparseBitmap *b, uint64_t start,
                                   uint64_t n)
{
    assert(range_fits(start, n, b->bits));
    return n ? slot_count(b->root, b->level, b->bits, start, n) : 0;
}
