/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Roots: their life and their edge. The gate is gate.c, their I/O is
 * block/io/root-io.c.
 *
 *   root_new -> detached --root_attach--> attached
 *                  ^  |                      |
 *     root_free <--+--+<--co_root_detach-----+
 */
#include "block/graph/graph-int.h"

Root *root_new(const char *name, const RootOps *ops, void *opaque)
{
    Root *root = g_new0(Root, 1);

    root->name = g_strdup(name);
    root->ops = ops;
    root->opaque = opaque;
    gate_init(root);
    return root;
}

void root_free(Root *root)
{
    if (root) {
        assert(!root->edge && root->sections == 0);
        gate_unref(root);
    }
}

void *root_opaque(const Root *root)
{
    return root->opaque;
}

Node *root_node(const Root *root)
{
    return root->edge ? root->edge->child : NULL;
}

uint64_t root_size_bytes(const Root *root)
{
    Node *node = root_node(root);

    return node ? __atomic_load_n(&node->size_bytes, __ATOMIC_RELAXED) : 0;
}

bool root_attach(Root *root, Node *node, Perms perm, Perms shared, Error **errp)
{
    Edge *edge = edge_new(NULL, root, root->name, EDGE_DATA);
    Txn *txn = txn_new();

    assert(!root->edge);
    edge->perm = perm;
    edge->shared = shared;
    edge_link(edge, node);
    if (!txn_end(txn, perms_refresh(&node, 1, txn, errp))) {
        edge_unlink(edge);
        node_unref_not_last(node);
        edge_free(edge);
        return false;
    }
    root->edge = edge;
    quiesce_rescan();
    return true;
}

Perms root_perms(const Root *root)
{
    return root->edge->perm;
}

bool root_set_perms(Root *root, Perms perm, Perms shared, Error **errp)
{
    Edge *edge = root->edge;
    Perms old_perm = edge->perm, old_shared = edge->shared;

    edge->perm = perm;
    edge->shared = shared;
    if (!node_refresh_perms(edge->child, errp)) {
        edge->perm = old_perm;
        edge->shared = old_shared;
        return false;
    }
    return true;
}

void co_root_detach(Root *root)
{
    GateWait wait = {0};
    Edge *edge = root->edge;

    if (!edge) {
        return;
    }
    gate_close(root, &wait);
    root_hurry(root);
    co_gate_wait(&wait);
    root->edge = NULL;
    root->hurried = false;
    co_edge_detach(edge);
    quiesce_forget_root(root);
    /* Who waited at the gate finds no medium behind it. */
    gate_open(root);
}

bool co_root_move(Root *root, Node *node, Error **errp)
{
    Node *old = root_node(root), *both[] = {old, node};
    Quiesce *section = co_quiesce_begin(both, ARRAY_SIZE(both));
    Txn *txn = txn_new();
    bool ok;

    node_ref(old); /* may be the edge's only one */
    edge_move_txn(root->edge, node, txn);
    ok = txn_end(txn, perms_refresh(both, ARRAY_SIZE(both), txn, errp));
    quiesce_rescan();
    quiesce_end(section);
    co_node_unref(old);
    return ok;
}
