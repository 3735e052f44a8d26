/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy engine: moves clusters that are still to be copied from one edge to
 * another, once each. The copy-before-write filter copies through it what a
 * guest is about to overwrite, a backup job the rest.
 *
 *                 claim: bit cleared, range locked
 *     to do (bit) --------------------------------> in flight
 *          ^                                            |
 *          |  failed: bit set, then unlocked            | copied
 *          +--------------------------------------------+-----> done
 *
 * Invariants:
 * 1. A cluster is in exactly one of these states; in particular none is to do
 *    and in flight at once, so none is copied twice at a time. All moves
 *    between them happen without a yield.
 * 2. Clear, then read, then write: a bit that is clear while nothing is in
 *    flight means that the cluster is in the target.
 * 3. co_block_copy returns 0 only while all clusters that it covers are done
 *    (or the engine was stopped). They stay so: a guest may overwrite them
 * then.
 * 4. Holes stay holes: an area that the source knows to read as zeroes, or of
 *    what users wait for is read as such, is zeroed in the target, or left
 *    alone where the target knows the same.
 * 5. At most BLOCK_COPY_MEMORY_BYTES of data are between source and target;
 *    who needs more waits.
 * 6. Where the target's space is bounded, no more than that is ever held there
 *    by data that was copied and not discarded since.
 * 7. A copy that its caller has given up writes nothing that it had not begun
 *    to write, and what it had is not reported done before it is.
 * Threads: control, where the states are and the data passes. The
 * co_block_copy functions may be called from any, and hop.
 */
#ifndef BLOCK_COPY_BLOCK_COPY_H
#define BLOCK_COPY_BLOCK_COPY_H

#include "block/bitmap/bitmap.h"
#include "block/graph/driver.h"

#define BLOCK_COPY_MEMORY_BYTES (128 * MiB)
/* Least size of a cluster, and what one copy moves at most unless a cluster
 * is larger. */
#define BLOCK_COPY_CLUSTER_BYTES (64 * KiB)
#define BLOCK_COPY_CHUNK_BYTES (1 * MiB)

typedef struct BlockCopy BlockCopy;

/* One claimed piece: whole clusters, but for a short last one at the end of
 * the disk. Owned by who claimed it until co_block_copy_finish. */
typedef struct BlockCopyRun BlockCopyRun;

/*
 * Copies from @source to @target, two edges of one node; nothing is to do yet.
 * A cluster has @min_cluster_bytes at least (a power of 2; 0: the default
 * only). The clusters to do are an anonymous, disabled bitmap on the node that
 * @source leads to now, where queries show it. Control; does not yield. NULL
 * with @errp.
 */
BlockCopy *block_copy_new(Edge *source, Edge *target,
                          uint64_t min_cluster_bytes, Error **errp);
/*
 * The same for a copy that follows a disk in use: @todo, a bitmap of the node
 * that @source leads to, is the caller's, and records what users write, also
 * while it is copied. So a cluster in flight may be to do again: then it is
 * left until that copy is over. Its granularity is the cluster.
 */
BlockCopy *block_copy_new_live(Edge *source, Edge *target, DirtyBitmap *todo);
/* Nothing may be in flight. NULL is fine. */
void block_copy_free(BlockCopy *copy);

uint64_t block_copy_cluster_bytes(const BlockCopy *copy);
/* A smaller chunk: 0 for the default; else at least a cluster (the caller
 * checked), rounded down to whole clusters. */
void block_copy_set_chunk(BlockCopy *copy, uint64_t chunk_bytes);
uint64_t block_copy_chunk_bytes(const BlockCopy *copy);
/* What is to do. The caller fills it before anything is copied; afterwards it
 * is read only. */
DirtyBitmap *block_copy_todo(const BlockCopy *copy);
/* Whether what a copy leaves out of @target, since it reads as zeroes, may show
 * an image behind it once it is opened again: then its zeroes must be its own
 * (block_copy_set_diff). @part: only a part of a disk is copied, so that
 * something will be put behind it. Of a server nobody knows. */
bool block_copy_shines_through(Node *target, bool part) CONTROL_ONLY;
/* The target will be put above another image: so zeroes are written also where
 * it reads as zeroes, and clusters as a whole. Before anything is copied. */
void block_copy_set_diff(BlockCopy *copy);
/* Zeroes take space in the target like data. Before anything is copied. */
void block_copy_set_no_unmap(BlockCopy *copy);
/* The target compresses what it gets: it can, see REQ_COMPRESSED. Before
 * anything is copied. */
void block_copy_set_compress(BlockCopy *copy);
/* What was copied is discarded from the source, before anybody who waits for
 * it goes on; that this fails does not matter. Before anything is copied. */
void block_copy_set_discard_source(BlockCopy *copy);
/* A bound on what is copied to the target: clusters of data, until they are
 * discarded there (co_block_copy_give_space). Holes are free. */
typedef struct BlockCopySpaceOptions {
    uint64_t cap_bytes;       /* a cluster at least */
    uint64_t low_water_bytes; /* @low hears when no more than that is left */
    bool wait; /* for room, while the copy's watch lets it; else -ENOSPC */
    /* On the engine's reactor; must not yield. NULL: nobody. */
    void (*low)(void *opaque, uint64_t used_bytes);
    void *opaque;
} BlockCopySpaceOptions;
/* Before anything is copied. */
void block_copy_set_space(BlockCopy *copy,
                          const BlockCopySpaceOptions *options);
