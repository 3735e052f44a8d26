/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy-before-write filter: between a disk and its users, it saves what
 * they are about to overwrite to a target, so that a copy in the making stays
 * of one point in time: the moment the filter was put in.
 *
 *      users of the disk            users of the disk
 *            |            insert          |
 *            |           -------->   copy-before-write
 *            |           <--------     | file     | target
 *          disk            drop       disk      target
 *
 * Invariants:
 * 1. Every byte of the target that the copy engine calls done is the disk's
 *    at the moment the filter was put in.
 * 2. A write, zeroing or discard passes to the disk only when all clusters
 *    that it touches are done (block/copy/block-copy.h, invariant 3). If that
 *    fails, so does the request, and the disk is unchanged.
 * 3. While the filter has users nobody else writes to the disk or resizes it.
 * Not for blockdev-add yet: a job puts it in and takes it out. All functions
 * are for the control thread, under the graph lock.
 */
#ifndef BLOCK_FILTER_COPY_BEFORE_WRITE_H
#define BLOCK_FILTER_COPY_BEFORE_WRITE_H

#include "block/copy/block-copy.h"

/*
 * Puts a filter called @name (NULL: generated) between @source and all its
 * users, in front of @target, which has the same size. Nothing is to do in its
 * engine yet: the caller fills block_copy_todo before the users go on.
 * @source must be quiesced. Returns the filter with one reference, which
 * co_cbw_drop takes back; NULL with nothing changed, texts as QEMU's.
 */
Node *co_cbw_insert(Node *source, Node *target, const char *name,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Gives all users of the filter back to the disk; what was still to do is
 * forgotten (settle with block_copy_todo before). It must be quiesced. Cannot
 * fail and does not yield, so a transaction's abort may call it. */
void cbw_bypass(Node *filter) CONTROL_ONLY;
/* Quiesces and bypasses the filter, unless it was, and drops the caller's
 * reference. */
void co_cbw_drop(Node *filter) COROUTINE_ONLY CONTROL_ONLY;

/* The engine, owned by the filter. */
BlockCopy *cbw_block_copy(const Node *filter);

#endif
