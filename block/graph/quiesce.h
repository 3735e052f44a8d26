/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quiesced sections: while one is open, no request is in flight above its
 * nodes and none starts.
 *
 * Invariants:
 * 1. A section closes every root from which one of its nodes can be reached,
 *    once each, and opens just those again.
 * 2. Sections nest and overlap: a gate counts who closed it.
 * 3. Who holds a section never does I/O through a root that it closed.
 */
#ifndef BLOCK_GRAPH_QUIESCE_H
#define BLOCK_GRAPH_QUIESCE_H

#include "block/graph/root.h"

typedef struct Quiesce Quiesce;

/* Closes the gates of all roots above the @n @nodes and waits until nothing
 * is in flight behind them. */
Quiesce *co_quiesce_begin(Node *const *nodes,
                          size_t n) COROUTINE_ONLY CONTROL_ONLY;
/* Opens them and lets the parked requests go, in order. */
void quiesce_end(Quiesce *quiesce) CONTROL_ONLY;
/*
 * A request to @node whose maker has given it up: he leaves his gate while it
 * is under way. Sections over @node or what is below it wait until its end,
 * those over what is above do not. Begins while the gate is still passed; the
 * caller holds a reference of @node.
 */
void node_late_begin(Node *node) CONTROL_ONLY;
void node_late_end(Node *node) CONTROL_ONLY;
/* True while a root above @node is closed by some section, or ends. */
bool node_quiescing(const Node *node) CONTROL_ONLY;
/* Requests to @node and what is below it that wait for somebody else, a server
 * say, end soon, with an error: who made them has given up. */
void node_cancel_requests(Node *node) CONTROL_ONLY;

#endif