/* At home. */
uint64_t block_copy_space_used(const BlockCopy *copy) CONTROL_ONLY;
bool block_copy_space_is_full(const BlockCopy *copy) CONTROL_ONLY;
/* Who waits for room looks again, whether it was given up for one. */
void block_copy_space_wake(BlockCopy *copy) CONTROL_ONLY;

/* @fn hears on the engine's reactor, in whole clusters (of a live copy, in
 * bytes), what was copied, by whomever. It must not yield. NULL: nobody. */
void block_copy_set_progress(BlockCopy *copy,
                             void (*fn)(void *opaque, uint64_t bytes),
                             void *opaque);

/*
 * Returns when nothing in [@offset_bytes, +@bytes), rounded out to clusters
 * and clipped to the disk, is left to do or in flight: copies it, or waits for
 * who does. 0 or -errno; *@error_is_read (may be NULL) then says on which side.
 */
int co_block_copy(BlockCopy *copy, uint64_t offset_bytes, uint64_t bytes,
                  bool *error_is_read) COROUTINE_ONLY;

/* What one copy does at the moment, for who may give it up. At home. */
typedef struct BlockCopyWatch {
    bool given_up;         /* set by its owner: end as soon as you can */
    bool reading, writing; /* a request to the source, to the target */
    bool waits_for_space;
} BlockCopyWatch;

/* The same at the engine's home (control), where its owner may give it up: it
 * fails with -ECANCELED then, unless it was writing its last piece. */
int co_block_copy_watched(BlockCopy *copy, uint64_t offset_bytes,
                          uint64_t bytes, BlockCopyWatch *watch,
                          bool *error_is_read) COROUTINE_ONLY CONTROL_ONLY;

/* Whole clusters of the range are not to be copied any more. When it returns
 * none is to do or in flight; one that was in flight may have been copied. */
void co_block_copy_forget(BlockCopy *copy, uint64_t offset_bytes,
                          uint64_t bytes) COROUTINE_ONLY;
/* The target has discarded the clusters of such a range. */
void co_block_copy_give_space(BlockCopy *copy, uint64_t offset_bytes,
                              uint64_t bytes) COROUTINE_ONLY;

/*
 * For who copies everything: claims the first piece that is to do at or after
 * @start_bytes (a multiple of the cluster): data up to a chunk, or a hole of
 * at most @max_hole_bytes (at least a chunk). 1 and *@run; 0 when there is
 * none; -errno when the source could not say what is there (it is still to do
 * then, and counts as a failed read). Others wait for what is claimed: finish
 * it soon, and from behind the same gate.
 */
int co_block_copy_claim(BlockCopy *copy, uint64_t start_bytes,
                        uint64_t max_hole_bytes,
                        BlockCopyRun **run) COROUTINE_ONLY;
/* From now on, what is claimed is data or a hole as the source's images say,
 * each piece from one of them, and is not read to find out: for a job with a
 * speed limit, whose users count its steps. At home. */
void block_copy_set_exact(BlockCopy *copy, bool exact);
uint64_t block_copy_run_offset(const BlockCopyRun *run);
uint64_t block_copy_run_bytes(const BlockCopyRun *run);
/* Copies it and frees @run. 0 or -errno as co_block_copy. */
int co_block_copy_finish(BlockCopyRun *run, bool *error_is_read) COROUTINE_ONLY;
/*
 * Gives the point in time up: from now on nothing is claimed, co_block_copy
 * returns 0 at once. When it returns nothing is in flight either, so that the
 * bits to do are, for good, what is not in the target.
 */
void co_block_copy_stop(BlockCopy *copy) COROUTINE_ONLY;
/* The same without waiting for what is in flight. At home. */
void block_copy_stop_soon(BlockCopy *copy) CONTROL_ONLY;
/* Makes a range of the target read as zeroes, which it gives up where it can.
 * Before anything is copied there; 0 or -errno. */
int co_block_copy_zero_target(BlockCopy *copy, uint64_t start_bytes,
                              uint64_t end_bytes) COROUTINE_ONLY CONTROL_ONLY;
/* What was copied is on the target's stable storage when it returns. 0, or
 * -errno: what a live copy with block_copy_keep_unflushed() has copied since
 * the last one is to do again then. */
int co_block_copy_flush(BlockCopy *copy) COROUTINE_ONLY;

/* --- live copies: users' writes to both sides ---------------------------- */

typedef enum BlockCopyWrite {
    BLOCK_COPY_WRITE_DATA,
    BLOCK_COPY_WRITE_ZEROES,
    BLOCK_COPY_WRITE_DISCARD,
} BlockCopyWrite;

/* For who goes on from the bits to do another time: they are to cover what was
 * not flushed, too, when the copy is given up. Before anything is copied. */
void block_copy_keep_unflushed(BlockCopy *copy) CONTROL_ONLY;
/* Stops, soon, and sets the bits of what was not flushed. At home. */
void block_copy_give_up_unflushed(BlockCopy *copy) CONTROL_ONLY;

/*
 * Writes to the source and, where that makes or keeps clusters done, to the
 * target, while no copy of these clusters is in flight. All users' writes go
 * this way, or none does. The result is the source's. Failing to write to the
 * target leaves the clusters to do and is told to @failed, on the engine's
 * reactor. @iov: data only.
 */
int co_block_copy_write_both(BlockCopy *copy, BlockCopyWrite kind,
                             uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                             size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
/* Who hears, at the engine's home, of each write that went to both sides, and
 * of its failure there (positive errno, else 0). NULL: nobody. It must not
 * yield. */
void block_copy_set_written(BlockCopy *copy,
                            void (*fn)(void *opaque, uint64_t bytes,
                                       int os_errno),
                            void *opaque);

#endif
