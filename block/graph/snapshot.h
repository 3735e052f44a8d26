/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting images on top of disks. */
#ifndef BLOCK_GRAPH_SNAPSHOT_H
#define BLOCK_GRAPH_SNAPSHOT_H

#include "block/graph/node.h"

/* Whether @disk may get an image on top; false with QEMU's text. Under the
 * graph lock; does not yield. */
bool snapshot_check_disk(const Node *disk, Error **errp) CONTROL_ONLY;
/* Puts @overlay, which nobody uses, between @disk and its users, which are
 * quiesced. False with nothing but @txn changed, and QEMU's text. Under the
 * graph lock; does not yield. */
bool snapshot_put_on_top(Node *disk, Node *overlay, Txn *txn,
                         Error **errp) CONTROL_ONLY;

#endif
