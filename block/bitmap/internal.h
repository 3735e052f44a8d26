/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room know of a dirty bitmap; nobody else does. */
#ifndef BLOCK_BITMAP_INTERNAL_H
#define BLOCK_BITMAP_INTERNAL_H

#include "block/bitmap/bitmap.h"

struct DirtyBitmap {
    /* CONST */
    Node *node;
    char *name; /* NULL: anonymous */
    unsigned granularity_bits;

    /* CONTROL */
    ListLink in_node;
    DirtyBitmap *successor; /* records while a job holds this one */
    bool busy;
    bool persistent;
    bool readonly;
    bool inconsistent;
    const Node *listed_at; /* whose queries show it; NULL: @node's */
    bool told_idle;        /* they show that it does not record */

    /* SHORT: under node->bitmaps_lock */
    bool enabled;
    uint64_t size_bytes;
    SparseBitmap *bits;
};

static inline void bitmap_lock(const DirtyBitmap *bitmap)
{
    short_lock(&bitmap->node->bitmaps_lock);
}

static inline void bitmap_unlock(const DirtyBitmap *bitmap)
{
    short_unlock(&bitmap->node->bitmaps_lock);
}

#endif
