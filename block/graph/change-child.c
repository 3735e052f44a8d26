/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command x-blockdev-change: children that come and go. */
#include "block/graph/graph-int.h"
#include "qapi/qapi-commands.h"

COROUTINE_ONLY CONTROL_ONLY static bool co_add(Node *parent, const char *name,
                                               Error **errp)
{
    Node *child = node_find(name);

    if (!child) {
        error_set(errp, "Node '%s' not found", name);
        return false;
    }
    if (!parent->driver->co_add_child) {
        error_set(errp, "The node %s does not support adding a child",
                  node_name(parent));
        return false;
    }
    if (!list_empty(&child->parents)) {
        error_set(errp, "The node %s already has a parent", node_name(child));
        return false;
    }
    return parent->driver->co_add_child(parent, child, errp);
}

static bool check_remove(const Node *parent, const char *name, Error **errp)
{
    if (!node_child(parent, name)) {
        error_set(errp, "Node '%s' does not have child '%s'", node_name(parent),
                  name);
        return false;
    }
    if (!parent->driver->co_remove_child) {
        error_set(errp, "The node %s does not support removing a child",
                  node_name(parent));
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_change(Node *parent, const char *child, const char *node, Error **errp)
{
    Quiesce *section;
    bool ok;

    if (child && !check_remove(parent, child, errp)) {
        return false;
    }
    section = co_quiesce_begin(&parent, 1);
    ok = child ? parent->driver->co_remove_child(
                     parent, node_child(parent, child), errp)
               : co_add(parent, node, errp);
    if (ok) {
        node_refresh_limits(parent);
        node_refresh_filenames_above(parent);
    }
    quiesce_rescan();
    quiesce_end(section);
    return ok;
}

bool qmp_x_blockdev_change(const QmpXBlockdevChangeArgs *args, Error **errp)
{
    Node *parent;
    bool ok = false;

    co_graph_lock();
    parent = node_lookup(args->parent, args->parent, errp);
    if (parent && !args->child == !args->node) {
        error_set(errp, args->child
                            ? "The parameters child and node are in conflict"
                            : "Either child or node must be specified");
    } else if (parent) {
        ok = co_change(parent, args->child, args->node, errp);
    }
    graph_unlock();
    return ok;
}
