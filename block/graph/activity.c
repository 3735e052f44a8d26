/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes become active and inactive. An inactive node is marked read-only,
 * which stops all that would write; what it is by its options is in
 * node->inactive_read_only until then.
 */
#include "block/graph/activity.h"

#include "block/bitmap/bitmap.h"
#include "block/graph/graph-int.h"
#include "block/graph/query.h"
#include "block/io/io.h"

/* CONTROL */
static bool incoming;

void graph_set_incoming(bool on)
{
    incoming = on;
}

bool graph_incoming(void)
{
    return incoming;
}

bool node_is_read_only(const Node *node)
{
    return node->inactive ? node->inactive_read_only : node->read_only;
}

void node_set_inactive(Node *node, bool inactive)
{
    if (inactive && !node->inactive) {
        node->inactive_read_only = node->read_only;
        node->read_only = true;
    } else if (!inactive && node->inactive) {
        node->read_only = node->inactive_read_only;
    }
    node->inactive = inactive;
}

/* --- activate ------------------------------------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static bool co_activate_one(Node *node,
                                                        Error **errp)
{
    Quiesce *section = co_quiesce_begin(&node, 1);
    bool ok;

    node_set_inactive(node, false);
    ok = node_refresh_perms(node, errp);
    if (ok && node->driver->co_activate &&
        !node->driver->co_activate(node, errp)) {
        ok = false;
    }
    if (ok) {
        node_refresh_limits(node);
    } else {
        node_set_inactive(node, true);
        node_refresh_perms(node, NULL);
    }
    quiesce_end(section);
    return ok;
}

bool co_node_activate(Node *node, Error **errp)
{
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (!co_node_activate(edge->child, errp)) {
            return false;
        }
    }
    return !node->inactive || co_activate_one(node, errp);
}

/* Its guests count from now on. Somebody else who came meanwhile, such as an
 * export through which the disk was filled, may be in their way: then they
 * bear him, as with QEMU. */
CONTROL_ONLY
static bool let_guests_in(Node *node, Error **errp)
{
    Error *err = NULL;

    if (node_refresh_perms(node, &err)) {
        return true;
    }
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root && edge->root->ops && edge->root->ops->of_guest) {
            edge->shared = PERM_ALL;
        }
    }
    if (!node_refresh_perms(node, NULL)) {
        error_propagate(errp, err);
        return false;
    }
    error_report_err(err);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_activate_all_locked(Error **errp)
{
    bool was_incoming = incoming;
    Node *node = NULL;

    while ((node = node_next(node))) {
        if (!co_node_activate(node, errp)) {
            return false;
        }
    }
    graph_set_incoming(false);
    while (was_incoming && (node = node_next(node))) {
        if (!let_guests_in(node, errp)) {
            graph_set_incoming(true);
            return false;
        }
    }
    return true;
}

bool co_graph_activate_all(Error **errp)
{
    bool ok;

    co_graph_lock();
    ok = co_activate_all_locked(errp);
    graph_unlock();
    return ok;
}

/* --- inactivate ---------------------------------------------------------- */

/* Below devices and nodes of the user's, and not used by a job alone. */
static bool is_target(const Node *node)
{
    bool job = false;

    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (!edge->root || !edge->root->ops || !edge->root->ops->job_id ||
            !edge->root->ops->job_id(edge->root)) {
            return false;
        }
        job = job || (edge->perm & PERM_WRITE);
    }
    return job;
}

/* Devices stand still, and jobs follow them; who else writes goes on. */
CONTROL_ONLY
static bool check_writers(const Node *node, Error **errp)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        const Root *root = edge->root;

        if (root && (edge->perm & PERM_WRITE) &&
            !(root->ops && root->ops->of_guest) &&
            !(root->ops && root->ops->job_id && root->ops->job_id(root))) {
            g_autofree char *user = edge_describe_user(edge);

            error_set(errp,
                      "Node '%s' cannot be handed over: %s may write "
                      "to it",
                      node_name(node), user);
            return false;
        }
    }
    return true;
}

static bool check_bitmaps(const Node *node, Error **errp)
{
    DirtyBitmap *bitmap = NULL;

    while ((bitmap = bitmap_next(node, bitmap))) {
        if (bitmap_persistent(bitmap) &&
            !bitmap_check(bitmap, BITMAP_CHECK_BUSY, errp)) {
            return false;
        }
    }
    return true;
}

/* Users before what they use. */
static void collect(Node *node, GHashTable *seen, GPtrArray *below_first)
{
    if (node->inactive || is_target(node) || !g_hash_table_add(seen, node)) {
        return;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        collect(edge->child, seen, below_first);
    }
    g_ptr_array_add(below_first, node);
}

/* What is in the image need not be in memory; it is read again. */
CONTROL_ONLY
static void forget_stored_bitmaps(Node *node)
{
    DirtyBitmap *bitmap = bitmap_next(node, NULL);

    while (bitmap) {
        DirtyBitmap *next = bitmap_next(node, bitmap);

        if (bitmap_persistent(bitmap)) {
            bitmap_release(bitmap);
        }
        bitmap = next;
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool co_settle(Node *node, Error **errp)
{
    int ret = 0;

    if (!node->read_only) {
        ret = co_node_flush(node);
        if (ret == 0 && node->driver->co_settle) {
            ret = node->driver->co_settle(node);
        }
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Node '%s' cannot be handed over",
                        node_name(node));
    }
    return ret >= 0;
}

CONTROL_ONLY
static bool check_all(const GPtrArray *nodes, Error **errp)
{
    for (guint i = 0; i < nodes->len; i++) {
        if (!check_writers(nodes->pdata[i], errp) ||
            !check_bitmaps(nodes->pdata[i], errp)) {
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_inactivate(GPtrArray *nodes,
                                                      Error **errp)
{
    for (guint i = nodes->len; i > 0; i--) {
        if (!co_settle(nodes->pdata[i - 1], errp)) {
            return false;
        }
    }
    for (guint i = 0; i < nodes->len; i++) {
        forget_stored_bitmaps(nodes->pdata[i]);
        node_set_inactive(nodes->pdata[i], true);
    }
    for (guint i = nodes->len; i > 0; i--) {
        /* Permissions are only let go. */
        node_refresh_perms(nodes->pdata[i - 1], NULL);
    }
    return true;
}

bool co_graph_inactivate_all(Error **errp)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Quiesce *section;
    Node *node = NULL;
    bool ok;

    co_graph_lock();
    while ((node = node_next(node))) {
        collect(node, seen, nodes);
    }
    ok = check_all(nodes, errp);
    if (ok) {
        section = co_quiesce_begin((Node *const *)nodes->pdata, nodes->len);
        ok = co_inactivate(nodes, errp);
        quiesce_end(section);
    }
    graph_unlock();
    return ok;
}
