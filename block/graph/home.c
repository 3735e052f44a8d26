/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving nodes between reactors: see home.h. */
#include "block/graph/home.h"

#include "block/graph/quiesce.h"

static void collect_homed(Node *node, GPtrArray *nodes)
{
    if (node->driver->threading == NODE_HOMED &&
        !g_ptr_array_find(nodes, node, NULL)) {
        g_ptr_array_add(nodes, node);
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        collect_homed(edge->child, nodes);
    }
}

static bool can_move(const Node *node, const Reactor *home)
{
    return node->home == home ||
           (node->driver->movable && node->home == reactor_control());
}

COROUTINE_ONLY CONTROL_ONLY static void co_set_home(GPtrArray *nodes,
                                                    Reactor *home)
{
    Quiesce *section;

    if (!nodes->len) {
        return;
    }
    section = co_quiesce_begin((Node *const *)nodes->pdata, nodes->len);
    for (guint i = 0; i < nodes->len; i++) {
        ((Node *)nodes->pdata[i])->home = home;
    }
    quiesce_end(section);
}

bool co_nodes_move(Node *node, Reactor *home)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();
    bool all = true;

    assert(graph_locked_by_me());
    collect_homed(node, nodes);
    for (guint i = 0; i < nodes->len; i++) {
        all = all && can_move(nodes->pdata[i], home);
    }
    if (all) {
        co_set_home(nodes, home);
    }
    return all;
}

void co_nodes_leave(Reactor *home)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    assert(graph_locked_by_me());
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        if (node->home == home) {
            g_ptr_array_add(nodes, node);
        }
    }
    co_set_home(nodes, reactor_control());
}
