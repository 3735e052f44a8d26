/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sparse, hierarchical set of bits: the memory under every dirty bitmap and
 * every "to be copied" set. Positions are bits; granularity is the caller's.
 *
 * The bits hang in a radix tree: leaves of SPARSE_LEAF_BITS bits, branches of
 * SPARSE_FANOUT children, as many levels as the size needs. A leaf or branch
 * that is all clear or all set has no memory: its parent's slot says so. Every
 * branch carries a summary of its children, so that finding the next set or
 * clear bit skips whole subtrees, and a count, so that counting does too.
 * Memory follows what was touched and never the size: an empty or full set of
 * any size is one small struct, one bit costs a path of levels + 1 nodes.
 *
 * Invariants:
 * 1. count is exact at all times.
 * 2. An allocated leaf or branch is neither all clear nor all set (over the
 *    bits that exist): it is elided in the same call that makes it uniform.
 * 3. Bits at or past the size do not exist: never set, never counted.
 *
 * Threads: none of this locks; the owner does. Functions that take a const
 * set write nothing, so any number of them may run at once. Nothing yields,
 * nothing fails (memory running out ends the program, as all of GLib does).
 */
#ifndef UTIL_SPARSE_BITMAP_H
#define UTIL_SPARSE_BITMAP_H

#include "util/common.h"

/* 128 bytes of bits: single bits all over a disk are the common case, and a
 * big leaf for each would cost most of its memory and time on zeroes. */
#define SPARSE_LEAF_BITS 1024u
#define SPARSE_FANOUT 256u /* children of a branch */
/* The largest size: any disk at any granularity from 32 bytes up. */
#define SPARSE_MAX_BITS (UINT64_C(1) << 58)

/* The fields are for util/sparse-bitmap*.c and the inline functions below;
 * they stand here so that what happens at every write costs no call. */
typedef struct SparseBitmap {
    uint64_t bits;  /* size */
    uint64_t count; /* set bits */
    size_t memory;  /* bytes allocated, this struct included */
    unsigned level; /* of the root slot: see util/sparse-bitmap-int.h */
    void *root;
    /* The leaf set last: its words (all ones if it is full) and its index,
     * which is UINT64_MAX if there is none. Forgotten at every change of
     * the tree. */
    const uint64_t *hot_words;
    uint64_t hot_index;
    /* Where leaves that came in bulk lie. */
    struct SparseArena *arenas;
    /* See sparse_bitmap_set_kept(). */
    uint64_t kept;
} SparseBitmap;

/* Who keeps a copy of the bits elsewhere notes which: @copy (not 0) is what
 * sparse_bitmap_kept() gives until a bit changes, then 0. */
static inline void sparse_bitmap_set_kept(SparseBitmap *b, uint64_t copy)
{
    b->kept = copy;
}

static inline uint64_t sparse_bitmap_kept(const SparseBitmap *b)
{
    return b->kept;
}

/* @bits: how many exist, all clear at first; at most SPARSE_MAX_BITS. The
 * caller owns the set and ends it with sparse_bitmap_free(). */
SparseBitmap *sparse_bitmap_new(uint64_t bits);
void sparse_bitmap_free(SparseBitmap *b); /* NULL is fine */
/* Frees a part of it, about @bytes (not 0) of its memory; true when all of it
 * is gone, the struct too. Until then nothing but this may be called. NULL is
 * fine. For who must not take long at a time. */
bool sparse_bitmap_free_some(SparseBitmap *b, size_t bytes);
/* A set of its own with the same size and bits; the caller owns it. */
SparseBitmap *sparse_bitmap_clone(const SparseBitmap *b);

uint64_t sparse_bitmap_size(const SparseBitmap *b);
uint64_t sparse_bitmap_count(const SparseBitmap *b); /* set bits, O(1) */
size_t sparse_bitmap_memory(const SparseBitmap *b);  /* bytes in use, O(1) */

/* Old bits stay; new ones are clear; dropped ones are gone. @bits: at most
 * SPARSE_MAX_BITS. */
void sparse_bitmap_resize(SparseBitmap *b, uint64_t bits);

/* @bit must exist (asserted). */
bool sparse_bitmap_test(const SparseBitmap *b, uint64_t bit);
/* [@start, +@n) must exist (asserted: callers bound foreign input first).
 * @n may be 0. */
