/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's bitmap operations, checked, with their undo: what the QMP
 * commands (qmp.c) and the transaction actions (actions.c) share. Control
 * thread; none yields but those with co_.
 */
#ifndef BLOCK_BITMAP_OPS_H
#define BLOCK_BITMAP_OPS_H

#include "block/bitmap/bitmap.h"
#include "qapi/qapi-types.h"

/* NULL with QEMU's text; nothing changed then. The graph lock is held. */
DirtyBitmap *co_bitmap_op_add(const BlockDirtyBitmapAdd *args,
                              Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Finds the bitmap and checks that it may be used so. */
DirtyBitmap *bitmap_op_find(const char *node, const char *name, unsigned checks,
                            Error **errp) CONTROL_ONLY;
/* The same for one that is about to change. The graph lock is held. */
DirtyBitmap *co_bitmap_op_change(const char *node, const char *name,
                                 unsigned checks,
                                 Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Finds a bitmap to be removed, makes it busy and takes it out of its store;
 * the node is quiesced. NULL: it is as it was. */
DirtyBitmap *co_bitmap_op_forget(const BlockDirtyBitmap *args,
                                 Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Before a merge: all is checked, in the order of QEMU, and the target may
 * change. The graph lock is held. */
bool co_bitmap_op_merge_begin(const BlockDirtyBitmapMerge *args,
                              Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Merges all sources or, on error, none. @old (may be NULL): the target's bits
 * before. */
DirtyBitmap *bitmap_op_merge(const BlockDirtyBitmapMerge *args,
                             SparseBitmap **old, Error **errp) CONTROL_ONLY;
/* The same for a single command. Big bitmaps are merged in steps, so that guest
 * I/O goes on; they are busy meanwhile, and the graph lock is held. */
bool co_bitmap_op_merge(const BlockDirtyBitmapMerge *args,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
