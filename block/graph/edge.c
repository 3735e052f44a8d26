/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edges: how a node or a root holds a node.
 *
 * Invariants:
 * 1. A linked edge is in its child's list of parents and, when its parent is
 *    a node, in that one's list of children; it holds one reference of its
 *    child.
 * 2. Linking never makes a cycle.
 */
#include "block/graph/graph-int.h"

Edge *edge_new(Node *parent, Root *root, const char *name, unsigned role)
{
    Edge *edge = g_new0(Edge, 1);

    assert(!parent != !root);
    edge->name = g_strdup(name);
    edge->role = role;
    edge->parent = parent;
    edge->root = root;
    edge->shared = PERM_ALL;
    return edge;
}

void edge_link(Edge *edge, Node *child)
{
    assert(!edge->child);
    node_ref(child);
    edge->child = child;
    /* Newest first, as conflicts are looked for and told. */
    list_prepend(&child->parents, &edge->in_child);
    if (edge->parent) {
        list_append(&edge->parent->children, &edge->in_parent);
    }
}

Node *edge_unlink(Edge *edge)
{
    Node *child = edge->child;

    list_remove(&edge->in_child);
    if (edge->parent) {
        list_remove(&edge->in_parent);
    }
    edge->child = NULL;
    return child;
}

void edge_free(Edge *edge)
{
    assert(!edge->child);
    g_free(edge->name);
    g_free(edge);
}

bool edge_check_cycle(const Node *parent, const Node *child, const char *name,
                      Error **errp)
{
    if (!node_leads_to(child, parent)) {
        return true;
    }
    error_set(errp, "Making '%s' a %s child of '%s' would create a cycle",
              node_name(child), name, node_name(parent));
    return false;
}

Edge *edge_attach(Node *parent, Node *child, const char *name, unsigned role,
                  Error **errp)
{
    Edge *edge;
    Txn *txn;

    if (!edge_check_cycle(parent, child, name, errp)) {
        return NULL;
    }
    edge = edge_new(parent, NULL, name, role);
    edge_link(edge, child);
    txn = txn_new();
    if (!txn_end(txn, perms_refresh(&parent, 1, txn, errp))) {
        edge_unlink(edge);
        /* The caller holds one too, so this is not the last. */
        node_unref_not_last(child);
        edge_free(edge);
        return NULL;
    }
    quiesce_rescan();
    return edge;
}

/* Giving permissions back cannot conflict; only a driver that fails to let
 * go of something could say no, and then it keeps more than it needs. */
CONTROL_ONLY
static void perms_release(Node *node)
{
    Txn *txn = txn_new();

    txn_end(txn, perms_refresh(&node, 1, txn, NULL));
}

void co_edge_detach(Edge *edge)
{
    Node *child = edge_unlink(edge);

    edge_free(edge);
    perms_release(child);
    co_node_unref(child);
}
