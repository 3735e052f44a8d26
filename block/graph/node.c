/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes: their names, their life, and the list of all of them.
 *
 *   node_new ---> (refs 1, listed) --- node_ref / co_node_unref ---+
 *                                                                  | refs 0
 *   freed <--- children dropped <--- driver closed <--- flushed <--+
 *
 * Invariants:
 * 1. A node is listed from node_new until its last reference goes.
 * 2. No two listed nodes have the same name.
 * 3. A node that is closing has no parents, no op blockers and no bitmaps.
 */
#include "block/graph/graph-int.h"

#include <stdio.h>

#include "block/bitmap/bitmap.h"
#include "block/graph/device.h"
#include "block/graph/op-blocker.h"
#include "block/io/io.h"
#include "util/id.h"

static ListLink all_nodes = LIST_INIT(all_nodes);
static uint64_t names_generated;

/* --- the graph lock ------------------------------------------------------ */

static CoMutex *graph_mutex(void)
{
    static CoMutex mutex;
    static bool ready;

    if (!ready) {
        comutex_init(&mutex);
        ready = true;
    }
    return &mutex;
}

void co_graph_lock(void)
{
    co_mutex_lock(graph_mutex());
}

void graph_unlock(void)
{
    comutex_unlock(graph_mutex());
}

bool graph_locked_by_me(void)
{
    return in_coroutine() && graph_mutex()->holder == coroutine_self();
}

/* --- names --------------------------------------------------------------- */

/* False with QEMU's text when a node may not get this name. */
CONTROL_ONLY
static bool node_name_check(const char *name, Error **errp)
{
    if (!id_well_formed(name)) {
        error_set(errp, "Invalid node-name: '%s'", name);
        return false;
    }
    if (device_root(name)) {
        error_set(errp, "node-name=%s is conflicting with a device id", name);
        return false;
    }
    if (node_find(name)) {
        error_set(errp, "Duplicate nodes with node-name='%s'", name);
        return false;
    }
    if (strlen(name) > NODE_NAME_MAX) {
        error_set(errp, "Node name too long");
        return false;
    }
    return true;
}

/* "#block" + a number never used before + two random digits, so that nobody
 * comes to rely upon the names. A leading # keeps them apart from users'. */
static void name_generate(char *name)
{
    uint8_t random;

    reactor_random(&random, sizeof(random));
    snprintf(name, NODE_NAME_MAX + 1, "#block%" PRIu64 "%02u",
             names_generated++, random % 100u);
}

const char *node_name(const Node *node)
{
    return node->name;
}

Node *node_find(const char *name)
{
    LIST_FOREACH(node, &all_nodes, Node, in_graph) {
        if (!strcmp(node->name, name)) {
            return node;
        }
    }
    return NULL;
}

Node *node_next(Node *node)
{
    ListLink *next = node ? node->in_graph.next : all_nodes.next;

    return next == &all_nodes ? NULL : LIST_ENTRY(next, Node, in_graph);
}

void node_list_last(Node *node)
{
    list_remove(&node->in_graph);
    list_append(&all_nodes, &node->in_graph);
}

/* --- life ---------------------------------------------------------------- */

Node *node_new(const NodeDriver *driver, const char *name, Error **errp)
{
    Node *node;

    if (name && !node_name_check(name, errp)) {
        return NULL;
    }
    node = g_new0(Node, 1);
    node->driver = driver;
    node->state = g_malloc0(driver->state_bytes ? driver->state_bytes : 1);
    node->home = reactor_control() ? reactor_control() : reactor_current();
    node->refs = 1;
    node->limits.request_align = 1;
    node->limits.memory_align = 1;
    if (name) {
        g_strlcpy(node->name, name, sizeof(node->name));
    } else {
        name_generate(node->name);
        node->name_generated = true;
    }
    list_init(&node->children);
    list_init(&node->parents);
    list_init(&node->op_blockers);
    list_init(&node->bitmaps);
    node->tracked = range_locks_new(driver->threading == NODE_ANY);
    short_lock_init(&node->bitmaps_lock);
    short_lock_init(&node->flush_lock);
    coqueue_init(&node->flush_waiters);
    list_append(&all_nodes, &node->in_graph);
    return node;
}

void node_look_like(Node *filter, const Node *source)
{
    filter->home = source->home;
    filter->size_bytes = source->size_bytes;
    filter->read_only = source->read_only;
    filter->discard_unmap = source->discard_unmap;
    filter->cache_no_flush = source->cache_no_flush;
    filter->filename = g_strdup(source->filename);
    filter->filename_derived = true;
    filter->identity = json_object_get(source->identity);
}

void node_ref(Node *node)
{
    assert(node->refs > 0);
    node->refs++;
}

void node_unref_not_last(Node *node)
{
    assert(node->refs > 1);
    node->refs--;
}

