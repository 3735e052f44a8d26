/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the disks of the benchmarks hold: each aligned 8-byte word is a
 * function of its place and of a number, so that data in the wrong place, old
 * data and zeroes are all found.
 */
#ifndef TESTS_BENCH_LOAD_PATTERN_H
#define TESTS_BENCH_LOAD_PATTERN_H

#include "util/common.h"

#define PATTERN_FACTOR UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t pattern_word(uint64_t offset_bytes, uint64_t version)
{
    return (offset_bytes / 8 + 1 + (version << 48)) * PATTERN_FACTOR;
}

/* @offset_bytes and @bytes are multiples of 8. Each word is the one before plus
 * the factor: four sums at a time are as fast as memory, products are not. */
static inline void pattern_fill(void *buf, uint64_t offset_bytes, size_t bytes,
                                uint64_t version)
{
    uint64_t word = pattern_word(offset_bytes, version);
    size_t n = bytes / 8, i = 0;
    uint64_t *words = buf;

    for (; i + 4 <= n; i += 4) {
        words[i] = word;
        words[i + 1] = word + PATTERN_FACTOR;
        words[i + 2] = word + 2 * PATTERN_FACTOR;
        words[i + 3] = word + 3 * PATTERN_FACTOR;
        word += 4 * PATTERN_FACTOR;
    }
    for (; i < n; i++) {
        words[i] = pattern_word(offset_bytes + i * 8, version);
    }
}

/* Looks at one word in @step bytes (a multiple of 8) of data that was at
 * @offset_bytes of the disk. Words that @buf has only parts of are skipped. */
static inline bool pattern_check(const void *buf, uint64_t offset_bytes,
                                 size_t bytes, uint64_t version, size_t step)
{
    const char *p = buf;
    size_t at = ROUND_UP(offset_bytes, step) - offset_bytes;

    for (; at + 8 <= bytes; at += step) {
        uint64_t word;

        memcpy(&word, p + at, 8);
        if (word != pattern_word(offset_bytes + at, version)) {
            return false;
        }
    }
    return true;
}

#endif
