/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front desk of the QMP commands on nodes: checks arguments, takes the
 * graph lock, makes one call into a room.
 */
#include "block/graph/device.h"
#include "block/graph/op-blocker.h"
#include "block/graph/query.h"
#include "block/io/io.h"
#include "block/job/block-job.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-types.h"

static Node *newest_node(void)
{
    Node *newest = NULL, *node = NULL;

    while ((node = node_next(node))) {
        newest = node;
    }
    return newest;
}

/* Jobs below nodes that are newer than @newest were stopped for a moment. */
CONTROL_ONLY
static void show_new_users(Node *newest)
{
    g_autoptr(GHashTable) fresh = g_hash_table_new(NULL, NULL);
    Node *node = newest;

    while ((node = node_next(node))) {
        g_hash_table_add(fresh, node);
    }
    node = newest;
    while ((node = node_next(node))) {
        LIST_FOREACH(edge, &node->children, Edge, in_parent) {
            if (!g_hash_table_contains(fresh, edge->child)) {
                jobs_show_detach(edge->child);
            }
        }
    }
}

bool qmp_blockdev_add(const BlockdevOptions *args, Error **errp)
{
    Node *node, *newest;

    if (!args->node_name) {
        error_set(errp, "'node-name' must be specified for the root node");
        return false;
    }
    co_graph_lock();
    newest = newest_node();
    node = co_node_open(args, errp);
    if (node) {
        node->monitor_owned = true; /* which takes over our reference */
        show_new_users(newest);
    }
    graph_unlock();
    return node != NULL;
}

static void add_with_children(Node *node, GHashTable *seen, GPtrArray *nodes)
{
    if (!g_hash_table_add(seen, node)) {
        return;
    }
    g_ptr_array_add(nodes, node);
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        add_with_children(edge->child, seen, nodes);
    }
}

/* What is reopened stands still, with all below it. */
CONTROL_ONLY
static void show_reopen(const BlockdevOptionsList *options)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    for (size_t i = 0; i < options->n; i++) {
        const char *name = options->v[i]->node_name;
        Node *node = name ? node_find(name) : NULL;

        if (node) {
            add_with_children(node, seen, nodes);
        }
    }
    jobs_show_pause_of_users(nodes);
}

bool qmp_blockdev_reopen(const QmpBlockdevReopenArgs *args, Error **errp)
{
    bool ok;

    co_graph_lock();
    show_reopen(args->options);
    jobs_quiet_sections(true);
    ok = co_graph_reopen_locked(args->options, errp);
    jobs_quiet_sections(false);
    graph_unlock();
    return ok;
}

/* A device, an export or a job holds it, rather than another node. */
CONTROL_ONLY
static bool may_delete(const Node *node, Error **errp)
{
    if (node_has_device(node)) {
        error_set(errp, "Node %s is in use", node_name(node));
        return false;
    }
    if (!node_op_allowed(node, NODE_OP_DELETE, errp)) {
        return false;
    }
    if (!node->monitor_owned) {
        error_set(errp, "Node %s is not owned by the monitor", node_name(node));
        return false;
    }
    if (node->refs > 1) {
        error_set(errp, "Block device %s is in use", node_name(node));
        return false;
    }
    return true;
}

bool qmp_blockdev_del(const QmpBlockdevDelArgs *args, Error **errp)
{
    Node *node;
    bool ok;

    co_graph_lock();
    node = node_find(args->node_name);
    if (!node) {
        error_set(errp, "Failed to find node with node-name='%s'",
                  args->node_name);
    }
    ok = node && may_delete(node, errp);
    if (ok) {
        node->monitor_owned = false;
        co_node_unref(node);
    }
    graph_unlock();
    return ok;
}

/* Newest first; so a node stands before the children that it opened. */
BlockDeviceInfoList *
qmp_query_named_block_nodes(const QmpQueryNamedBlockNodesArgs *args,
                            Error **errp)
{
    bool flat = args->has_flat && args->flat;
    BlockDeviceInfoList *list = BlockDeviceInfoList_new();
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    /* The lock keeps the nodes while the storage is asked for sizes. */
    co_graph_lock();
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        g_ptr_array_add(nodes, node);
    }
    for (guint i = nodes->len; i > 0; i--) {
        BlockDeviceInfoList_append(
            list, co_node_query(nodes->pdata[i - 1],
                                flat ? QUERY_ALONE : QUERY_CHAIN));
    }
    graph_unlock();
    return list;
}

XDbgBlockGraph *qmp_x_debug_query_block_graph(Error **errp)
{
    return graph_query_debug();
}

bool qmp_block_set_write_threshold(const QmpBlockSetWriteThresholdArgs *args,
                                   Error **errp)
{
    Node *node = node_find(args->node_name);

    if (!node) {
        error_set(errp, "Device '%s' not found", args->node_name);
        return false;
    }
    node_set_write_threshold(node, args->write_threshold);
    return true;
}

bool qmp_block_resize(const QmpBlockResizeArgs *args, Error **errp)
{
    Node *node;
    bool ok = false;

    co_graph_lock();
    node = node_lookup(args->device, args->node_name, errp);
    if (node && args->size < 0) {
        error_set(errp, "Parameter 'size' expects a >0 size");
    } else if (node && !node_op_allowed(node, NODE_OP_RESIZE, NULL)) {
        /* QEMU knows no other name here, and clients compare the text. */
        error_set(errp, "Device '%s' is in use",
                  args->device ? args->device : "(null)");
    } else if (node) {
        ok = co_node_resize(node, (uint64_t)args->size, errp);
    }
    graph_unlock();
    return ok;
}
