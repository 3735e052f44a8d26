/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a node that somebody who works on it forbids: a job on the
 * node forbids its deletion and other jobs.
 */
#ifndef BLOCK_GRAPH_OP_BLOCKER_H
#define BLOCK_GRAPH_OP_BLOCKER_H

#include "block/graph/node.h"

typedef enum NodeOp {
    NODE_OP_DELETE,
    NODE_OP_EJECT,
    NODE_OP_SHARE, /* another device that would move it between threads */
    NODE_OP_BACKUP_SOURCE,
    NODE_OP_BACKUP_TARGET,
    NODE_OP_MIRROR_SOURCE,
    NODE_OP_MIRROR_TARGET,
    NODE_OP_COMMIT_SOURCE,
    NODE_OP_COMMIT_TARGET,
    NODE_OP_STREAM,
    NODE_OP_RESIZE,
    NODE_OP_REPLACE,
    NODE_OP_INTERNAL_SNAPSHOT,
    NODE_OP__MAX,
} NodeOp;

#define NODE_OPS_ALL ((1u << NODE_OP__MAX) - 1)

typedef struct OpBlocker {
    unsigned ops; /* mask of 1 << NodeOp */
    char *reason; /* "block device is in use by block job: backup" */
    ListLink link;
} OpBlocker;

/* @ops are forbidden until node_op_unblock. @reason is copied. */
OpBlocker *node_op_block(Node *node, unsigned ops, const char *reason);
void node_op_unblock(OpBlocker *blocker);
/* False with `Node '%s' is busy: REASON` (QEMU's text). */
bool node_op_allowed(const Node *node, NodeOp op, Error **errp);

#endif
