/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small things every file needs: sizes, rounding, container_of and
 * compile-time checks. Includes nothing of blocks.
 */
#ifndef UTIL_COMMON_H
#define UTIL_COMMON_H

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

#define KiB (UINT64_C(1) << 10)
#define MiB (UINT64_C(1) << 20)
#define GiB (UINT64_C(1) << 30)
#define TiB (UINT64_C(1) << 40)

/* The largest disk or offset that any room accepts, in bytes: INT64_MAX
 * rounded down so that rounding up to the largest granularity (2 GiB) can
 * never overflow an int64_t. */
#define BLOCK_MAX_BYTES (INT64_MAX & ~((INT64_C(1) << 31) - 1))

#define container_of(ptr, type, member)                    \
    ((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - \
              offsetof(type, member)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STATIC_ASSERT(cond) _Static_assert(cond, #cond)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Rounding of unsigned 64-bit values; @n must be a power of two for the
 * POW2 forms and non-zero for the others. */
#define ROUND_DOWN(x, n) ((x) / (n) * (n))
#define ROUND_UP(x, n) (((x) + (n)-1) / (n) * (n))
#define DIV_ROUND_UP(x, n) (((x) + (n)-1) / (n))

static inline bool is_power_of_2(uint64_t x)
{
    return x && !(x & (x - 1));
}

/* Raises *@x to @value if that is more, whoever else does so. */
static inline void atomic_max(uint64_t *x, uint64_t value)
{
    uint64_t old = __atomic_load_n(x, __ATOMIC_RELAXED);

    while (old < value &&
           !__atomic_compare_exchange_n(x, &old, value, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
        /* @old is what it is now. */
    }
}

/* Offset + length without overflow and within @limit_bytes. */
static inline bool range_fits(uint64_t offset_bytes, uint64_t length_bytes,
                              uint64_t limit_bytes)
{
    return offset_bytes <= limit_bytes &&
           length_bytes <= limit_bytes - offset_bytes;
}

#endif
