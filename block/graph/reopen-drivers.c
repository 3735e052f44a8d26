/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What drivers do for a reopen, and whether a size may change by it. */
#include "block/graph/op-blocker.h"
#include "block/graph/reopen-int.h"

/* What was settled may have made files longer or shorter. */
CONTROL_ONLY
static void note_sizes(Reopen *q)
{
    for (guint i = 0; i < q->entries->len; i++) {
        ReopenEntry *entry = q->entries->pdata[i];

        entry->r.size_bytes = entry->r.node->size_bytes;
    }
}

bool co_reopen_settle_all(Reopen *q, Error **errp)
{
    for (guint i = 0; i < q->entries->len; i++) {
        ReopenEntry *entry = q->entries->pdata[i];
        Node *node = entry->r.node;

        if (node->driver->co_settle && !node->read_only) {
            int ret = node->driver->co_settle(node);

            if (ret < 0) {
                error_set_errno(errp, -ret, "Error flushing drive");
                return false;
            }
        }
    }
    note_sizes(q);
    return true;
}

static uint64_t size_to_be(const Reopen *q, const Node *node)
{
    const ReopenEntry *entry = reopen_find(q, node);
    const Edge *shown = NULL;

    if (entry) {
        return entry->r.size_bytes;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & EDGE_FILTERED) {
            shown = edge;
        }
    }
    return shown ? size_to_be(q, shown->child) : node->size_bytes;
}

uint64_t reopen_child_size(const NodeReopen *r, const Edge *edge)
{
    return size_to_be(r->reopen, edge->child);
}

/* A filter like copy-before-write says so whatever its own users bear. */
static bool bears_resize(const Edge *edge)
{
    const Node *node = edge->parent;
    Perms perm, shared = PERM_ALL;

    if (node->driver->child_perm) {
        node->driver->child_perm(node, edge, 0, PERM_ALL, &perm, &shared);
    }
    return shared & PERM_RESIZE;
}

/* Users know the size of a node once and for all only if they are jobs and
 * filters that copy; clients of exports just get errors beyond the end. */
static bool check_size_may_change(const Node *node, Error **errp)
{
    if (!node_op_allowed(node, NODE_OP_RESIZE, errp)) {
        return false;
    }
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (!edge->parent || !(edge->role & EDGE_FILTERED)) {
            continue;
        }
        if (!bears_resize(edge)) {
            error_set(errp,
                      "Node '%s' is busy: node '%s' above it does not bear a "
                      "change of its size",
                      node_name(node), node_name(edge->parent));
            return false;
        }
        if (!check_size_may_change(edge->parent, errp)) {
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_driver(Reopen *q, ReopenEntry *entry, Error **errp)
{
    Node *node = entry->r.node;

    if (entry->done) {
        return true;
    }
    entry->done = true;
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        ReopenEntry *below = reopen_find(q, edge->child);

        if (below && !co_apply_driver(q, below, errp)) {
            return false;
        }
    }
    return node->driver->co_reopen(&entry->r, q->txn, errp) &&
           (entry->r.size_bytes == node->size_bytes ||
            check_size_may_change(node, errp));
}

bool co_reopen_apply_drivers(Reopen *q, Error **errp)
{
    for (guint i = 0; i < q->entries->len; i++) {
        if (!co_apply_driver(q, q->entries->pdata[i], errp)) {
            return false;
        }
    }
    return true;
}
