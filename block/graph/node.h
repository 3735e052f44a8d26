/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block graph: nodes, the edges between them, and who uses them.
 *
 *     root (export, job, device)      <- block/graph/root.h
 *       | edge "root"
 *     node (filter or format)
 *       | edge "file"
 *     node (protocol)
 *
 * Invariants:
 * 1. The graph has no cycle.
 * 2. Topology, permissions and sizes change only on the control thread, under
 *    the graph lock (co_graph_lock), and an edge's child changes only while
 *    every root above it is quiesced (block/graph/quiesce.h). So I/O code may
 *    keep a child pointer across a yield.
 * 3. For every node and every two edges A, B to it: A.perm is a subset of
 *    B.shared.
 * 4. A node lives while it has references: one of the monitor if it was made
 *    by blockdev-add, one of each edge to it.
 * 5. A node is HOMED: its driver's I/O functions run on node->home only,
 *    unless the driver declares ANY; then they run wherever the request is.
 */
#ifndef BLOCK_GRAPH_NODE_H
#define BLOCK_GRAPH_NODE_H

#include <json-c/json.h>

#include "util/annotations.h"
#include "util/error.h"
#include "util/iov.h"
#include "util/list.h"
#include "util/range-lock.h"
#include "util/reactor/reactor.h"
#include "util/short-lock.h"
#include "util/txn.h"

typedef struct Node Node;
typedef struct Edge Edge;
typedef struct Root Root;
typedef struct NodeDriver NodeDriver;
typedef struct DirtyBitmap DirtyBitmap;

#define NODE_NAME_MAX 31 /* bytes, without the terminating zero */

/* --- permissions --------------------------------------------------------- */

/* What a user of a node does with it (perm), and what it tolerates that the
 * others do (shared). The names in texts are "consistent read", "write",
 * "write unchanged", "resize". */
enum {
    PERM_CONSISTENT_READ = 1 << 0,
    PERM_WRITE = 1 << 1,
    PERM_WRITE_UNCHANGED = 1 << 2,
    PERM_RESIZE = 1 << 3,
    PERM_ALL = (1 << 4) - 1,
};
typedef uint32_t Perms;

/* "write, resize": for texts; owned by the caller. */
char *perms_to_string(Perms perms);

/* --- edges --------------------------------------------------------------- */

/* What an edge's child is for its parent node (a mask). */
enum {
    EDGE_DATA = 1 << 0,     /* guest data lies there */
    EDGE_METADATA = 1 << 1, /* the format's own data lies there */
    EDGE_FILTERED = 1 << 2, /* parent shows this child's content unchanged */
    EDGE_COW = 1 << 3,      /* backing image */
    EDGE_PRIMARY = 1 << 4,  /* the one that "file" means */
    EDGE_STAYS = 1 << 5,   /* at its child, whatever replaces that for others */
    EDGE_UNNAMED = 1 << 6, /* users are told of it as an unnamed device's */
};

struct Edge {
    /* CONST */
    char *name; /* "file", "backing", "target", "root" */
    unsigned role;
    Node *parent; /* the node above, or NULL when @root is set */
    Root *root;   /* the root above, or NULL when @parent is set */
    /* CONTROL */
    Node *child; /* never NULL while linked */
    Perms perm, shared;
    bool frozen;        /* chain_freeze: nobody may change where it leads */
    ListLink in_parent; /* parent->children */
    ListLink in_child;  /* child->parents */
};

/* --- nodes --------------------------------------------------------------- */

/* What requests a node takes; all powers of two or 0 for "no limit". Set by
 * the driver at open and refreshed after a child changed. */
typedef struct NodeLimits {
    uint32_t request_align; /* offset and length of reads and writes */
    uint32_t memory_align;  /* addresses of buffers */
    uint32_t max_iov;       /* areas in one request; 0 = IOV_MAX */
    uint64_t max_transfer_bytes;
    uint64_t max_zeroes_bytes;
    uint64_t max_discard_bytes;
    uint32_t zeroes_align, discard_align;
    bool part_written; /* REQ_UNWRITTEN takes no space: holes stay */
} NodeLimits;

typedef enum DetectZeroes {
    DETECT_ZEROES_OFF,
    DETECT_ZEROES_ON,
    DETECT_ZEROES_UNMAP
} DetectZeroes;

/* What io/ counts per node, for query-blockstats and tests: requests that went
 * well, and apart those that failed. A write of zeroes that fails counts as a
 * failed write. ATOMIC. */
typedef struct NodeStats {
    uint64_t reads, writes, zeroes, discards, flushes;
    uint64_t read_bytes, written_bytes, zeroed_bytes, discarded_bytes;
    uint64_t failed_reads, failed_writes, failed_discards, failed_flushes;
    uint64_t written_end; /* where the highest write or zeroing ended */
} NodeStats;

