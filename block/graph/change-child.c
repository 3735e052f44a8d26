/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command x-blockdev-change: children that come and go. */
#include "block/graph/graph-int.h"
#include "qapi/qapi-commands.h"

COROUTINE_ONLY CONTROL_ONLY static bool co_add(Node *parent, const char *name,
                                               Error **errp)
{
    Node *child = node_find(name);

    if (!list_empty(&child->parents)) {
        error_set(errp, "The node %s already has a parent", node_name(child));
        return false;
    }
    return parent->driver->co_add_child(parent, child, errp);
}

/* Texts name the parent as the user does. */
static bool check(const Node *parent, const QmpXBlockdevChangeArgs *args,
                  Error **errp)
{
    if (args->child && !node_child(parent, args->child)) {
        error_set(errp, "Node '%s' does not have child '%s'", args->parent,
                  args->child);
        return false;
    }
    if (args->child && !parent->driver->co_remove_child) {
        error_set(errp, "The node %s does not support removing a child",
                  args->parent);
        return false;
    }
    if (args->node && !node_find(args->node)) {
        error_set(errp, "Node '%s' not found", args->node);
        return false;
    }
    if (args->node && !parent->driver->co_add_child) {
        error_set(errp, "The node %s does not support adding a child",
                  args->parent);
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_change(Node *parent, const QmpXBlockdevChangeArgs *args, Error **errp)
{
    Quiesce *section;
    bool ok;

    if (!check(parent, args, errp)) {
        return false;
    }
    section = co_quiesce_begin(&parent, 1);
    ok = args->child ? parent->driver->co_remove_child(
                           parent, node_child(parent, args->child), errp)
                     : co_add(parent, args->node, errp);
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
        ok = co_change(parent, args, errp);
    }
    graph_unlock();
    return ok;
}