static inline void sparse_bitmap_set(SparseBitmap *b, uint64_t start,
                                     uint64_t n);
void sparse_bitmap_clear(SparseBitmap *b, uint64_t start, uint64_t n);
void sparse_bitmap_clear_all(SparseBitmap *b);
void sparse_bitmap_set_all(SparseBitmap *b);

/* First set / clear bit in [@start, @end), or @end if there is none (also if
 * the range is empty). @end must not pass the size (asserted). */
uint64_t sparse_bitmap_next_set(const SparseBitmap *b, uint64_t start,
                                uint64_t end);
uint64_t sparse_bitmap_next_clear(const SparseBitmap *b, uint64_t start,
                                  uint64_t end);
/* First run of set bits in [@start, @end), cut after @max (not 0) bits; false,
 * with the results untouched, if no bit is set there. */
bool sparse_bitmap_next_run(const SparseBitmap *b, uint64_t start, uint64_t end,
                            uint64_t max, uint64_t *run_start,
                            uint64_t *run_bits);
/* Set bits in [@start, +@n). */
uint64_t sparse_bitmap_count_range(const SparseBitmap *b, uint64_t start,
                                   uint64_t n);

/* Same size and same bits. */
bool sparse_bitmap_equal(const SparseBitmap *a, const SparseBitmap *b);
/* Ors @src into @dst; same size (asserted), one bit means the same. By words;
 * what is uniform on either side is handled as a whole. Both may be one set. */
void sparse_bitmap_or(SparseBitmap *dst, const SparseBitmap *src);
/* The same for [@start, +@n) only. @start must be a multiple of
 * SPARSE_LEAF_BITS, and so must @n unless it reaches the end (asserted); not
 * 0. */
void sparse_bitmap_or_range(SparseBitmap *dst, const SparseBitmap *src,
                            uint64_t start, uint64_t n);
/*
 * Ors @src into @dst where one bit of @src covers @src_unit and one of @dst
 * @dst_unit (both powers of two, in the same unit, bytes say) of the same
 * @length: every @dst bit that overlaps a set @src bit is set. Sizes must be
 * DIV_ROUND_UP(@length, unit) (asserted). Costs time per run of set bits.
 * Only [@start, +@n) of the @length is looked at; @start must be a multiple of
 * SPARSE_LEAF_BITS of the larger unit, and so must @n unless it reaches the end
 * (asserted); @n may be 0.
 */
void sparse_bitmap_or_scaled(SparseBitmap *dst, uint64_t dst_unit,
                             const SparseBitmap *src, uint64_t src_unit,
                             uint64_t length, uint64_t start, uint64_t n);

/*
 * The bits as bytes, bit 0 of byte 0 first (little endian): what a qcow2
 * bitmap cluster holds and what checksums cover. @start must be a multiple of
 * 8 and so must @n unless it reaches the end. @buf has DIV_ROUND_UP(@n, 8)
 * bytes. Reading fills the spare bits of the last byte with zero; loading
 * ignores them.
 */
void sparse_bitmap_get_bytes(const SparseBitmap *b, uint64_t start, uint64_t n,
                             uint8_t *buf);
/* @bits in all are going to be loaded, in pieces: memory for them is made
 * ready at once. */
void sparse_bitmap_expect(SparseBitmap *b, uint64_t bits);
void sparse_bitmap_load_bytes(SparseBitmap *b, uint64_t start, uint64_t n,
                              const uint8_t *buf);

/* Asserts the invariants, walking everything; for tests and debug. */
void sparse_bitmap_check(const SparseBitmap *b);

/* The general way of sparse_bitmap_set(), which is what to call. */
void sparse_bitmap_set_slow(SparseBitmap *b, uint64_t start, uint64_t n);

/* A busy disk sets bits that are set already, near the last ones. In a full
 * set they all are. */
static inline void sparse_bitmap_set(SparseBitmap *b, uint64_t start,
                                     uint64_t n)
{
    if (b->count == b->bits && start < b->bits && n <= b->bits - start) {
        return;
    }
    if (LIKELY(n == 1 && start / SPARSE_LEAF_BITS == b->hot_index &&
               start < b->bits)) {
        uint64_t word = b->hot_words[start % SPARSE_LEAF_BITS / 64];

        if (LIKELY(word >> (start % 64) & 1)) {
            return;
        }
    }
    sparse_bitmap_set_slow(b, start, n);
}

#endif
