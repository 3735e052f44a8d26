/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Permissions: who does what with a node, and whether the others bear it.
 *
 * A refresh walks down from the nodes that changed, parents before children,
 * and works in place: each edge's old permissions go into a transaction, so
 * that an abort puts them back in reverse order.
 *
 * Invariants, between refreshes:
 * 1. For every node and every two edges A, B to it: A.perm is a subset of
 *    B.shared.
 * 2. Nobody has write or write-unchanged on a read-only node.
 * 3. Every edge below a node has what the driver asks for, given the union of
 *    what the node's parents do and the intersection of what they share.
 */
#include "block/graph/graph-int.h"
#include "block/graph/query.h"

char *perms_to_string(Perms perms)
{
    static const char *const names[] = {
        "consistent read",
        "write",
        "write unchanged",
        "resize",
    };
    GString *s = g_string_new(NULL);

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (perms & (1u << i)) {
            g_string_append_printf(s, "%s%s", s->len ? ", " : "", names[i]);
        }
    }
    return g_string_free(s, FALSE);
}

char *edge_describe_user(const Edge *edge)
{
    if (edge->parent && !(edge->role & EDGE_UNNAMED)) {
        return g_strdup_printf("node '%s'", node_name(edge->parent));
    }
    if (edge->root && edge->root->ops && edge->root->ops->describe) {
        return edge->root->ops->describe(edge->root);
    }
    return g_strdup("an unnamed block device");
}

char *edge_label_user(const Edge *edge)
{
    return edge->root && edge->root->ops && edge->root->ops->label
               ? edge->root->ops->label(edge->root)
               : edge_describe_user(edge);
}

/* A guest that is not ours yet does nothing. */
static bool edge_counts(const Edge *edge)
{
    return !(edge->root && edge->root->ops && edge->root->ops->of_guest &&
             graph_incoming());
}

void node_cumulative_perms(const Node *node, Perms *perm, Perms *shared)
{
    *perm = 0;
    *shared = PERM_ALL;
    if (node->inactive) {
        return;
    }
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (!edge_counts(edge)) {
            continue;
        }
        *perm |= edge->perm;
        *shared &= edge->shared;
    }
}

/* --- conflicts ----------------------------------------------------------- */

CONTROL_ONLY
static void conflict_text(const Edge *needs, const Edge *refuses, Error **errp)
{
    g_autofree char *a = edge_describe_user(needs);
    g_autofree char *b = edge_describe_user(refuses);
    g_autofree char *perms = perms_to_string(needs->perm & ~refuses->shared);
    const char *node = node_name(needs->child);

    error_set(errp,
              "Permission conflict on node '%s': permissions '%s' are both "
              "required by %s (uses node '%s' as '%s' child) and unshared by "
              "%s (uses node '%s' as '%s' child).",
              node, perms, a, node, needs->name, b, node, refuses->name);
}

CONTROL_ONLY
static bool node_check_conflicts(const Node *node, Error **errp)
{
    LIST_FOREACH(a, &node->parents, Edge, in_child) {
        LIST_FOREACH(b, &node->parents, Edge, in_child) {
            /* The newest one is told to be in the way. */
            if (a != b && (b->perm & ~a->shared) && edge_counts(a) &&
                edge_counts(b)) {
                conflict_text(b, a, errp);
                return false;
            }
        }
    }
    return true;
}

/* --- what a node needs of its children ----------------------------------- */

/* A backing image must not change under its overlay, unless those above bear
 * a change of content anyway. */
static void perms_for_backing(Perms perm, Perms shared, Perms *child_perm,
                              Perms *child_shared)
{
    *child_perm = perm & PERM_CONSISTENT_READ;
    *child_shared = PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED;
    if (shared & PERM_WRITE) {
        *child_shared |= PERM_WRITE | PERM_RESIZE;
    }
}

/* A format's own file: its metadata must be readable always and is written
 * whenever the node can be; nobody else may write metadata or cut data off. */
static void perms_for_storage(const Node *node, unsigned role, Perms perm,
                              Perms shared, Perms *child_perm,
                              Perms *child_shared)
{
    if (role & EDGE_METADATA) {
        perm |= PERM_CONSISTENT_READ;
        if (!node->read_only) {
            perm |= PERM_WRITE | PERM_RESIZE;
        }
        shared &= ~(Perms)(PERM_WRITE | PERM_RESIZE);
    }
    if (role & EDGE_DATA) {
        if (perm & (PERM_WRITE | PERM_WRITE_UNCHANGED)) {
            perm |= PERM_WRITE | PERM_RESIZE;
        }
        shared &= ~(Perms)PERM_RESIZE;
    }
    *child_perm = perm;
    *child_shared = shared;
}

