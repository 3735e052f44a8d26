/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing which image lies behind a node.
 */
#ifndef BLOCK_GRAPH_BACKING_H
#define BLOCK_GRAPH_BACKING_H

#include "block/graph/node.h"

/*
 * Puts @backing (NULL: nothing) behind @node in the place of what is there;
 * @node's driver supports that. The roots above @node are quiesced. The caller
 * holds a reference of the image that was there, if any, until @txn has ended,
 * when it may drop it. False with nothing changed: a cycle or a permission
 * conflict. Undone if @txn aborts. What the image itself says of what is
 * behind it stays.
 */
bool node_set_backing(Node *node, Node *backing, Txn *txn,
                      Error **errp) CONTROL_ONLY;

/* The node whose image is behind @node, also where filters are in between;
 * NULL if there is none. */
Node *node_backing_node(Node *node);
/* The next node of @node's chain, be it a filter's child or an image behind;
 * NULL at its end. */
Node *node_below(const Node *node);
/* The node in @top's chain of images whose own backing image is @below (both
 * without filters); NULL if @below is not in that chain. */
Node *node_overlay_of(Node *top, const Node *below);

/*
 * While somebody works on a chain nobody may change its links: those from @top
 * by way of filtered children and images behind to @bottom, which is below
 * @top or is it. False with nothing changed: one is frozen already, or leads to
 * a filter that is passing. chain_thaw with the same nodes, while the chain is
 * there.
 */
bool chain_freeze(Node *top, const Node *bottom, Error **errp) CONTROL_ONLY;
void chain_thaw(Node *top, const Node *bottom) CONTROL_ONLY;
/* False with a text if the link is frozen. */
bool edge_check_thawed(const Edge *edge, Error **errp) CONTROL_ONLY;

#endif
