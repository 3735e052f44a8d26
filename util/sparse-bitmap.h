/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sparse, hierarchical set of bits: the memory under every dirty bitmap and
 * every "to be copied" set. Positions are bits; granularity is the caller's.
 *
 * Leaves of SPARSE_LEAF_BITS bits are allocated on first touch; a leaf that
 * is all clear or all set has no memory. A summary level above tells which
 * leaves hold anything, so that finding the next set or clear bit skips whole
 * leaves. Memory follows what was touched: an empty set of 2^28 bits (16 TiB
 * at 64 KiB) costs kilobytes.
 *
 * Invariants:
 * 1. count is exact at all times.
 * 2. An allocated leaf is neither all clear nor all set (over the bits that
 *    exist): it is elided in the same call that makes it uniform.
 * 3. Bits at or past the size do not exist: never set, never counted.
 * Threads: none of this locks; the owner does.
 */
#ifndef UTIL_SPARSE_BITMAP_H
#define UTIL_SPARSE_BITMAP_H

#include "util/common.h"

#define SPARSE_LEAF_BITS 32768u /* 4 KiB of bits */

typedef struct SparseBitmap SparseBitmap;

/* @bits: how many exist, all clear at first. */
SparseBitmap *sparse_bitmap_new(uint64_t bits);
void sparse_bitmap_free(SparseBitmap *b); /* NULL is fine */
SparseBitmap *sparse_bitmap_clone(const SparseBitmap *b);

uint64_t sparse_bitmap_size(const SparseBitmap *b);
uint64_t sparse_bitmap_count(const SparseBitmap *b); /* set bits */
size_t sparse_bitmap_memory(const SparseBitmap *b);  /* bytes in use */

/* Old bits stay; new ones are clear; dropped ones are gone. */
void sparse_bitmap_resize(SparseBitmap *b, uint64_t bits);

bool sparse_bitmap_test(const SparseBitmap *b, uint64_t bit);
/* [@start, +@n) must exist (asserted: callers bound foreign input first).
 * @n may be 0. */
void sparse_bitmap_set(SparseBitmap *b, uint64_t start, uint64_t n);
void sparse_bitmap_clear(SparseBitmap *b, uint64_t start, uint64_t n);
void sparse_bitmap_clear_all(SparseBitmap *b);
void sparse_bitmap_set_all(SparseBitmap *b);

/* First set / clear bit in [@start, @end), or @end if there is none. */
uint64_t sparse_bitmap_next_set(const SparseBitmap *b, uint64_t start,
                                uint64_t end);
uint64_t sparse_bitmap_next_clear(const SparseBitmap *b, uint64_t start,
                                  uint64_t end);
/* First run of set bits in [@start, @end), of at most @max bits; false if
 * none. */
bool sparse_bitmap_next_run(const SparseBitmap *b, uint64_t start,
                            uint64_t end, uint64_t max, uint64_t *run_start,
                            uint64_t *run_bits);
/* Set bits in [@start, +@n). */
uint64_t sparse_bitmap_count_range(const SparseBitmap *b, uint64_t start,
                                   uint64_t n);

bool sparse_bitmap_equal(const SparseBitmap *a, const SparseBitmap *b);
/* Ors @src into @dst; same size, one bit means the same; by words. */
void sparse_bitmap_or(SparseBitmap *dst, const SparseBitmap *src);
/*
 * Ors @src into @dst where one bit of @src covers @src_unit and one of @dst
 * @dst_unit (both powers of two, in the same unit, bytes say) of the same
 * @length: every @dst bit that overlaps a set @src bit is set. Sizes must be
 * DIV_ROUND_UP(@length, unit).
 */
void sparse_bitmap_or_scaled(SparseBitmap *dst, uint64_t dst_unit,
                             const SparseBitmap *src, uint64_t src_unit,
                             uint64_t length);

/*
 * The bits as bytes, bit 0 of byte 0 first (little endian): what a qcow2
 * bitmap cluster holds and what checksums cover. @start must be a multiple of
 * 8 and so must @n unless it reaches the end. @buf has DIV_ROUND_UP(@n, 8)
 * bytes. Reading fills the spare bits of the last byte with zero; loading
 * ignores them.
 */
void sparse_bitmap_get_bytes(const SparseBitmap *b, uint64_t start, uint64_t n,
                             uint8_t *buf);
void sparse_bitmap_load_bytes(SparseBitmap *b, uint64_t start, uint64_t n,
                              const uint8_t *buf);

/* Checks the invariants; for tests and debug. */
void sparse_bitmap_check(const SparseBitmap *b);

#endif
