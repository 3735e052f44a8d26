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
 * 4. What is read through its snapshot functions is of the point in time, or
 *    they fail.
 * 5. With on-cbw-error=break-snapshot writes always pass. The first that could
 *    not be saved breaks the snapshot for good.
 * A job puts one in and takes it out (co_cbw_insert, co_cbw_drop); a user makes
 * one by blockdev-add (`copy-before-write`), whose point in time is the moment
 * when it comes between the disk and its users.
 */
#ifndef BLOCK_FILTER_COPY_BEFORE_WRITE_H
#define BLOCK_FILTER_COPY_BEFORE_WRITE_H

#include "block/copy/block-copy.h"

/* Zeroed: nothing special. */
typedef struct CbwInsertOptions {
    uint64_t min_cluster_bytes; /* a power of 2, or 0 */
    bool break_snapshot;        /* rather than users' writes, on an error */
    bool compress;              /* REQ_COMPRESSED to the target */
    bool discard_source; /* what was copied, block_copy_set_discard_source */
} CbwInsertOptions;
/*
 * Puts a filter called @name (NULL: generated) between @source and all its
 * users, in front of @target, which has the same size. Nothing is to do in its
 * engine yet: the caller fills block_copy_todo before the users go on.
 * @source must be quiesced. Returns the filter with one reference, which
 * co_cbw_drop takes back; NULL with nothing changed, texts as QEMU's.
 */
Node *co_cbw_insert(Node *source, Node *target, const char *name,
                    const CbwInsertOptions *options,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* 0, or -errno that broke the snapshot. */
int cbw_error(const Node *filter);
/* Gives all users of the filter back to the disk; what was still to do is
 * forgotten (settle with block_copy_todo before). It must be quiesced. Cannot
 * fail and does not yield, so a transaction's abort may call it. */
void cbw_bypass(Node *filter) CONTROL_ONLY;
/* Quiesces and bypasses the filter, unless it was, and drops the caller's
 * reference. */
void co_cbw_drop(Node *filter) COROUTINE_ONLY CONTROL_ONLY;

/* --- for who ends what a user made --------------------------------------- */

/* It was made by blockdev-add and has not been taken out. False for any other
 * node. */
bool cbw_keeps_for_user(const Node *node) CONTROL_ONLY;
/* Hears that the filter is closed; one at a time, NULL: nobody. */
void cbw_watch_end(Node *filter, void (*fn)(void *opaque),
                   void *opaque) CONTROL_ONLY;
/* As cbw_bypass, with @why for who reads the snapshot; false, with nothing
 * changed, if a user of the filter cannot use the disk itself. */
bool cbw_end(Node *filter, const char *why, Error **errp) CONTROL_ONLY;

/* Waits for requests of copies that were given up: for the program's end. */
void co_cbw_wait_late(void) COROUTINE_ONLY CONTROL_ONLY;

/* --- the snapshot; any reactor ------------------------------------------- */

/* As the functions of a driver (block/graph/driver.h). -EACCES: it was not
 * asked to be kept, it was discarded, or the snapshot is broken. */
int co_cbw_snapshot_preadv(Node *filter, uint64_t offset_bytes, uint64_t bytes,
                           Iov *iov, size_t iov_offset) COROUTINE_ONLY;
int co_cbw_snapshot_status(Node *filter, bool want_zero, uint64_t offset_bytes,
                           uint64_t bytes, BlockStatus *status) COROUTINE_ONLY;
/* Whole clusters in the range are not kept any longer. */
int co_cbw_snapshot_pdiscard(Node *filter, uint64_t offset_bytes,
                             uint64_t bytes) COROUTINE_ONLY;

/* The engine, owned by the filter. */
BlockCopy *cbw_block_copy(const Node *filter);

#endif
