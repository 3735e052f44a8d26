/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integers of disk formats, least significant byte first, as struct types: a
 * forgotten conversion does not compile. All have alignment 1.
 */
#ifndef UTIL_LE_H
#define UTIL_LE_H

#include "util/common.h"

typedef struct Le32 {
    uint8_t b[4];
} Le32;
typedef struct Le64 {
    uint8_t b[8];
} Le64;

STATIC_ASSERT(sizeof(Le32) == 4 && sizeof(Le64) == 8);

static inline uint32_t le32_get(Le32 x)
{
    uint32_t v;

    memcpy(&v, x.b, 4);
    return GUINT32_FROM_LE(v);
}

static inline uint64_t le64_get(Le64 x)
{
    uint64_t v;

    memcpy(&v, x.b, 8);
    return GUINT64_FROM_LE(v);
}

static inline Le32 le32(uint32_t v)
{
    Le32 x;

    v = GUINT32_TO_LE(v);
    memcpy(x.b, &v, 4);
    return x;
}

static inline Le64 le64(uint64_t v)
{
    Le64 x;

    v = GUINT64_TO_LE(v);
    memcpy(x.b, &v, 8);
    return x;
}

#endif
