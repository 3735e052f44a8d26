/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building the extents of one block status chunk.
 *
 * Invariants: neighbours have different flags; no extent is empty; there are
 * at most max_extents; together they cover a leading part of the area that
 * was asked for and never go beyond it.
 */
#ifndef NBD_EXTENTS_H
#define NBD_EXTENTS_H

#include "nbd/protocol.h"

typedef struct NbdRun {
    uint64_t bytes;
    uint32_t flags;
} NbdRun;

typedef struct NbdExtents {
    NbdRun *v;
    unsigned n;
    unsigned max_extents;
    unsigned capacity;
    uint64_t left_bytes; /* of the area, not covered yet */
} NbdExtents;

/* For an area of @bytes, that of one request. @max_extents > 0. Free with
 * nbd_extents_free. */
void nbd_extents_init(NbdExtents *e, unsigned max_extents, uint64_t bytes);
void nbd_extents_free(NbdExtents *e);

/* Appends @bytes (> 0; clipped to the area) with @flags. False when no more
 * may be added: the area is covered or the list is full. */
bool nbd_extents_add(NbdExtents *e, uint64_t bytes, uint32_t flags);

/* Appends their wire form to @out: NbdExtExtent with extended headers, else
 * NbdExtent, for which the area is at most UINT32_MAX bytes. */
void nbd_extents_encode(const NbdExtents *e, bool extended, GByteArray *out);

#endif
