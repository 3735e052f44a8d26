/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting images on top of disks. */
#ifndef BLOCK_GRAPH_SNAPSHOT_H
#define BLOCK_GRAPH_SNAPSHOT_H

#include "block/graph/action.h"

/* Whether @disk may get an image on top; false with QEMU's text. Under the
 * graph lock; does not yield. */
bool snapshot_check_disk(const Node *disk, Error **errp) CONTROL_ONLY;
/* Puts @overlay, which nobody uses, between @disk and its users, which are
 * quiesced. False with nothing but @txn changed, and QEMU's text. Under the
 * graph lock; does not yield. */
bool snapshot_put_on_top(Node *disk, Node *overlay, Txn *txn,
                         Error **errp) CONTROL_ONLY;

/* To be called when @disk has got an image on top and its users go on: nobody
 * writes to it any more, so it becomes read-only. Under the graph lock. */
void co_snapshot_settle(Node *disk) COROUTINE_ONLY CONTROL_ONLY;
/* The same when the transaction is over, if it succeeds. */
void snapshot_settle_later(Node *disk, TransactionContext *ctx) CONTROL_ONLY;

/* What internal snapshots say of how long the machine has run. At the start;
 * without it they show the date there. */
void internal_snapshots_use_clock(int64_t (*ran_ns)(void)) CONTROL_ONLY;
/* What a snapshot that is made now says of when that was. */
struct SnapshotMoment internal_snapshot_moment(void) CONTROL_ONLY;

#endif
