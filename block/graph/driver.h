/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a driver is: a table of functions. block/file/null.c is the template
 * to start a new one from; docs/devel/how-to-add-a-driver.md walks through
 * it. The table of all drivers is block/drivers.c.
 *
 * The I/O functions run on node->home in a coroutine. They may assume:
 * - the range lies within the node's size, is not empty (except flush), is a
 *   multiple of limits.request_align, is at most limits.max_*_bytes long;
 *   when the size itself is no multiple of request_align, a read or write may
 *   reach past the end up to the next multiple: there reads give zeroes and
 *   writes leave the size alone (a node over another one inherits no
 *   request_align that its size is no multiple of: who is below pads);
 * - zeroes and discards that are no multiple of zeroes_align/discard_align
 *   are whole heads and tails between such multiples;
 * - writes come only to nodes that are not read-only;
 * - the graph below does not change until they return.
 * They return 0 or -errno. -ENOTSUP from zeroes, discard or block_status means
 * "not in this case": the caller falls back (writes zeroes, ignores the
 * discard, says "data").
 */
#ifndef BLOCK_GRAPH_DRIVER_H
#define BLOCK_GRAPH_DRIVER_H

#include "block/graph/node.h"

struct json_object;

/* Flags of one request. */
enum {
    REQ_FUA = 1 << 0,             /* on stable storage before it returns */
    REQ_MAY_UNMAP = 1 << 1,       /* zeroes: deallocating is fine */
    REQ_NO_FALLBACK = 1 << 2,     /* zeroes: -ENOTSUP rather than write them */
    REQ_SERIALISING = 1 << 3,     /* overlapping requests wait for this one */
    REQ_WRITE_UNCHANGED = 1 << 4, /* data is what was read: not marked dirty */
    REQ_FAST_ZERO = 1 << 5, /* with NO_FALLBACK: only if faster than data */
    /* Whole clusters of a format that were not written yet (the last may be
     * cut by the disk's end) are to be compressed. Filters pass it on. */
    REQ_COMPRESSED = 1 << 6,
    /* Reads: the node keeps what only its backing images have. Drivers never
     * see it. */
    REQ_COPY_ON_READ = 1 << 7,
    /* Zeroes: held by this image itself, also where its backing image shows
     * some now, since that will change. -ENOTSUP where it can hold data only.
     */
    REQ_ZERO_HERE = 1 << 8,
    /* Zeroes: the range was never written, so it reads so already; what is
     * asked for is its space, and that of what follows is welcome. */
    REQ_UNWRITTEN = 1 << 9,
    /* Part of much data, which its writer flushes when all is there: it may go
     * to the disk meanwhile. A hint. */
    REQ_FLUSHED_SOON = 1 << 10,
};
typedef uint32_t ReqFlags;

/* Answer of block status for an area. */
enum {
    STATUS_DATA = 1 << 0,      /* reads may return non-zero from storage */
    STATUS_ZERO = 1 << 1,      /* reads return zeroes */
    STATUS_OFFSET = 1 << 2,    /* @map and @file are valid */
    STATUS_ALLOCATED = 1 << 3, /* this node decides, not its backing image */
    STATUS_EOF = 1 << 4,       /* the area ends at the end of the node */
    STATUS_RECURSE = 1 << 5,   /* ask @file at @map for more zeroes */
    STATUS_PASSED = 1 << 6,    /* the child's answer, all of it */
};

typedef struct BlockStatus {
    unsigned flags;
    uint64_t bytes; /* length of the area that @flags hold for; > 0 */
    uint64_t map;   /* offset in @file, with STATUS_OFFSET */
    Node *file;     /* where @map counts, with STATUS_OFFSET */
} BlockStatus;

typedef enum NodeThreading {
    NODE_HOMED, /* I/O functions run on node->home only */
    NODE_ANY,   /* I/O functions may run on any reactor at once */
} NodeThreading;

struct BlockdevOptions;

/* One node of a reopen, as its driver sees it. The generic options of the
 * node (read_only, cache_direct...) and its children are the new ones. */
typedef struct NodeReopen {
    Node *node;
    const struct BlockdevOptions *options;
    uint64_t size_bytes; /* what the node will have: the driver may change it */
    struct Reopen *reopen;
} NodeReopen;

