/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitmaps that an image keeps: their format on disk, and what the files
 * bitmap-*.c share. Source: the published specification of qcow2, "Bitmaps
 * extension".
 *
 * Invariants:
 * 1. b->stored is what the directory on disk says. It changes under the graph
 *    lock only, except for the flag IN_USE.
 * 2. While guests may write, no entry on disk claims to be right: IN_USE is on
 *    disk, for all of them, before the first change of the disk
 *    (s->bitmaps_unmarked is false).
 * 3. A new directory, its tables and their clusters are on stable storage
 *    before the header names it; what it replaces is freed after.
 * 4. Damage here never keeps the disk from being served: a bitmap that cannot
 *    be read is there, inconsistent, and may be removed.
 */
#ifndef BLOCK_QCOW2_BITMAP_INT_H
#define BLOCK_QCOW2_BITMAP_INT_H

#include "block/bitmap/bitmap.h"
#include "block/qcow2/qcow2-int.h"

#define QCOW2_MAX_BITMAPS 65535
#define QCOW2_MAX_BITMAP_DIRECTORY_BYTES (64 * MiB)
#define QCOW2_MAX_BITMAP_TABLE_ENTRIES (0x8000000 / 8)
/* Of the bits of one bitmap. */
#define QCOW2_MAX_BITMAP_BYTES (512 * MiB)
#define QCOW2_BITMAP_TYPE_DIRTY 1

typedef struct Qcow2BitmapsExtension {
    Be32 count;
    Be32 reserved;
    Be64 directory_bytes;
    Be64 directory_offset;
} Qcow2BitmapsExtension;
STATIC_ASSERT(sizeof(Qcow2BitmapsExtension) == 24);

/* Then @extra_bytes, the name, padding to eight. */
typedef struct Qcow2BitmapHead {
    Be64 table_offset;
    Be32 table_entries;
    Be32 flags;
    uint8_t type;
    uint8_t granularity_bits;
    Be16 name_bytes;
    Be32 extra_bytes;
} Qcow2BitmapHead;
STATIC_ASSERT(sizeof(Qcow2BitmapHead) == 24);

enum {
    QCOW2_BITMAP_IN_USE = 1 << 0,
    QCOW2_BITMAP_AUTO = 1 << 1,
    QCOW2_BITMAP_EXTRA_COMPATIBLE = 1 << 2,
    QCOW2_BITMAP_FLAGS_KNOWN = 7,
};

/* An entry of a bitmap's table: a place, or one of two values. */
#define QCOW2_BITMAP_ALL_ONES UINT64_C(1)
#define QCOW2_BITMAP_RESERVED UINT64_C(0xff000000000001fe)

typedef struct Qcow2Stored {
    char *name; /* its bytes and a zero */
    uint16_t name_bytes;
    uint64_t table_offset;
    uint32_t table_entries;
    uint32_t flags;
    uint8_t type, granularity_bits;
    uint8_t *extra;
    uint32_t extra_bytes;
} Qcow2Stored;

typedef struct Qcow2Bitmaps {
    GPtrArray *stored; /* Qcow2Stored, in the order of the directory */
    uint64_t directory_offset, directory_bytes; /* 0: there is none */
    bool damaged; /* not all of the directory could be read */
    CoMutex marking;
} Qcow2Bitmaps;

static inline Qcow2Bitmaps *qcow2_bitmaps(const Qcow2State *s)
{
    return s->bitmaps;
}

/* --- bitmap-directory.c -------------------------------------------------- */

void qcow2_stored_free(gpointer stored);
Qcow2Stored *qcow2_stored_copy(const Qcow2Stored *stored);
/* By name; -1 if there is none. */
int qcow2_stored_find(const GPtrArray *list, const char *name);
/* Bytes of a directory with these entries. */
uint64_t qcow2_directory_bytes(const GPtrArray *list);
/* Reads what the header names. What is wrong, as text that lives on, or NULL;
 * what could be read is there all the same. */
const char *co_qcow2_directory_read(Qcow2State *s,
                                    Qcow2Bitmaps *b) COROUTINE_ONLY;
