/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where HOMED nodes live: a chain moves to the reactor that serves it, as far
 * as its drivers bear that, and comes back to control when that reactor ends.
 *
 * Invariant: a node's home changes while nothing is in flight above it, so
 * whoever reads it behind a gate may rely upon it until it leaves the gate.
 * All: control, under the graph lock.
 */
#ifndef BLOCK_GRAPH_HOME_H
#define BLOCK_GRAPH_HOME_H

#include "block/graph/node.h"

/* Moves the HOMED nodes from @node downwards to @home if all of them can: each
 * is there already, or lives on control and is movable. Else nothing moves and
 * their requests hop; then false. */
bool co_nodes_move(Node *node, Reactor *home) COROUTINE_ONLY CONTROL_ONLY;
/* Brings all nodes that live on @home back to control. */
void co_nodes_leave(Reactor *home) COROUTINE_ONLY CONTROL_ONLY;

#endif