COROUTINE_ONLY CONTROL_ONLY static void co_drop_children(Node *node)
{
    while (!list_empty(&node->children)) {
        co_edge_detach(
            LIST_ENTRY(list_first(&node->children), Edge, in_parent));
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_node_close(Node *node)
{
    if (!node->read_only) {
        /* Nobody is left to hear of an error; users who care flush before
         * they let go. */
        co_node_flush(node);
    }
    if (node->driver->co_close) {
        node->driver->co_close(node); /* keeps the persistent bitmaps */
    }
    bitmap_release_all(node);
    co_drop_children(node);
}

static void node_free(Node *node)
{
    LIST_FOREACH(other, &all_nodes, Node, in_graph) {
        if (other->inherits_from == node) {
            /* Defined by it, but kept by somebody else. */
            other->inherits_from = NULL;
        }
    }
    assert(list_empty(&node->parents) && list_empty(&node->op_blockers));
    range_locks_free(node->tracked);
    short_lock_destroy(&node->bitmaps_lock);
    short_lock_destroy(&node->flush_lock);
    g_free(node->filename);
    json_object_put(node->options);
    json_object_put(node->spelling);
    json_object_put(node->identity);
    g_free(node->state);
    g_free(node);
}

void co_node_unref(Node *node)
{
    if (!node) {
        return;
    }
    assert(node->refs > 0);
    if (--node->refs > 0) {
        return;
    }
    list_remove(&node->in_graph);
    quiesce_forget_node(node);
    co_node_close(node);
    node_free(node);
}

void co_node_discard(Node *node)
{
    assert(node->refs == 1);
    list_remove(&node->in_graph);
    co_drop_children(node);
    node_free(node);
}

void co_graph_shutdown(void)
{
    Node *node;

    do {
        /* Newest first: users of a node were made after it. */
        node = NULL;
        LIST_FOREACH(n, &all_nodes, Node, in_graph) {
            node = n->monitor_owned ? n : node;
        }
        if (node) {
            node->monitor_owned = false;
            co_node_unref(node);
        }
    } while (node);
}

/* --- small questions ----------------------------------------------------- */

Edge *node_child(const Node *node, const char *name)
{
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (!strcmp(edge->name, name)) {
            return edge;
        }
    }
    return NULL;
}

static Edge *child_with_role(const Node *node, unsigned role)
{
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & role) {
            return edge;
        }
    }
    return NULL;
}

Edge *node_filtered_child(const Node *node)
{
    return node->driver->is_filter ? child_with_role(node, EDGE_FILTERED)
                                   : NULL;
}

Edge *node_backing_child(const Node *node)
{
    return child_with_role(node, EDGE_COW);
}

Node *node_skip_filters(Node *node)
{
    Edge *edge;

    while (node && (edge = node_filtered_child(node))) {
        node = edge->child;
    }
    return node;
}

Node *node_skip_implicit(Node *node)
{
    while (node && node->driver->is_implicit && node->name_generated) {
        node = node_filtered_child(node)->child;
    }
    return node;
}

bool node_leads_to(const Node *node, const Node *below)
{
    if (node == below) {
        return true;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (node_leads_to(edge->child, below)) {
            return true;
        }
    }
    return false;
}

bool node_cluster_bytes(const Node *node, uint32_t *cluster_bytes)
{
    const Edge *primary;

    if (node->driver->cluster_bytes) {
        *cluster_bytes = node->driver->cluster_bytes(node);
        return true;
    }
    primary = node->driver->is_filter || node->driver->is_format
                  ? child_with_role(node, EDGE_PRIMARY | EDGE_FILTERED)
                  : NULL;
    return primary && node_cluster_bytes(primary->child, cluster_bytes);
}

void node_size_changed(Node *node, uint64_t size_bytes)
{
    if (size_bytes == node->size_bytes) {
        return;
    }
    __atomic_store_n(&node->size_bytes, size_bytes, __ATOMIC_RELAXED);
    bitmaps_resize(node, size_bytes);
    node_refresh_limits(node);
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root) {
            if (edge->root->ops && edge->root->ops->resized) {
                edge->root->ops->resized(edge->root);
            }
        } else if ((edge->role & EDGE_FILTERED) &&
                   !edge->parent->driver->own_size) {
            node_size_changed(edge->parent, size_bytes);
        }
    }
}

/* --- limits -------------------------------------------------------------- */

static void limits_inherit(NodeLimits *limits, const NodeLimits *child)
{
    limits->request_align = MAX(limits->request_align, child->request_align);
    limits->memory_align = MAX(limits->memory_align, child->memory_align);
    if (child->max_iov) {
        limits->max_iov = limits->max_iov ? MIN(limits->max_iov, child->max_iov)
                                          : child->max_iov;
    }
}

void node_refresh_limits(Node *node)
{
    NodeLimits limits = {.request_align = 1, .memory_align = 1};
    Edge *primary = child_with_role(node, EDGE_PRIMARY | EDGE_FILTERED);

    if (primary) {
        limits_inherit(&limits, &primary->child->limits);
        /* The child takes nothing beyond its own end: it pads by itself. */
        if (node->size_bytes % limits.request_align) {
            limits.request_align = 1;
        }
    }
    if (node->driver->is_filter) {
        /* Who passes requests on needs no whole blocks: the child pads, and
         * its bitmaps show what was written, not what was padded. */
        limits.request_align = 1;
    }
    node->limits = limits;
    if (node->driver->refresh_limits) {
        node->driver->refresh_limits(node);
    }
    assert(is_power_of_2(node->limits.request_align) &&
           is_power_of_2(node->limits.memory_align));
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->parent) {
            node_refresh_limits(edge->parent);
        }
    }
}