/* Writes @list, whose tables are written, to a new place and makes it the
 * image's; b->stored is @list then, which is the caller's before. On failure
 * nothing has changed. */
int co_qcow2_directory_write(Qcow2State *s, GPtrArray *list) COROUTINE_ONLY;
/* s->bitmaps_unmarked from b->stored. */
void qcow2_bitmaps_update_unmarked(Qcow2State *s);

/* --- bitmap-table.c, bitmap-write.c -------------------------------------- */

static inline uint64_t qcow2_bits_per_cluster(const Qcow2State *s)
{
    return s->cluster_bytes * 8;
}
/* How many bits the cluster @index of @bits holds; the last has fewer. */
static inline uint64_t qcow2_bits_at(const Qcow2State *s,
                                     const SparseBitmap *bits, uint64_t index)
{
    uint64_t start = index * qcow2_bits_per_cluster(s);

    return MIN(qcow2_bits_per_cluster(s), sparse_bitmap_size(bits) - start);
}
/* Its table, which the caller frees. What is wrong, as text that lives on, or
 * NULL. */
const char *co_qcow2_bits_table_read(Qcow2State *s, const Qcow2Stored *stored,
                                     Be64 **table) COROUTINE_ONLY;
/* For co_qcow2_bits_read(): what it reads at once; NULL if there is not enough
 * memory. The caller frees it. */
void *qcow2_bits_buffer(const Qcow2State *s);
/* Reads the bits of @stored into @bits, which has the size it must have. What
 * is wrong, as text that lives on, or NULL. *@budget: how many clusters all
 * bitmaps together may still take. @buffer: of qcow2_bits_buffer(), or NULL.
 */
const char *co_qcow2_bits_read(Qcow2State *s, const Qcow2Stored *stored,
                               uint64_t *budget, void *buffer,
                               SparseBitmap *bits) COROUTINE_ONLY;
/* Writes @bits to new clusters and sets table_offset and table_entries. */
int co_qcow2_bits_write(Qcow2State *s, const SparseBitmap *bits,
                        Qcow2Stored *stored) COROUTINE_ONLY;
/* Lets go of all clusters of @stored, later, which nothing on disk names any
 * more. -EIO if what it says of them is not right: then they leak. */
int co_qcow2_bits_free(Qcow2State *s, const Qcow2Stored *stored) COROUTINE_ONLY;
/* The same at once, for what the header has never named. */
void co_qcow2_bits_undo(Qcow2State *s,
                        const Qcow2Stored *stored) COROUTINE_ONLY;
/* Clusters that @bits bits take if none is left out. */
uint64_t qcow2_bits_clusters(const Qcow2State *s, uint64_t bits);

/* --- bitmap-load.c, bitmap-store.c, bitmap-info.c ------------------------ */

/* Makes the node's bitmaps from those of the image. On control. */
void co_qcow2_bitmaps_open(Qcow2State *s) COROUTINE_ONLY;
void qcow2_bitmaps_close(Qcow2State *s);
/* Writes the bitmaps of the node that are persistent; the clusters of what was
 * there before are free after the next co_qcow2_settle. At home, nothing else
 * is in flight. */
int co_qcow2_bitmaps_store(Qcow2State *s) COROUTINE_ONLY;
/* The node can(not) be written from now on. */
void qcow2_bitmaps_set_readonly(Qcow2State *s, bool readonly);
/* Whether the size may change. */
bool qcow2_bitmaps_check_resize(Qcow2State *s, uint64_t size_bytes,
                                Error **errp);
struct Qcow2BitmapInfoList;
/* NULL: there are none. */
struct Qcow2BitmapInfoList *qcow2_bitmaps_info(const Qcow2State *s);
/* What the bitmaps of @source take in an image with the geometry of @s. */
uint64_t qcow2_bitmaps_measure(const Qcow2State *s, const Node *source);
extern const BitmapStore qcow2_bitmap_store;

/* --- bitmap-fits.c ------------------------------------------------------- */

/* As of a BitmapStore. */
bool co_qcow2_bitmap_can_store(Node *node, const char *name,
                               uint32_t granularity_bytes,
                               Error **errp) COROUTINE_ONLY;

#endif
