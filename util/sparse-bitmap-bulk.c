/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sparse bitmaps in bulk: comparing, merging, and moving bits as bytes. Works
 * on words and whole leaves, and on uniform subtrees without looking below.
 */
#include "util/sparse-bitmap-int.h"
#include "util/sim.h"

static bool slot_equal(const void *a, const void *b, unsigned level)
{
    const SparseBranch *x = a, *y = b;
    unsigned i;

    if (!sparse_is_node(a) || !sparse_is_node(b)) {
        return a == b; /* equal bits have equal shapes */
    }
    if (((const SparseNode *)a)->count != ((const SparseNode *)b)->count) {
        return false;
    }
    if (!level) {
        return !memcmp(((const SparseLeaf *)a)->words,
                       ((const SparseLeaf *)b)->words,
                       sizeof(((const SparseLeaf *)a)->words));
    }
    for (i = 0; i < SPARSE_FANOUT; i++) {
        if (!slot_equal(x->child[i], y->child[i], level - 1)) {
            return false;
        }
    }
    return true;
}

bool sparse_bitmap_equal(const SparseBitmap *a, const SparseBitmap *b)
{
    return a->bits == b->bits && a->count == b->count &&
           slot_equal(a->root, b->root, a->level);
}

static int64_t leaf_or(SparseLeaf *dst, const SparseLeaf *src)
{
    int64_t delta = 0;
    unsigned i;

    for (i = 0; i < SPARSE_LEAF_WORDS; i++) {
        delta += sparse_popcount(src->words[i] & ~dst->words[i]);
        dst->words[i] |= src->words[i];
    }
    return delta;
}

static int64_t slot_or(SparseBitmap *b, void **dst, const void *src,
                       unsigned level, uint64_t cap, uint64_t start,
                       uint64_t n);

static int64_t branch_or(SparseBitmap *b, SparseBranch *to,
                         const SparseBranch *from, unsigned level, uint64_t cap,
                         uint64_t start, uint64_t n)
{
    unsigned shift = sparse_shift(level - 1);
    unsigned last = (start + n - 1) >> shift;
    int64_t delta = 0;
    unsigned i;

    for (i = start >> shift; i <= last; i++) {
        SparsePart p;

        sparse_fetch_ahead(to, i);
        sparse_fetch_ahead(from, i);
        if (from->child[i] == SPARSE_CLEAR) {
            continue;
        }
        p = sparse_part(shift, cap, i, start, n);
        delta += slot_or(b, &to->child[i], from->child[i], level - 1, p.cap,
                         p.start, p.n);
        sparse_branch_note(to, i);
    }
    return delta;
}

/* Returns the change of the set bits below @dst. Of a leaf, all bits are in
 * the range. */
static int64_t slot_or(SparseBitmap *b, void **dst, const void *src,
                       unsigned level, uint64_t cap, uint64_t start, uint64_t n)
{
    int64_t delta;

    if (*dst == SPARSE_FULL || src == SPARSE_CLEAR) {
        return 0;
    }
    if (src == SPARSE_FULL) {
        return sparse_slot_put(b, dst, level, cap, start, n, true);
    }
    if (*dst == SPARSE_CLEAR) {
        if (n == cap) {
            *dst = sparse_slot_clone(b, src, level);
            return ((const SparseNode *)src)->count;
        }
        sparse_slot_expand(b, dst, level, cap);
    }
    delta = level ? branch_or(b, *dst, src, level, cap, start, n)
                  : leaf_or(*dst, src);
    sparse_slot_settle(b, dst, level, cap, delta);
    return delta;
}

void sparse_bitmap_or_range(SparseBitmap *dst, const SparseBitmap *src,
                            uint64_t start, uint64_t n)
{
    assert(dst->bits == src->bits && n > 0);
    assert(range_fits(start, n, dst->bits));
    assert(start % SPARSE_LEAF_BITS == 0);
    assert(n % SPARSE_LEAF_BITS == 0 || start + n == dst->bits);
    if (dst != src) {
        sparse_forget_hot(dst);
        dst->count += slot_or(dst, &dst->root, src->root, dst->level, dst->bits,
                              start, n);
    }
    if (PLANTED("merge-drops-last-word") && start + n == dst->bits && n % 64) {
        sparse_bitmap_clear(dst, ROUND_DOWN(dst->bits, 64), n % 64);
    }
}

void sparse_bitmap_or(SparseBitmap *dst, const SparseBitmap *src)
{
    assert(dst->bits == src->bits);
    if (dst->bits) {
        sparse_bitmap_or_range(dst, src, 0, dst->bits);
    }
}

