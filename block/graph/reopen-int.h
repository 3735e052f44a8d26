/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a reopen share; reopen.c tells how it goes. */
#ifndef BLOCK_GRAPH_REOPEN_INT_H
#define BLOCK_GRAPH_REOPEN_INT_H

#include "block/graph/driver.h"
#include "block/graph/graph-int.h"
#include "qapi/qapi-types.h"

typedef struct ReopenEntry ReopenEntry;
struct ReopenEntry {
    NodeReopen r;
    BlockdevOptions *options;
    json_object *json;         /* the same */
    const ReopenEntry *parent; /* inherits from it; NULL: named by the user */
    GenericOptions old;
    bool done; /* the driver has had its turn */
};

typedef struct Reopen {
    GPtrArray *entries; /* ReopenEntry */
    GPtrArray *nodes;   /* Node of each entry, and those whose users change */
    GPtrArray *left;    /* Node, a reference of each: children before */
    Txn *txn;
    Quiesce *section; /* over @nodes, and the children that are left */
} Reopen;

/* --- reopen-queue.c ------------------------------------------------------ */

/* An empty queue. co_reopen_free lets go of all that is in it. */
Reopen *reopen_new(void);
void co_reopen_free(Reopen *q) COROUTINE_ONLY CONTROL_ONLY;
/* The entry of @node, or NULL. */
ReopenEntry *reopen_find(const Reopen *q, const Node *node);
/* Queues the nodes that @list names, and what inherits from them. */
bool reopen_queue_all(Reopen *q, const BlockdevOptionsList *list,
                      Error **errp) CONTROL_ONLY;

/* --- reopen-children.c --------------------------------------------------- */

/* Puts in the children that the options of @entry name, but for the images
 * behind; with undo. */
bool reopen_apply_children(Reopen *q, ReopenEntry *entry,
                           Error **errp) CONTROL_ONLY;
/* The same for what lies behind all nodes of the queue. */
bool reopen_apply_backings(Reopen *q, Error **errp) CONTROL_ONLY;
/* Whether the options of @entry say what lies behind it, where they must. */
bool reopen_backing_is_said(const ReopenEntry *entry, Error **errp);

/* --- reopen-drivers.c ---------------------------------------------------- */

/* While they still can, nodes write what they hold back; all are quiesced. */
bool co_reopen_settle_all(Reopen *q, Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Lets the driver of each node take its options, those below first, with undo;
 * refuses sizes that users do not bear. */
bool co_reopen_apply_drivers(Reopen *q,
                             Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