/* The size that @edge's child, which may be part of the reopen, will have. */
uint64_t reopen_child_size(const NodeReopen *node, const Edge *edge);

struct BitmapStore;
struct FormatOps;

#define TRUNCATE_KEPT 1

struct NodeDriver {
    const char *name; /* as in QMP: "file" */
    size_t state_bytes;
    NodeThreading threading;
    /* HOMED: its home may change while nothing is in flight. So what it does
     * at times other than in its I/O functions and while it is quiesced, it
     * does not do on control. */
    bool movable;
    bool is_filter;   /* shows its EDGE_FILTERED child unchanged */
    bool passing;     /* a job's, gone soon: no chain with it is frozen */
    bool is_implicit; /* devices are shown what is below it, unless it has a
                       * name that somebody gave it */
    bool own_size;    /* a filter whose child may be longer than it is */
    bool shown_by_options; /* named by "json:", whatever its child's name */
    bool shown_as_file;    /* named as its child "file" is, whatever that is */
    bool is_remote; /* requests may come back as those of a client of ours */
    bool is_format; /* data lies in its "file" child */
    bool supports_backing;
    bool shows_child; /* queries show what is behind it, as behind a filter */
    /* Keeps persistent bitmaps (bitmap.h). NULL: it cannot. */
    const struct BitmapStore *bitmap_store;

    /*
     * Opens from QAPI options (the last place that sees them): reads its arm
     * of the union, opens children with co_node_open_child, sets
     * node->size_bytes, may set node->filename (else it is derived) and
     * node->read_only. On failure it leaves
     * nothing behind but children (the caller drops those). Coroutine on
     * control.
     */
    bool (*co_open)(Node *node, const struct BlockdevOptions *options,
                    Error **errp);
    /*
     * Takes over new options while no request is in flight: what cannot
     * change is the same. Changes the state in place and adds to @txn what
     * undoes that, or what can be done only at the end. Children are done
     * before. Coroutine on control; may yield. NULL: it cannot be reopened.
     */
    bool (*co_reopen)(NodeReopen *reopen, Txn *txn, Error **errp);
    /* Brings what it holds back to its children, before options that may make
     * it read-only. 0 or -errno. Coroutine on control, quiesced. NULL: it
     * holds nothing back. */
    int (*co_settle)(Node *node);
    /* The node was inactive, and what is known of its image may be out of date:
     * reads it anew, with its permissions in force. The node is quiesced, what
     * lies below it is active. False: what the driver has can still be closed.
     * Coroutine on control. NULL: it knows nothing. */
    bool (*co_activate)(Node *node, Error **errp);
    /* Names of its own options that a reopen may change, or leave out. NULL
     * ends; NULL: none. */
    const char *const *reopen_options;
    /* Releases the state. No request is in flight. May yield. */
    void (*co_close)(Node *node);

    /*
     * What the node needs of and shares on @edge, given what its own parents
     * need (@perm) and share (@shared). NULL: perms_default_for_child.
     */
    void (*child_perm)(const Node *node, const Edge *edge, Perms perm,
                       Perms shared, Perms *child_perm, Perms *child_shared);
    /* x-blockdev-change: adds a child that nobody else uses, or removes one.
     * On control, quiesced. NULL: its children stay. */
    bool (*co_add_child)(Node *node, Node *child, Error **errp);
    bool (*co_remove_child)(Node *node, Edge *edge, Error **errp);
    /* Whether another node that has what this one shows may take the child's
     * place and nobody above notices. NULL: only below a filter. */
    bool (*child_replaceable)(const Node *node, const Edge *edge);
    /* Whether writing zeroes can give their space back (node_zeroes_unmap).
     * NULL: a filter as its child, others not. */
    bool (*zeroes_unmap)(const Node *node);
    /*
     * Called before new cumulative permissions take effect (a `file` takes
     * its locks, reopens read-write); commit/abort follows. NULL: nothing.
     */
    bool (*prepare_perm)(Node *node, Perms perm, Perms shared, Error **errp);
    void (*commit_perm)(Node *node, Perms perm, Perms shared);
    void (*abort_perm)(Node *node);
    /* Fills node->limits; defaults (request_align 1 ... from "file") are
     * already in. */
    void (*refresh_limits)(Node *node);

