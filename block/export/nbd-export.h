/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One export as NBD clients see it: name, description, flags, metadata
 * contexts. Immutable while it is listed, so that connections read it freely.
 *
 * Invariants:
 * 1. Names of listed exports are distinct. An export is listed from its
 *    creation until its shutdown is requested.
 * 2. The bitmaps stay busy from creation until the state is freed, so they
 *    outlive every connection.
 */
#ifndef BLOCK_EXPORT_NBD_EXPORT_H
#define BLOCK_EXPORT_NBD_EXPORT_H

#include "block/bitmap/bitmap.h"
#include "block/export/export.h"

#define NBD_CONTEXT_BASE "base:allocation"
#define NBD_CONTEXT_DEPTH "qemu:allocation-depth"
#define NBD_CONTEXT_BITMAP "qemu:dirty-bitmap:"

/* Context numbers on the wire; bitmaps count from the last one. */
#define NBD_CONTEXT_ID_BASE 0u
#define NBD_CONTEXT_ID_DEPTH 1u
#define NBD_CONTEXT_ID_BITMAP 2u

typedef struct NbdExportBitmap {
    DirtyBitmap *bitmap;
    char *context; /* "qemu:dirty-bitmap:NAME" */
} NbdExportBitmap;

typedef struct NbdExport {
    /* CONST */
    BlockExport *exp;
    uint64_t serial; /* never given twice */
    char *name;
    char *description;       /* NULL: none */
    GArray *bitmaps;         /* NbdExportBitmap, in the order given */
    GPtrArray *bitmap_nodes; /* a reference of each bitmap's node */
    bool shows_depth;        /* offers NBD_CONTEXT_DEPTH */
    uint32_t memory_align; /* of buffers, so that disks take them as they are */

    /* CONTROL */
    ListLink listed;  /* oldest first; unlinked when shutting down */
    ListLink clients; /* NbdConn.in_export */
} NbdExport;

extern const ExportDriver nbd_export_driver;

/* Listed ones only; NULL if there is none. */
NbdExport *nbd_export_find(const char *name);
/* Walks the listed ones, oldest first; NULL begins and ends. */
NbdExport *nbd_export_next(const NbdExport *e);

/* Any thread. */
uint64_t nbd_export_size_bytes(const NbdExport *e);
/* Transmission flags for a client that negotiated structured replies or not. */
uint16_t nbd_export_flags(const NbdExport *e, bool structured) CONTROL_ONLY;
/* What requests need to be multiples of to be served without detour. */
uint32_t nbd_export_min_block_bytes(const NbdExport *e);
uint32_t nbd_export_preferred_block_bytes(const NbdExport *e);

#endif
