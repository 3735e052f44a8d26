/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose images are they? While a machine moves to another process, both have
 * the same images open, and one of them, the active one, may use them. The
 * nodes of the other are inactive:
 *
 *     opened --------------------------------> active
 *     opened while graph_set_incoming(true) -> inactive
 *     active   --co_graph_inactivate_all-----> inactive
 *     inactive --co_node_activate------------> active
 *
 * Invariants:
 * 1. An inactive node holds no locks and no permissions on what is below;
 *    those of its users count again when it becomes active, which fails if
 *    they are in conflict or another program has the image.
 * 2. An inactive node is read-only: nothing is written, no bitmap is kept.
 * 3. What lies below an active node is active.
 * 4. While nodes are opened inactive, guests (RootOps.of_guest) have no
 *    permissions, also on nodes that others have made active.
 * 5. When it becomes active, what its driver knows of the image is read anew.
 */
#ifndef BLOCK_GRAPH_ACTIVITY_H
#define BLOCK_GRAPH_ACTIVITY_H

#include "block/graph/node.h"

/* Whether nodes that are opened from now on are inactive. */
void graph_set_incoming(bool incoming) CONTROL_ONLY;

/* Makes @node and all below it active; false, with the reason, if one could
 * not: those below that one are. Under the graph lock. */
bool co_node_activate(Node *node, Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* All nodes, and those that are opened from now on. Takes the graph lock. */
bool co_graph_activate_all(Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/*
 * Brings all nodes in agreement with their images and makes them inactive, or
 * none; but those that only jobs write to, such as the targets of copies.
 * False if somebody who cannot be stopped may write. Takes the graph lock.
 */
bool co_graph_inactivate_all(Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* What its options say, whether it is active or not. */
bool node_is_read_only(const Node *node);

#endif