    /* Why the point in time that it keeps is lost, for queries. NULL: it is
     * not, or it keeps none. */
    const char *(*snapshot_error)(const Node *node);
    /* How many bytes of its bounded room it fills, for queries; false where
     * there is no bound. NULL: as false. */
    bool (*snapshot_space)(const Node *node, uint64_t *used_bytes);
    /* Requests that the driver holds back for no other reason than that it is
     * told to must go on, also those that come until node_quiescing(@node) is
     * false: a section waits for them. NULL: it holds none back. */
    void (*quiesce_begin)(Node *node);
    /* Whoever waits for requests that are under way has given them up: they
     * are to end soon, with an error if nothing better is known. Those that
     * come later are not meant. On control. NULL: they end by themselves. */
    void (*cancel_requests)(Node *node);
    /* A request has come to the point @event (a BlkdebugEvent) of its way. For
     * drivers that tests use to make things happen there. NULL: nothing. */
    void (*co_debug_event)(Node *node, int event);

    int (*co_preadv)(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset, ReqFlags flags);
    int (*co_pwritev)(Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, size_t iov_offset, ReqFlags flags);
    int (*co_pwrite_zeroes)(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            ReqFlags flags);
    int (*co_pdiscard)(Node *node, uint64_t offset_bytes, uint64_t bytes);
    int (*co_flush)(Node *node);
    int (*co_block_status)(Node *node, bool want_zero, uint64_t offset_bytes,
                           uint64_t bytes, BlockStatus *status);
    /* @exact: not longer than asked; else it may stay as long as it is, and
     * returns TRUNCATE_KEPT. Extending fills with zeroes. */
    int (*co_truncate)(Node *node, uint64_t size_bytes, bool exact,
                       Error **errp);
    /* Bytes it takes on its storage, or -errno. */
    int64_t (*co_allocated_bytes)(Node *node);
    /* Cluster size in bytes, or 0 when it has no such thing. */
    uint32_t (*cluster_bytes)(const Node *node);
    /*
     * For options and names as people write them (loose-options.h). Brings
     * short forms of options, whose scalars are strings, to those of the
     * schema. NULL: there are none.
     */
    bool (*expand_options)(struct json_object *options, Error **errp);
    /* Whether names that begin with "@protocol:" are the driver's, and the
     * options, the caller's, that such a @name stands for. NULL: none are. */
    bool (*takes_protocol)(const char *protocol);
    struct json_object *(*options_of_name)(const char *name, Error **errp);
    /* Names of those options that decide what the node shows ("offset", or with
     * dots where they are nested): a
     * node that has one of them given cannot be named by its child's file
     * name. NULL ends; NULL: none. */
    const char *const *identity_options;
    bool flushes_children; /* co_flush does, and bears errors of theirs */
    bool flushes_again;    /* co_flush also where nothing was written since */
    bool supports_fua;     /* co_pwritev and zeroes honour REQ_FUA */
    /* What a format can do beside I/O: block/graph/format.h. NULL: nothing. */
    const struct FormatOps *format;
};

/* The usual answer of child_perm, by the edge's role: a filter passes all
 * through, a backing image is kept unchanged, a format's file is its own. */
void perms_default_for_child(const Node *node, const Edge *edge, Perms perm,
                             Perms shared, Perms *child_perm,
                             Perms *child_shared);

/* NULL if there is no such driver. */
const NodeDriver *driver_find(const char *name);
/* All, in the order of block/drivers.c; NULL ends. */
const NodeDriver *const *driver_table(void);
/* The names of formats, filters and protocols that users may open nodes with,
 * sorted, with a space between: what tools list as supported. Each can be
 * opened read-only, too. The caller frees it. */
char *driver_names(void);

/* For co_open: opens the child that a BlockdevRef names or defines and
 * attaches it as @name. */
struct BlockdevRef;
Edge *co_node_open_child(Node *parent, const struct BlockdevRef *ref,
                         const char *name, unsigned role,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
