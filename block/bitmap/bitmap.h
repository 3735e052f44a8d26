/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps: which granules of a node were written since when.
 *
 * Invariants:
 * 1. While a bitmap is enabled, a granule is marked after each write, zeroing
 *    or discard that touches it has landed (or failed), and before that
 *    request completes.
 * 2. A consumer clears first, then reads.
 * 3. A busy bitmap is somebody's (a job, an export): users may only look at
 *    it. While a job holds it, its successor records what is written.
 * 4. count is in bytes of whole granules, also for a short last one.
 * Threads: control makes and removes bitmaps and changes their state; bits are
 * set from any reactor. node->bitmaps_lock (short) guards the list and the bits
 * of all bitmaps of a node; nothing yields under it.
 */
#ifndef BLOCK_BITMAP_BITMAP_H
#define BLOCK_BITMAP_BITMAP_H

#include "block/graph/node.h"
#include "util/sparse-bitmap.h"

#define BITMAP_NAME_MAX 1023
#define BITMAP_GRANULARITY_MIN 512u
#define BITMAP_GRANULARITY_MAX (1u << 31)

/* max(4 KiB, min(64 KiB, cluster size)), in bytes. */
uint32_t bitmap_default_granularity(Node *node);

/* --- life (control) ------------------------------------------------------ */

/* Enabled, all clear, newest first in node->bitmaps. @name NULL: anonymous.
 * Texts: QEMU's (`Bitmap already exists: %s` ...). */
DirtyBitmap *bitmap_create(Node *node, uint32_t granularity_bytes,
                           const char *name, Error **errp);
/* Removes it from its node and frees it. Not busy, no successor. */
void bitmap_release(DirtyBitmap *bitmap);
/* Releases all of them (the node goes away). */
void bitmap_release_all(Node *node);
/* By name on this node only; NULL. */
DirtyBitmap *bitmap_find(const Node *node, const char *name);
/* Node and bitmap by name, with QEMU's texts `Node '%s' not found`... ; the
 * node may be a device name. */
DirtyBitmap *bitmap_lookup(const char *node, const char *name, Node **pnode,
                           Error **errp) CONTROL_ONLY;
DirtyBitmap *bitmap_next(const Node *node, const DirtyBitmap *bitmap);
/* The node's size changed: old bits stay, the grown area is clean. */
void bitmaps_resize(Node *node, uint64_t size_bytes);

/* --- state --------------------------------------------------------------- */

const char *bitmap_name(const DirtyBitmap *bitmap); /* NULL if anonymous */
Node *bitmap_node(const DirtyBitmap *bitmap);
uint32_t bitmap_granularity_bytes(const DirtyBitmap *bitmap);
uint64_t bitmap_size_bytes(const DirtyBitmap *bitmap);
uint64_t bitmap_count_bytes(const DirtyBitmap *bitmap);
bool bitmap_enabled(const DirtyBitmap *bitmap);
bool bitmap_recording(const DirtyBitmap *bitmap); /* or its successor does */
bool bitmap_busy(const DirtyBitmap *bitmap);
bool bitmap_persistent(const DirtyBitmap *bitmap);
bool bitmap_inconsistent(const DirtyBitmap *bitmap);
void bitmap_enable(DirtyBitmap *bitmap);
void bitmap_disable(DirtyBitmap *bitmap);
void bitmap_set_busy(DirtyBitmap *bitmap, bool busy);
void bitmap_set_persistent(DirtyBitmap *bitmap, bool persistent);
void bitmap_set_readonly(DirtyBitmap *bitmap, bool readonly);
/* What it says cannot be relied upon: from now on it can only be removed. */
void bitmap_set_inconsistent(DirtyBitmap *bitmap);

enum {
    BITMAP_CHECK_BUSY = 1 << 0,
    BITMAP_CHECK_READONLY = 1 << 1,
    BITMAP_CHECK_INCONSISTENT = 1 << 2,
    BITMAP_CHECK_DEFAULT = 7,
    BITMAP_CHECK_ALLOW_RO = 5,
};
/* False with QEMU's text when one of @checks does not hold. */
bool bitmap_check(const DirtyBitmap *bitmap, unsigned checks, Error **errp);

/* --- successor: what a job does with the user's bitmap ------------------- */

/* The bitmap gets busy and stops recording; an anonymous successor records if
 * it did. */
bool bitmap_create_successor(DirtyBitmap *bitmap, Error **errp);
/* The successor's bits replace the bitmap's: what was copied is forgotten. */
void bitmap_abdicate(DirtyBitmap *bitmap);
/* The successor's bits are added to the bitmap's: nothing is forgotten. */
void bitmap_reclaim(DirtyBitmap *bitmap);

/* --- bits ---------------------------------------------------------------- */