struct Node {
    /* CONST */
    const NodeDriver *driver;
    void *state; /* driver->state_bytes, zeroed */
    char name[NODE_NAME_MAX + 1];
    bool name_generated; /* "#block123" */

    /* CONTROL; changes while it is quiesced */
    Reactor *home; /* block/graph/home.h */

    /* CONTROL */
    ListLink children; /* Edge.in_parent */
    ListLink parents;  /* Edge.in_child */
    ListLink in_graph; /* all nodes, oldest first */
    unsigned refs;
    bool opens_file;       /* its child "file" is being opened: not known yet */
    bool monitor_owned;    /* made by blockdev-add, not yet deleted */
    Node *inherits_from;   /* the parent whose options defined it, or NULL */
    bool turns_read_only;  /* by the reopen that goes on */
    bool doomed;           /* deleted by the transaction that goes on */
    bool filename_derived; /* @filename follows from children and options */
    bool read_only;        /* always while it is inactive */
    bool inactive, inactive_read_only; /* block/graph/activity.h */
    bool discard_unmap; /* discard=unmap; else discards end here */
    bool cache_direct, cache_no_flush;
    unsigned copy_on_read; /* who wants it: node_copy_on_read */
    DetectZeroes detect_zeroes;
    bool auto_read_only;          /* opened for writing when first written */
    bool force_share;             /* others may write to it meanwhile */
    char *filename;               /* as query-named-block-nodes shows it */
    struct json_object *options;  /* as given; for reopen and queries */
    struct json_object *spelling; /* how they were written, or NULL */
    struct json_object *identity; /* what "json:" file names show, or NULL */
    ListLink op_blockers;         /* block/graph/op-blocker.h */
    ListLink bitmaps;             /* DirtyBitmap, newest first */
    unsigned quiesced;            /* sections that hold it still */
    unsigned late;                /* requests that nobody waits for */
    NodeLimits limits;

    /* SHORT: guards the list above and the bits of its bitmaps */
    ShortLock bitmaps_lock;

    /* ATOMIC */
    uint64_t size_bytes; /* what users may address */
    uint64_t write_gen;  /* bumped after each write has landed */
    uint64_t flushed_gen;
    NodeStats stats;
    uint64_t write_threshold; /* bytes; block/io/threshold.c. 0: none */

    /* Shared by its reactors if the driver is ANY, else HOME */
    RangeLocks *tracked; /* requests in flight that others wait for */

    /* SHORT: block/io/flush.c */
    ShortLock flush_lock;
    bool flushing;
    CoQueue flush_waiters;
};

/* --- control API (all CONTROL_ONLY; those with co_ may yield) ------------ */

/*
 * One coroutine at a time changes the graph, from the first check to the last
 * effect: QMP commands that change nodes, transactions, jobs when they start
 * and when they end. Not recursive.
 */
void co_graph_lock(void) COROUTINE_ONLY CONTROL_ONLY;
void graph_unlock(void) CONTROL_ONLY;
/* True if the calling coroutine holds it (for assertions). */
bool graph_locked_by_me(void);

/*
 * Opens a node and, through inline definitions, its children. @options is a
 * BlockdevOptions value (from QMP, or made with X_from_json by tools).
 * Returns a node with one reference that the caller owns, or NULL.
 * Source of the texts: QEMU 7.2.
 */