/* Each bit of @src in [@pos, @end) is a run of @ratio bits of @dst; the last
 * may be cut. */
static void or_spread(SparseBitmap *dst, const SparseBitmap *src,
                      uint64_t ratio, uint64_t pos, uint64_t end)
{
    uint64_t first, n;

    while (sparse_bitmap_next_run(src, pos, end, UINT64_MAX, &first, &n)) {
        uint64_t start = first * ratio;

        pos = first + n;
        sparse_bitmap_set(dst, start, MIN(pos * ratio, dst->bits) - start);
    }
}

/* @ratio bits of @src, fewer at the end, share a bit of @dst. */
static void or_gather(SparseBitmap *dst, const SparseBitmap *src,
                      uint64_t ratio, uint64_t pos, uint64_t end)
{
    uint64_t first, n;

    while (sparse_bitmap_next_run(src, pos, end, UINT64_MAX, &first, &n)) {
        uint64_t from = first / ratio;
        uint64_t to = (first + n - 1) / ratio + 1;

        sparse_bitmap_set(dst, from, to - from);
        /* What else of @src falls into the last bit changes nothing. */
        pos = MIN(to * ratio, end);
    }
}

static uint64_t units(uint64_t length, uint64_t unit)
{
    return length / unit + (length % unit != 0);
}

void sparse_bitmap_or_scaled(SparseBitmap *dst, uint64_t dst_unit,
                             const SparseBitmap *src, uint64_t src_unit,
                             uint64_t length, uint64_t start, uint64_t n)
{
    uint64_t first = start / src_unit, end;

    assert(is_power_of_2(dst_unit) && is_power_of_2(src_unit));
    assert(dst->bits == units(length, dst_unit));
    assert(src->bits == units(length, src_unit));
    if (!n) {
        return;
    }
    assert(range_fits(start, n, length));
    assert(start % (MAX(dst_unit, src_unit) * SPARSE_LEAF_BITS) == 0);
    assert(n % (MAX(dst_unit, src_unit) * SPARSE_LEAF_BITS) == 0 ||
           start + n == length);
    end = units(start + n, src_unit);
    if (dst_unit == src_unit) {
        sparse_bitmap_or_range(dst, src, first, end - first);
    } else if (dst_unit < src_unit) {
        or_spread(dst, src, src_unit / dst_unit, first, end);
    } else {
        or_gather(dst, src, dst_unit / src_unit, first, end);
    }
}

/* Byte @i of a leaf, bit 0 first, whatever the machine's byte order. */
static unsigned leaf_byte_shift(unsigned i)
{
    return i % 8 * 8;
}

static void leaf_get_bytes(const SparseLeaf *leaf, unsigned first, unsigned len,
                           uint8_t *buf)
{
    unsigned i;

    if (G_BYTE_ORDER == G_LITTLE_ENDIAN) {
        memcpy(buf, (const uint8_t *)leaf->words + first, len);
        return;
    }
    for (i = 0; i < len; i++) {
        buf[i] = leaf->words[(first + i) / 8] >> leaf_byte_shift(first + i);
    }
}

static void leaf_load_bytes(SparseLeaf *leaf, unsigned first, unsigned len,
                            const uint8_t *buf)
{
    unsigned i;

    if (G_BYTE_ORDER == G_LITTLE_ENDIAN) {
        memcpy((uint8_t *)leaf->words + first, buf, len);
        return;
    }
    for (i = 0; i < len; i++) {
        uint64_t *word = &leaf->words[(first + i) / 8];
        unsigned shift = leaf_byte_shift(first + i);

        *word &= ~(UINT64_C(0xff) << shift);
        *word |= (uint64_t)buf[i] << shift;
    }
}

static void assert_byte_range(const SparseBitmap *b, uint64_t start, uint64_t n)
{
    assert(range_fits(start, n, b->bits));
    assert(start % 8 == 0 && (n % 8 == 0 || start + n == b->bits));
}

void sparse_bitmap_get_bytes(const SparseBitmap *b, uint64_t start, uint64_t n,
                             uint8_t *buf)
{
    uint64_t end = start + n;

    assert_byte_range(b, start, n);
    while (start < end) {
        unsigned first = start % SPARSE_LEAF_BITS;
        unsigned bits = MIN(SPARSE_LEAF_BITS - first, end - start);
        unsigned len = DIV_ROUND_UP(bits, 8);
        const void *slot = sparse_descend(b, start);

        if (sparse_is_node(slot)) {
            leaf_get_bytes(slot, first / 8, len, buf);
        } else {
            memset(buf, slot == SPARSE_FULL ? 0xff : 0, len);
        }
        start += bits;
        buf += len;
    }
    if (n % 8) {
        buf[-1] &= (1u << (n % 8)) - 1;
    }
}

