/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a point in time ends by itself: who reads it, and what belongs to it.
 * Invariants: see lease.h.
 */
#include "block/export/lease.h"
#include "block/filter/copy-before-write.h"
#include "block/graph/op-blocker.h"
#include "block/graph/quiesce.h"
#include "util/sim.h"

/* --- who reads ----------------------------------------------------------- */

/* @node and all above it, each once. Below @from nothing is looked for. */
static void add_above(GPtrArray *nodes, Node *node, const Node *from)
{
    if (node == from || g_ptr_array_find(nodes, node, NULL)) {
        return;
    }
    g_ptr_array_add(nodes, node);
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->parent) {
            add_above(nodes, edge->parent, from);
        }
    }
}

GPtrArray *lease_nodes(const Node *filter)
{
    GPtrArray *nodes = g_ptr_array_new();

    LIST_FOREACH(edge, &filter->parents, Edge, in_child) {
        if (edge->parent && (edge->role & EDGE_STAYS)) {
            add_above(nodes, edge->parent, filter);
        }
    }
    add_above(nodes, node_child(filter, "target")->child, filter);
    return nodes;
}

static BlockExport *export_of(const Root *root)
{
    BlockExport *exp = export_next(NULL);

    while (exp && exp->root != root) {
        exp = export_next(exp);
    }
    return exp;
}

static bool reads(const Root *root)
{
    const BlockExport *exp = export_of(root);

    return !exp || exp->refs > (exp->shutting_down ? 0 : 1);
}

bool lease_has_reader(const GPtrArray *nodes)
{
    for (guint i = 0; i < nodes->len; i++) {
        const Node *node = nodes->pdata[i];

        LIST_FOREACH(edge, &node->parents, Edge, in_child) {
            if (edge->root && reads(edge->root) &&
                !PLANTED("reader-not-seen")) {
                return true;
            }
        }
    }
    return false;
}

/* --- the end ------------------------------------------------------------- */

struct LeaseEnd {
    Node *filter;       /* a reference */
    GPtrArray *nodes;   /* a reference of each */
    GPtrArray *exports; /* their ids */
};

CONTROL_ONLY
static void shut_down(BlockExport *exp, const GPtrArray *nodes, GPtrArray *ids)
{
    if (g_ptr_array_find((GPtrArray *)nodes, root_node(exp->root), NULL)) {
        g_ptr_array_add(ids, g_strdup(exp->id));
        export_request_shutdown(exp);
    }
}

LeaseEnd *co_lease_end_begin(Node *filter, const GPtrArray *nodes, Error **errp)
{
    Quiesce *section = co_quiesce_begin(&filter, 1);
    bool ok = cbw_end(filter, "the lease has run out", errp);
    LeaseEnd *end;

    quiesce_end(section);
    if (!ok) {
        return NULL;
    }
    end = g_new0(LeaseEnd, 1);
    end->filter = filter;
    node_ref(filter);
    end->nodes = g_ptr_array_new();
    for (guint i = 0; i < nodes->len; i++) {
        g_ptr_array_add(end->nodes, nodes->pdata[i]);
        node_ref(nodes->pdata[i]);
    }
    end->exports = g_ptr_array_new_with_free_func(g_free);
    for (BlockExport *exp = export_next(NULL); exp; exp = export_next(exp)) {
        shut_down(exp, nodes, end->exports);
    }
    return end;
}

/* @filter does not count. */
static bool is_used(const Node *node, const Node *filter)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root || edge->parent != filter) {
            return true;
        }
    }
    return !node_op_allowed(node, NODE_OP_DELETE, NULL);
}

/* As blockdev-del, but late copies do not matter: they let it go. */
COROUTINE_ONLY CONTROL_ONLY static void co_delete(Node *node)
{
    if (node->monitor_owned) {
        node->monitor_owned = false;
        co_node_unref(node);
    }
}

/* Those that nobody uses, from the top down. */
COROUTINE_ONLY CONTROL_ONLY static void co_delete_nodes(LeaseEnd *end)
{
    bool found;

    do {
        found = false;
        for (guint i = 0; i < end->nodes->len && !found; i++) {
            Node *node = end->nodes->pdata[i];

            if (!is_used(node, end->filter)) {
                g_ptr_array_remove_index(end->nodes, i);
                co_delete(node);
                co_node_unref(node);
                found = true;
            }
        }
    } while (found);
    if (!is_used(end->filter, NULL)) {
        co_delete(end->filter);
    }
}

void co_lease_end_finish(LeaseEnd *end)
{
    for (guint i = 0; i < end->exports->len; i++) {
        co_export_wait_gone(end->exports->pdata[i]);
    }
    co_graph_lock();
    co_delete_nodes(end);
    for (guint i = 0; i < end->nodes->len; i++) {
        co_node_unref(end->nodes->pdata[i]);
    }
    co_node_unref(end->filter);
    graph_unlock();
    g_ptr_array_unref(end->nodes);
    g_ptr_array_unref(end->exports);
    g_free(end);
}
