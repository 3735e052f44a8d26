/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replacing a node by another for all who use it: how a filter is put between
 * a disk and its users, and taken out again.
 */
#include "block/graph/graph-int.h"

typedef struct Move {
    Edge *edge;
    Node *from, *to;
} Move;

static void edge_move(Edge *edge, Node *to, bool to_front)
{
    Node *from = edge->child;

    list_remove(&edge->in_child);
    node_ref(to);
    edge->child = to;
    list_insert_before(to_front ? to->parents.next : &to->parents,
                       &edge->in_child);
    node_unref_not_last(from);
}

static void move_undo(void *opaque)
{
    Move *move = opaque;

    /* Undone newest first: appending restores the order. */
    edge_move(move->edge, move->from, false);
}

static const TxnOps move_ops = {.abort = move_undo, .clean = g_free};

void edge_move_txn(Edge *edge, Node *to, Txn *txn)
{
    Move *move = g_new(Move, 1);

    *move = (Move){edge, edge->child, to};
    edge_move(edge, to, true);
    txn_add(txn, &move_ops, move);
}

CONTROL_ONLY
static void moves_done(Node *from, Node *to)
{
    node_refresh_limits(from);
    node_refresh_limits(to);
    node_refresh_filenames_above(from);
    node_refresh_filenames_above(to);
    quiesce_rescan();
}

/* Added first, so that its abort runs last, when all edges are back. */
CONTROL_ONLY
static void moves_undone(void *opaque)
{
    Move *move = opaque;

    moves_done(move->from, move->to);
}

static const TxnOps moves_ops = {.abort = moves_undone, .clean = g_free};

static bool edge_stays(const Edge *edge, const Node *to)
{
    return edge->parent == to || (edge->role & EDGE_STAYS) ||
           ((edge->role & EDGE_COW) && edge->parent &&
            node_leads_to(to, edge->parent));
}

static bool check_moves(const Node *from, const Node *to, Error **errp)
{
    LIST_FOREACH(edge, &from->parents, Edge, in_child) {
        if (!edge->parent || edge_stays(edge, to)) {
            continue;
        }
        if (edge->frozen) {
            error_set(errp, "Cannot change '%s' link to '%s'", edge->name,
                      node_name(from));
            return false;
        }
        if (!edge_check_cycle(edge->parent, to, edge->name, errp)) {
            return false;
        }
    }
    return true;
}

static void move_edges(Node *from, Node *to, Txn *txn)
{
    g_autoptr(GPtrArray) edges = g_ptr_array_new();
    Move *all = g_new(Move, 1);

    *all = (Move){NULL, from, to};
    txn_add(txn, &moves_ops, all);
    /* Oldest first, so that the new list keeps the order of the old one. */
    for (ListLink *l = from->parents.prev; l != &from->parents; l = l->prev) {
        Edge *edge = LIST_ENTRY(l, Edge, in_child);

        if (!edge_stays(edge, to)) {
            g_ptr_array_add(edges, edge);
        }
    }
    for (guint i = 0; i < edges->len; i++) {
        edge_move_txn(edges->pdata[i], to, txn);
    }
}

static void inner_commit(void *opaque)
{
    txn_commit(opaque);
}

static void inner_abort(void *opaque)
{
    txn_abort(opaque);
}

static const TxnOps inner_ops = {
    .commit = inner_commit,
    .abort = inner_abort,
};

bool node_replace(Node *from, Node *to, Txn *txn, Error **errp)
{
    Node *const nodes[] = {from, to};
    Txn *inner;

    assert(from != to);
    if (!check_moves(from, to, errp)) {
        return false;
    }
    inner = txn_new();
    move_edges(from, to, inner);
    if (!perms_refresh(nodes, 2, inner, errp)) {
        txn_abort(inner);
        return false;
    }
    moves_done(from, to);
    if (txn) {
        txn_add(txn, &inner_ops, inner);
    } else {
        txn_commit(inner);
    }
    return true;
}