/* Ranges are clipped to the size. Setting marks every granule that the range
 * touches; resetting clears only granules that lie in it whole (a short last
 * granule does when the range reaches the end). */
void bitmap_set(DirtyBitmap *bitmap, uint64_t offset_bytes, uint64_t bytes);
void bitmap_reset(DirtyBitmap *bitmap, uint64_t offset_bytes, uint64_t bytes);
bool bitmap_get(const DirtyBitmap *bitmap, uint64_t offset_bytes);
void bitmap_set_all(DirtyBitmap *bitmap);
/* All clear; with @old not NULL the bits before go there (undo). */
void bitmap_clear_all(DirtyBitmap *bitmap, SparseBitmap **old);
/* A copy of the bits, for undo; owned by the caller. */
SparseBitmap *bitmap_snapshot_bits(const DirtyBitmap *bitmap);
/* For stores: the bits with what its successor has recorded, which is all that
 * is not to be forgotten if the job that holds it never ends. Valid while
 * nothing changes the bitmap; *@owned, if not NULL, is to be freed after. */
const SparseBitmap *bitmap_recorded_bits(const DirtyBitmap *bitmap,
                                         SparseBitmap **owned);
/* Its bits are kept as they are now in the copy of that name (not 0); see
 * sparse_bitmap_kept(). Not if they have a successor. */
void bitmap_note_kept(DirtyBitmap *bitmap, uint64_t copy);
/* Puts bits back that bitmap_clear_all or bitmap_snapshot_bits gave out; takes
 * ownership. */
void bitmap_restore(DirtyBitmap *bitmap, SparseBitmap *old);
/* First dirty / clean byte in [@start, @end), or @end. */
uint64_t bitmap_next_dirty(const DirtyBitmap *bitmap, uint64_t start,
                           uint64_t end);
uint64_t bitmap_next_clean(const DirtyBitmap *bitmap, uint64_t start,
                           uint64_t end);
/* First dirty run in [@start, @end), at most @max_bytes long; clipped to the
 * size and the bounds. */
bool bitmap_next_dirty_run(const DirtyBitmap *bitmap, uint64_t start,
                           uint64_t end, uint64_t max_bytes,
                           uint64_t *run_start, uint64_t *run_bytes);
/* Adds @src's bits to @dst. The sizes must be equal, the granularities need
 * not; @dst may be @src. */
void bitmap_merge(DirtyBitmap *dst, const DirtyBitmap *src);
/* The same in steps; between them others run, guest I/O too, and what it marks
 * in either counts or does not. The caller sees to it that both bitmaps and
 * their sizes stay. */
void co_bitmap_merge(DirtyBitmap *dst, const DirtyBitmap *src) COROUTINE_ONLY;
/* Memory of the bits. */
size_t bitmap_memory_bytes(const DirtyBitmap *bitmap);
/* Frees bits that bitmap_clear_all gave out, in such steps. */
void co_bits_free(SparseBitmap *bits) COROUTINE_ONLY;
/* Lower-case hex sha256 of the serialised bits; owned by the caller. */
char *bitmap_sha256(const DirtyBitmap *bitmap);

/* --- called by block/io after a write landed ----------------------------- */

/* Marks [@offset_bytes, +@bytes) in every enabled bitmap of @node. */
void bitmaps_mark(Node *node, uint64_t offset_bytes, uint64_t bytes);

/* --- stores: where bitmaps are kept when their node is closed ------------ */

/* What a driver that keeps persistent bitmaps offers (NodeDriver.bitmap_store);
 * it makes the bitmaps when it opens and writes them when it closes. All are
 * called on control with the graph lock held, and may yield. */
typedef struct BitmapStore {
    /* Whether this image could keep any. NULL: it could. */
    bool (*supported)(const Node *node);
    /* False with QEMU's text if one more bitmap could not be kept. */
    bool (*co_can_store)(Node *node, const char *name,
                         uint32_t granularity_bytes, Error **errp);
    /* Takes it out of what is kept, if it is there. The node is quiesced. */
    bool (*co_forget)(Node *node, const char *name, Error **errp);
    /* A persistent bitmap is about to change: what is kept must not be taken
     * for right from now on. */
    bool (*co_touch)(Node *node, Error **errp);
} BitmapStore;

/*
 * What queries say of the bitmap that a job works off: that it is one of
 * @listed_at (NULL: of its own node), and whether it records. QEMU's jobs mark
 * by hand in some modes, and clients compare what is shown.
 */
void bitmap_tell_as(DirtyBitmap *bitmap, const Node *listed_at,
                    bool recording) CONTROL_ONLY;
/* What queries show (BlockDirtyInfo), newest first; NULL without bitmaps. */
struct BlockDirtyInfoList;
struct BlockDirtyInfoList *bitmaps_query(const Node *node);

#endif
