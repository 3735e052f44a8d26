/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integers of wire and disk formats, most significant byte first, as struct
 * types: a forgotten conversion does not compile. All have alignment 1.
 */
#ifndef UTIL_BE_H
#define UTIL_BE_H

#include "util/common.h"

typedef struct Be16 {
    uint8_t b[2];
} Be16;
typedef struct Be32 {
    uint8_t b[4];
} Be32;
typedef struct Be64 {
    uint8_t b[8];
} Be64;

STATIC_ASSERT(sizeof(Be16) == 2 && sizeof(Be32) == 4 && sizeof(Be64) == 8);

static inline uint16_t be16_get(Be16 x)
{
    return (uint16_t)(x.b[0] << 8 | x.b[1]);
}

static inline uint32_t be32_get(Be32 x)
{
    return (uint32_t)x.b[0] << 24 | (uint32_t)x.b[1] << 16 |
           (uint32_t)x.b[2] << 8 | x.b[3];
}

static inline uint64_t be64_get(Be64 x)
{
    uint64_t v;

    memcpy(&v, x.b, 8);
    return GUINT64_FROM_BE(v);
}

static inline Be16 be16(uint16_t v)
{
    return (Be16){{v >> 8, v & 0xff}};
}

static inline Be32 be32(uint32_t v)
{
    Be32 x;

    v = GUINT32_TO_BE(v);
    memcpy(x.b, &v, 4);
    return x;
}

static inline Be64 be64(uint64_t v)
{
    Be64 x;

    v = GUINT64_TO_BE(v);
    memcpy(x.b, &v, 8);
    return x;
}

#endif
