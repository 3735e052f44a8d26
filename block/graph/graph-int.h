/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of block/graph share among themselves, and the way of a
 * root's requests (block/io/root-io.c) with them. Nobody else includes this.
 */
#ifndef BLOCK_GRAPH_GRAPH_INT_H
#define BLOCK_GRAPH_GRAPH_INT_H

#include "block/graph/quiesce.h"

struct BlockdevOptions;

/* --- edge.c -------------------------------------------------------------- */

/* Not linked; no permissions, shares everything. Exactly one of @parent and
 * @root is given. */
Edge *edge_new(Node *parent, Root *root, const char *name, unsigned role);
/* Links and takes a reference of @child / unlinks and keeps the reference,
 * which the caller has to drop. */
void edge_link(Edge *edge, Node *child);
Node *edge_unlink(Edge *edge);
/* Unlinked only. */
void edge_free(Edge *edge);
/* Sets @errp to the cycle text and returns false if @child reaches @parent,
 * which would have it as @name. */
bool edge_check_cycle(const Node *parent, const Node *child, const char *name,
                      Error **errp);

/* --- node.c -------------------------------------------------------------- */

void node_unref_not_last(Node *node);
/* Undoes node_new and what was attached below since: an open that failed. */
void co_node_discard(Node *node) COROUTINE_ONLY CONTROL_ONLY;

/* --- open.c -------------------------------------------------------------- */

/* The options that every driver has, as a node has them. */
typedef struct GenericOptions {
    bool read_only, auto_read_only, force_share;
    bool discard_unmap, cache_direct, cache_no_flush;
    DetectZeroes detect_zeroes;
} GenericOptions;

/* What @o says, and where it is silent @parent's (NULL: the defaults). False
 * with QEMU's text if they do not go together. */
bool generic_options_parse(const struct BlockdevOptions *o,
                           const GenericOptions *parent, GenericOptions *g,
                           Error **errp);
GenericOptions node_generic(const Node *node);
/* What an inline child gets by default: one behind another is read-only. */
GenericOptions node_generic_for_child(const Node *parent, unsigned role);
void node_set_generic(Node *node, const GenericOptions *g);

/* --- activity.c ---------------------------------------------------------- */

bool graph_incoming(void);
/* Without a look at permissions. */
void node_set_inactive(Node *node, bool inactive);

/* --- reopen-options.c ---------------------------------------------------- */

/* True if the driver's own options @options may take the place of those that
 * @node has (its options before): what cannot change is the same. Members
 * called like a child are looked at elsewhere. */
bool reopen_options_check(const Node *node, json_object *options, Error **errp);
/* The part of it that counts before what is wrong with children. */
bool reopen_options_check_early(const Node *node, json_object *options,
                                Error **errp);

/* --- replace.c ----------------------------------------------------------- */

/* Lets @edge lead to @to, with its reference; the caller holds another one of
 * the child that it leaves. Undone if @txn aborts. No check. */
void edge_move_txn(Edge *edge, Node *to, Txn *txn);

/* --- perm.c -------------------------------------------------------------- */

/* Recomputes the permissions of these nodes and everything below, in place;
 * what it changed and asked of drivers is recorded in @txn, which the caller
 * commits or, after false, aborts. */
bool perms_refresh(Node *const *nodes, size_t n, Txn *txn,
                   Error **errp) CONTROL_ONLY;

/* --- filename.c ---------------------------------------------------------- */

/* Derives node->identity, and node->filename where the driver left it. */
void node_refresh_filename(Node *node);

/* --- gate.c -------------------------------------------------------------- */

/* Waits for closed gates to run dry; on control, in a coroutine. */
typedef struct GateWait {
    unsigned pending;
    Coroutine *waiter;
} GateWait;

void gate_init(Root *root);
void gate_unref(Root *root); /* frees the root with the last one */
/* One more closes it. @wait counts the lanes that still have requests; NULL
 * when it is known that nobody needs to wait. */
void gate_close(Root *root, GateWait *wait) CONTROL_ONLY;
void gate_open(Root *root) CONTROL_ONLY;
void co_gate_wait(GateWait *wait) COROUTINE_ONLY CONTROL_ONLY;

/* --- quiesce.c ----------------------------------------------------------- */

/* After the topology changed: roots that now reach a node of an open section
 * join it. */
void quiesce_rescan(void) CONTROL_ONLY;
/* A root that goes away leaves all sections. */
void quiesce_forget_root(Root *root) CONTROL_ONLY;
/* A node that goes away does. */
void quiesce_forget_node(Node *node) CONTROL_ONLY;

/* --- root ---------------------------------------------------------------- */

/* One reactor's part of a gate. HOME: only its own reactor touches it. */
typedef struct GateLane {
    Reactor *reactor; /* NULL until this reactor first enters */
    unsigned inflight;
    unsigned closed;  /* how many hold it closed */
    ListLink parked;  /* GateParked, in order of arrival */
    ListLink closers; /* GateMessage, who waits for inflight == 0 */
} GateLane;

struct Root {
    /* CONST */
    char *name;
    const RootOps *ops;
    void *opaque;
    /* CONTROL (read by I/O behind the gate) */
    Edge *edge;        /* NULL while detached */
    unsigned sections; /* open quiesced sections it is part of */
    bool hurried;      /* it ends: nobody holds its requests back */
    /* SHORT: gate_mutex of gate.c */
    unsigned closed;
    /* ATOMIC */
    int refs; /* the owner's, and one of each message on its way */
    /* LANE */
    GateLane lanes[REACTOR_MAX];
};

#endif