void perms_default_for_child(const Node *node, const Edge *edge, Perms perm,
                             Perms shared, Perms *child_perm,
                             Perms *child_shared)
{
    if (edge->role & EDGE_FILTERED) {
        *child_perm = perm;
        *child_shared = shared;
    } else if (edge->role & EDGE_COW) {
        perms_for_backing(perm, shared, child_perm, child_shared);
    } else {
        perms_for_storage(node, edge->role, perm, shared, child_perm,
                          child_shared);
    }
}

/* --- the refresh --------------------------------------------------------- */

typedef struct EdgeUndo {
    Edge *edge;
    Perms perm, shared;
} EdgeUndo;

static void edge_undo(void *opaque)
{
    EdgeUndo *undo = opaque;

    undo->edge->perm = undo->perm;
    undo->edge->shared = undo->shared;
}

static const TxnOps edge_undo_ops = {.abort = edge_undo, .clean = g_free};

static void edge_set_perms(Edge *edge, Perms perm, Perms shared, Txn *txn)
{
    EdgeUndo *undo;

    if (edge->perm == perm && edge->shared == shared) {
        return;
    }
    undo = g_new(EdgeUndo, 1);
    *undo = (EdgeUndo){edge, edge->perm, edge->shared};
    txn_add(txn, &edge_undo_ops, undo);
    edge->perm = perm;
    edge->shared = shared;
}

typedef struct DriverPerm {
    Node *node;
    Perms perm, shared;
} DriverPerm;

static void driver_perm_commit(void *opaque)
{
    DriverPerm *p = opaque;

    if (p->node->driver->commit_perm) {
        p->node->driver->commit_perm(p->node, p->perm, p->shared);
    }
}

static void driver_perm_abort(void *opaque)
{
    DriverPerm *p = opaque;

    if (p->node->driver->abort_perm) {
        p->node->driver->abort_perm(p->node);
    }
}

static const TxnOps driver_perm_ops = {
    .commit = driver_perm_commit,
    .abort = driver_perm_abort,
    .clean = g_free,
};

static bool driver_prepare(Node *node, Perms perm, Perms shared, Txn *txn,
                           Error **errp)
{
    DriverPerm *p;

    if (!node->driver->prepare_perm) {
        return true;
    }
    if (!node->driver->prepare_perm(node, perm, shared, errp)) {
        return false;
    }
    p = g_new(DriverPerm, 1);
    *p = (DriverPerm){node, perm, shared};
    txn_add(txn, &driver_perm_ops, p);
    return true;
}

static void read_only_text(const Node *node, Error **errp)
{
    if (node->turns_read_only) {
        error_set(errp,
                  "Read-only block node '%s' cannot support read-write users",
                  node_name(node));
    } else {
        error_set(errp, "Block node is read-only");
    }
}

/* Somebody who wants to write to a node that is inactive. Guests wait until it
 * is active. */
static bool has_early_writer(const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        bool is_guest =
            edge->root && edge->root->ops && edge->root->ops->of_guest;

        if (!is_guest && (edge->perm & PERM_WRITE)) {
            return true;
        }
    }
    return false;
}

CONTROL_ONLY
static bool node_perms_step(Node *node, Txn *txn, Error **errp)
{
    Perms perm, shared;

    if (node->inactive && has_early_writer(node)) {
        read_only_text(node, errp);
        return false;
    }

    if (!node->inactive && !node_check_conflicts(node, errp)) {
        return false;
    }
    node_cumulative_perms(node, &perm, &shared);
    if (node->read_only && (perm & (PERM_WRITE | PERM_WRITE_UNCHANGED))) {
        read_only_text(node, errp);
        return false;
    }
    if (!driver_prepare(node, perm, shared, txn, errp)) {
        return false;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        Perms child_perm, child_shared;

        (node->driver->child_perm ? node->driver->child_perm
                                  : perms_default_for_child)(
            node, edge, perm, shared, &child_perm, &child_shared);
        if (edge->child->force_share || node->inactive) {
            child_shared = PERM_ALL;
        }
        if (node->inactive) {
            child_perm = 0;
        }
        edge_set_perms(edge, child_perm, child_shared, txn);
    }
    return true;
}

/* Depth first, a node after all that is below it. */
static void collect_below(Node *node, GHashTable *seen, GPtrArray *order)
{
    if (!g_hash_table_add(seen, node)) {
        return;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        collect_below(edge->child, seen, order);
    }
    g_ptr_array_add(order, node);
}

bool perms_refresh(Node *const *nodes, size_t n, Txn *txn, Error **errp)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    for (size_t i = 0; i < n; i++) {
        collect_below(nodes[i], seen, order);
    }
    for (guint i = order->len; i > 0; i--) {
        if (!node_perms_step(order->pdata[i - 1], txn, errp)) {
            return false;
        }
    }
    return true;
}

bool node_refresh_perms(Node *node, Error **errp)
{
    Txn *txn = txn_new();

    return txn_end(txn, perms_refresh(&node, 1, txn, errp));
}
