/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing which image lies behind a node. An edge moves, comes or goes; all
 * of it can be undone until the transaction ends.
 */
#include "block/graph/backing.h"

#include "block/graph/graph-int.h"

typedef struct Change {
    Edge *edge;
    Node *node, *old; /* whose edge it is; where it led, if it was unlinked */
} Change;

/* --- an edge that comes -------------------------------------------------- */

CONTROL_ONLY
static void added_undo(void *opaque)
{
    Change *c = opaque;
    Node *child = edge_unlink(c->edge);

    edge_free(c->edge);
    node_unref_not_last(child);
    node_refresh_limits(c->node);
    node_refresh_filenames_above(c->node);
}

static const TxnOps added_ops = {.abort = added_undo, .clean = g_free};

static void edge_add(Node *node, Node *backing, Txn *txn)
{
    Change *c = g_new(Change, 1);

    *c = (Change){edge_new(node, NULL, "backing", EDGE_COW), node, NULL};
    edge_link(c->edge, backing);
    txn_add(txn, &added_ops, c);
}

/* --- one that goes ------------------------------------------------------- */

CONTROL_ONLY
static void removed_undo(void *opaque)
{
    Change *c = opaque;

    edge_link(c->edge, c->old);
    node_refresh_limits(c->node);
    node_refresh_filenames_above(c->node);
}

static void removed_commit(void *opaque)
{
    Change *c = opaque;

    edge_free(c->edge);
}

static const TxnOps removed_ops = {
    .commit = removed_commit,
    .abort = removed_undo,
    .clean = g_free,
};

static void edge_remove(Edge *edge, Txn *txn)
{
    Change *c = g_new(Change, 1);

    *c = (Change){edge, edge->parent, edge->child};
    txn_add(txn, &removed_ops, c);
    node_unref_not_last(edge_unlink(edge));
}

/* --- all of it ----------------------------------------------------------- */

bool node_set_backing(Node *node, Node *backing, Txn *txn, Error **errp)
{
    Edge *edge = node_backing_child(node);
    Node *nodes[3] = {node};
    size_t n = 1;
    Txn *inner;

    if (edge && edge->child == backing) {
        return true;
    }
    if (backing && !edge_check_cycle(node, backing, "backing", errp)) {
        return false;
    }
    if (edge && !edge_check_thawed(edge, errp)) {
        return false;
    }
    inner = txn_new();
    if (edge) {
        nodes[n++] = edge->child;
    }
    if (backing) {
        nodes[n++] = backing;
    }
    if (edge && backing) {
        edge_move_txn(edge, backing, inner);
    } else if (edge) {
        edge_remove(edge, inner);
    } else if (backing) {
        edge_add(node, backing, inner);
    }
    if (!perms_refresh(nodes, n, inner, errp)) {
        txn_abort(inner);
        return false;
    }
    node_refresh_limits(node);
    node_refresh_filenames_above(node);
    quiesce_rescan();
    txn_add_txn(txn, inner);
    return true;
}

Node *node_backing_node(Node *node)
{
    Edge *edge = node_backing_child(node_skip_filters(node));

    return edge ? node_skip_filters(edge->child) : NULL;
}

Node *node_overlay_of(Node *top, const Node *below)
{
    for (Node *n = node_skip_filters(top); n; n = node_backing_node(n)) {
        if (node_backing_node(n) == below) {
            return n;
        }
    }
    return NULL;
}

/* --- chains that are worked on ------------------------------------------- */

bool edge_check_thawed(const Edge *edge, Error **errp)
{
    if (edge->frozen) {
        error_set(errp, "Cannot change frozen '%s' link from '%s' to '%s'",
                  edge->name, node_name(edge->parent), node_name(edge->child));
    }
    return !edge->frozen;
}

/* The link from @node down a chain. */
static Edge *link_down(const Node *node)
{
    Edge *filtered = node_filtered_child(node);

    return filtered ? filtered : node_backing_child(node);
}

Node *node_below(const Node *node)
{
    const Edge *edge = link_down(node);

    return edge ? edge->child : NULL;
}

CONTROL_ONLY
static bool check_can_freeze(Node *top, const Node *bottom, Error **errp)
{
    for (Node *node = top; node != bottom; node = link_down(node)->child) {
        const Edge *edge = link_down(node);

        if (!edge_check_thawed(edge, errp)) {
            return false;
        }
        if (edge->child->driver->passing) {
            error_set(errp, "Cannot freeze '%s' link to '%s'", edge->name,
                      node_name(edge->child));
            return false;
        }
    }
    return true;
}

static void set_frozen(Node *top, const Node *bottom, bool frozen)
{
    for (Node *node = top; node != bottom; node = link_down(node)->child) {
        link_down(node)->frozen = frozen;
    }
}

bool chain_freeze(Node *top, const Node *bottom, Error **errp)
{
    if (!check_can_freeze(top, bottom, errp)) {
        return false;
    }
    set_frozen(top, bottom, true);
    return true;
}

void chain_thaw(Node *top, const Node *bottom)
{
    set_frozen(top, bottom, false);
}