struct BlockdevOptions;
Node *co_node_open(const struct BlockdevOptions *options,
                   Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* A node without options, made by the product itself (a job's filter): state
 * zeroed, size 0, no children. @name NULL: generated. */
Node *node_new(const NodeDriver *driver, const char *name,
               Error **errp) CONTROL_ONLY;
/* @filter, new, is shown as @source and works where that does. */
void node_look_like(Node *filter, const Node *source) CONTROL_ONLY;
void node_ref(Node *node);
/* Closes the node and drops its children when the last reference goes. May
 * flush and thus yield. */
void co_node_unref(Node *node) COROUTINE_ONLY CONTROL_ONLY;

/* By node name; NULL if there is none (no error set). */
Node *node_find(const char *name);
/* Device name or node name, with QEMU's text `Cannot find device='%s' nor
 * node-name='%s'`, or `Device '%s' has no medium`. NULL = not given. */
Node *node_lookup(const char *device, const char *node_name,
                  Error **errp) CONTROL_ONLY;
/* The same by either name, for what no other node is above; else `Need a root
 * block node`. */
Node *node_lookup_root(const char *name, Error **errp) CONTROL_ONLY;
/* Oldest first; NULL ends. */
Node *node_next(Node *node);
/* Makes it the newest of all: a node is newer than its "file". */
void node_list_last(Node *node);

/* The name users see for a node in texts. */
const char *node_name(const Node *node);

/* Attaches @child below @parent and takes a reference to it. Fails, changing
 * nothing, on a cycle or permission conflict (QEMU's text). */
Edge *edge_attach(Node *parent, Node *child, const char *name, unsigned role,
                  Error **errp) CONTROL_ONLY;
/* Detaches and drops the reference (which may close the child). */
void co_edge_detach(Edge *edge) COROUTINE_ONLY CONTROL_ONLY;
/* The child edge called @name ("file"), or NULL. */
Edge *node_child(const Node *node, const char *name);
/* The child that holds this node's content when the node is a filter
 * (EDGE_FILTERED), else NULL. */
Edge *node_filtered_child(const Node *node);
Edge *node_backing_child(const Node *node); /* EDGE_COW, or NULL */
/* True if @below is @node, or can be reached from it. */
bool node_leads_to(const Node *node, const Node *below);
/* Below all filters. */
Node *node_skip_filters(Node *node);
/* Below the filters that users of devices are not shown. */
Node *node_skip_implicit(Node *node);

/*
 * Makes every parent of @from use @to instead, except @to itself (so it may be
 * a filter above @from), images below @to that have @from behind them (what
 * such a filter writes to may), and edges that stay. All roots above must be
 * quiesced. On conflict nothing changed. With @txn not NULL the change is
 * undone if that aborts. The edges' references move with them: the caller holds
 * one of
 * @from, which may be the last, and drops it later.
 */
bool node_replace(Node *from, Node *to, Txn *txn, Error **errp) CONTROL_ONLY;

/* Recomputes permissions of @node and everything below from its parents;
 * false, with QEMU's conflict text and nothing changed, if they conflict. */
bool node_refresh_perms(Node *node, Error **errp) CONTROL_ONLY;
/* The union of what parents do / the intersection of what they share. */
void node_cumulative_perms(const Node *node, Perms *perm, Perms *shared);

/* The node's cluster size in bytes, 0 for none; false when nothing is known
 * of it (then queries show no dirty flag either). */
bool node_cluster_bytes(const Node *node, uint32_t *cluster_bytes);

/* Whether zeroes written with REQ_MAY_UNMAP can give their space back there,
 * where users of @node want discards to. */
bool node_zeroes_unmap(const Node *node) CONTROL_ONLY;
/* For drivers: whether they do in all children. */
bool node_zeroes_unmap_below(const Node *node) CONTROL_ONLY;

/* Recomputes node->limits from driver and children, and those of all nodes
 * above. */
void node_refresh_limits(Node *node) CONTROL_ONLY;

/* Of @node and all that stand above it. */
void node_refresh_filenames_above(Node *node) CONTROL_ONLY;

/* After the driver learnt a new size: bitmaps, parents' sizes, roots. */
void node_size_changed(Node *node, uint64_t size_bytes) CONTROL_ONLY;

/*
 * Reopens several nodes, all or none: each with its new options, those that
 * are silent taking their defaults again. Nodes keep their identity, so users
 * stay attached; a child given by another name is replaced. Takes the graph
 * lock and quiesces the nodes. Source of the texts: QEMU 7.2.
 */
struct BlockdevOptionsList;
bool co_graph_reopen(const struct BlockdevOptionsList *options,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* The same under the graph lock. */
bool co_graph_reopen_locked(const struct BlockdevOptionsList *options,
                            Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/*
 * The same as a part of something larger, under the graph lock: it takes
 * effect, in a section of its own, and stays when graph_reopen_commit is
 * called, or is undone by graph_reopen_abort; both do not yield.
 * co_graph_reopen_forget then frees it. Sizes must stay.
 */
struct Reopen;
struct Reopen *
co_graph_reopen_prepare(const struct BlockdevOptionsList *options,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;
void graph_reopen_commit(struct Reopen *reopen) CONTROL_ONLY;
void graph_reopen_abort(struct Reopen *reopen) CONTROL_ONLY;
void co_graph_reopen_forget(struct Reopen *reopen) COROUTINE_ONLY CONTROL_ONLY;

/*
 * Reopens @node, and what was defined with it, with nothing changed but
 * whether it can be written. True also if nothing is to do; false with nothing
 * changed. Under the graph lock.
 */
bool co_node_set_read_only(Node *node, bool read_only,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/*
 * A user resizes @node, which no job keeps from it (NODE_OP_RESIZE): QEMU's
 * text where somebody who uses it does not bear that, the driver's where it
 * cannot. Under the graph lock.
 */
bool co_node_resize(Node *node, uint64_t size_bytes,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* Ends the program's graph: monitor references, in order. All jobs and
 * exports are gone by then. */
void co_graph_shutdown(void) COROUTINE_ONLY CONTROL_ONLY;

#endif