/* Returns the change of the set bits of @leaf, of which @cap exist. */
static int64_t leaf_load(SparseLeaf *leaf, uint64_t cap, unsigned start,
                         unsigned n, const uint8_t *buf)
{
    int64_t delta = -(int64_t)leaf->node.count;
    unsigned i;

    leaf_load_bytes(leaf, start / 8, DIV_ROUND_UP(n, 8), buf);
    if (n % 8) {
        assert(cap % 64); /* only the end of a bitmap is within a byte */
        leaf->words[cap / 64] &= sparse_mask(0, cap % 64);
    }
    for (i = 0; i < SPARSE_LEAF_WORDS; i++) {
        delta += sparse_popcount(leaf->words[i]);
    }
    return delta;
}

/* So many leaves at a time are worth a place of their own. */
#define ARENA_LEAVES_MIN 256

/* How many leaves the newest one has left. */
static size_t arena_room(const SparseBitmap *b)
{
    return b->arenas ? b->arenas->size - b->arenas->used : 0;
}

static uint64_t count_words(const uint64_t *words)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < SPARSE_LEAF_WORDS; i++) {
        count += sparse_popcount(words[i]);
    }
    return count;
}

#if defined(__x86_64__) && !defined(__POPCNT__)
/* With the instruction that nearly all of these processors have. */
__attribute__((target("popcnt"))) static uint64_t
count_words_fast(const uint64_t *words)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < SPARSE_LEAF_WORDS; i++) {
        count += __builtin_popcountll(words[i]);
    }
    return count;
}

static uint64_t count_leaf(const uint64_t *words)
{
    return __builtin_cpu_supports("popcnt") ? count_words_fast(words)
                                            : count_words(words);
}
#else
#define count_leaf count_words
#endif

/* A whole leaf where there was none; returns its set bits. */
static int64_t leaf_make(SparseBitmap *b, void **slot, const uint8_t *buf)
{
    uint64_t words[SPARSE_LEAF_WORDS], count;
    SparseLeaf *leaf;

    memcpy(words, buf, sizeof(words));
    count = count_leaf(words);
    if (count == 0 || count == SPARSE_LEAF_BITS) {
        *slot = count ? SPARSE_FULL : SPARSE_CLEAR;
        return count;
    }
    leaf = arena_room(b) ? sparse_arena_take(b) : sparse_node_new(b, 0);
    leaf->node.count = count;
    memcpy(leaf->words, words, sizeof(words));
    *slot = leaf;
    return count;
}

static int64_t slot_load(SparseBitmap *b, void **slot, unsigned level,
                         uint64_t cap, uint64_t start, uint64_t n,
                         const uint8_t *buf)
{
    int64_t delta = 0;

    if (*slot == SPARSE_CLEAR && !level && n == SPARSE_LEAF_BITS &&
        G_BYTE_ORDER == G_LITTLE_ENDIAN) {
        return leaf_make(b, slot, buf);
    }
    if (!sparse_is_node(*slot)) {
        sparse_slot_expand(b, slot, level, cap);
    }
    if (level) {
        SparseBranch *branch = *slot;
        unsigned shift = sparse_shift(level - 1);
        unsigned last = (start + n - 1) >> shift;
        unsigned i;

        for (i = start >> shift; i <= last; i++) {
            SparsePart p = sparse_part(shift, cap, i, start, n);

            delta += slot_load(b, &branch->child[i], level - 1, p.cap, p.start,
                               p.n, buf);
            sparse_branch_note(branch, i);
            buf += p.n / 8;
        }
    } else {
        delta = leaf_load(*slot, cap, start, n, buf);
    }
    sparse_slot_settle(b, slot, level, cap, delta);
    return delta;
}

void sparse_bitmap_expect(SparseBitmap *b, uint64_t bits)
{
    uint64_t leaves = MIN(bits, b->bits) / SPARSE_LEAF_BITS;

    if (leaves >= ARENA_LEAVES_MIN && leaves > arena_room(b)) {
        sparse_arena_begin(b, leaves);
    }
}

void sparse_bitmap_load_bytes(SparseBitmap *b, uint64_t start, uint64_t n,
                              const uint8_t *buf)
{
    assert_byte_range(b, start, n);
    if (n) {
        sparse_forget_hot(b);
        sparse_bitmap_expect(b, n);
        b->count += slot_load(b, &b->root, b->level, b->bits, start, n, buf);
    }
}
