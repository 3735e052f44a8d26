/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a node that somebody who works on it forbids. Control only.
 */
#include "block/graph/op-blocker.h"

#include "block/graph/device.h"

OpBlocker *node_op_block(Node *node, unsigned ops, const char *reason)
{
    OpBlocker *blocker = g_new0(OpBlocker, 1);

    blocker->ops = ops;
    blocker->reason = g_strdup(reason);
    list_append(&node->op_blockers, &blocker->link);
    return blocker;
}

void node_op_unblock(OpBlocker *blocker)
{
    list_remove(&blocker->link);
    g_free(blocker->reason);
    g_free(blocker);
}

/* What may be done with an image that is behind another one. */
#define OPS_BEHIND                                               \
    (1u << NODE_OP_BACKUP_SOURCE | 1u << NODE_OP_BACKUP_TARGET | \
     1u << NODE_OP_COMMIT_TARGET | 1u << NODE_OP_STREAM)

/* A node of a device is called as that is. */
CONTROL_ONLY
static const char *name_of(const Node *node)
{
    const char *device = node_device_name(node);

    return *device ? device : node_name(node);
}

/* The image behind another one stays as it is as long as that does. */
CONTROL_ONLY
static bool is_kept_by_overlay(const Node *node, Error **errp)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if ((edge->role & EDGE_COW) && !edge->parent->doomed) {
            error_set(errp,
                      "Node '%s' is busy: node is used as backing hd of "
                      "'%s'",
                      name_of(node), node_name(edge->parent));
            return true;
        }
    }
    return false;
}

bool node_op_allowed(const Node *node, NodeOp op, Error **errp)
{
    control_assert();
    LIST_FOREACH(blocker, &node->op_blockers, OpBlocker, link) {
        if (blocker->ops & (1u << op)) {
            error_set(errp, "Node '%s' is busy: %s", name_of(node),
                      blocker->reason);
            return false;
        }
    }
    return (OPS_BEHIND & (1u << op)) || !is_kept_by_overlay(node, errp);
}
