/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the jobs that move data within a chain of images share: stream (up) and
 * commit (down).
 */
#ifndef BLOCK_JOB_CHAIN_H
#define BLOCK_JOB_CHAIN_H

#include "block/graph/backing.h"
#include "block/graph/quiesce.h"
#include "block/job/block-job.h"

#define CHAIN_PIECE_BYTES (512 * KiB)

/* The end of such a job: @overlay gets another image behind it. */
typedef struct ChainCut {
    Node *overlay;      /* without filters */
    Node *backing;      /* what is behind it then; NULL: nothing */
    char *backing_file; /* what the overlay says of it; NULL: its name */
} ChainCut;

/* Writes the image's header and moves the edge, while the users are held. What
 * was behind is held by the caller. */
bool co_chain_cut(const ChainCut *cut,
                  Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* All overlays of @top, one of which is @cut's, go on with @cut's backing.
 * Filters of users' that are between it and its overlay stay there. */
bool co_chain_drop(Node *top, const ChainCut *cut,
                   Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* What the overlay goes on with. @last is the last image above the base; users
 * who named an image as the base (@filter_named false) do not mean their
 * filters above it. Those of other jobs stay in any case. */
Node *chain_link_to_base(const Node *last, bool filter_named) CONTROL_ONLY;

/* Whether @node is below @top in its chain, filters included. */
bool chain_contains(const Node *top, const Node *node);

/* By node name or file name (one of both at most): the image in @top's chain
 * below @top; *@found NULL if neither is given. False with QEMU's text. */
bool chain_find(Node *top, const char *node_name, const char *filename,
                const char *what, Node **found, Error **errp) CONTROL_ONLY;
/* Forbids others to work on the images from below @top to above @base (NULL:
 * the lowest one too), and holds them, with what users may still do with them
 * @shared. *@layers counts them. */
bool chain_hold(Job *job, Node *top, const Node *base, Perms shared,
                unsigned *layers, Error **errp) CONTROL_ONLY;

/*
 * Walks over @root from its start: each run of at most CHAIN_PIECE_BYTES below
 * @end_bytes whose layer (1 is the top one) is @first to @last goes to
 * @co_copy, which returns 0 or -errno and says on which side. Progress, speed,
 * pauses and errors are the job's. 0 or -errno. Where an error is that
 * @on_error ignores it is tried again, or with @ignored_is_left_out left out:
 * the first such error is what is returned in the end.
 */
int co_chain_walk(Job *job, Root *root, unsigned first, unsigned last,
                  uint64_t end_bytes, BlockdevOnError on_error,
                  bool ignored_is_left_out,
                  int (*co_copy)(Job *job, uint64_t offset_bytes,
                                 uint64_t bytes,
                                 bool *error_is_read)) COROUTINE_ONLY;

#endif
