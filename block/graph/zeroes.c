/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where zeroes that are written can give their space back. */
#include "block/graph/driver.h"
#include "block/graph/graph-int.h"

bool node_zeroes_unmap(const Node *node)
{
    const Edge *filtered = node_filtered_child(node);

    if (node->driver->zeroes_unmap) {
        return node->driver->zeroes_unmap(node);
    }
    return filtered && node_zeroes_unmap(filtered->child);
}

bool node_zeroes_unmap_below(const Node *node)
{
    bool any = false;

    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (!node_zeroes_unmap(edge->child)) {
            return false;
        }
        any = true;
    }
    return any;
}
