/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of block/copy share among themselves. */
#ifndef BLOCK_COPY_COPY_INT_H
#define BLOCK_COPY_COPY_INT_H

#include "block/copy/block-copy.h"
#include "util/sparse-bitmap.h"

typedef struct CopySpace CopySpace; /* space.c */

struct BlockCopy {
    /* CONST */
    Edge *source, *target;
    Reactor *home;
    uint64_t size_bytes;
    uint64_t cluster_bytes;
    uint64_t chunk_bytes; /* whole clusters */
    ReqFlags write_flags; /* of data for the target */
    bool discard_source;
    bool live;           /* users mark @todo, which is not ours */
    ReqFlags zero_flags; /* of zeroes for it, unless @diff */
    bool diff;           /* the target will be put above another image */
    void (*progress)(void *opaque, uint64_t bytes);
    void *progress_opaque;
    void (*written)(void *opaque, uint64_t bytes, int os_errno);
    void *written_opaque;
    CopySpace *space; /* NULL: no bound */

    /* SHORT: the bits, by the lock of the bitmap's node */
    DirtyBitmap *todo;

    /* HOME */
    RangeLocks *in_flight;
    bool stopped; /* nothing is claimed any more */
    bool exact;   /* pieces are not put together, nor told by their data */
    /* What the source last said to be data: a hint that saves asking again
     * for each chunk. Data is never a wrong answer. */
    uint64_t data_start, data_end;
    SparseBitmap *unflushed; /* NULL: nobody wants to know; unflushed.c */
    uint64_t memory_bytes;   /* in use */
    CoQueue memory_freed;
};

struct BlockCopyRun {
    BlockCopy *copy;
    uint64_t offset_bytes, bytes;
    bool is_hole;
    bool may_be_hole;         /* nobody asked, or in parts: its data tells */
    bool zero_may_be_data;    /* but of what is zero the source is asked then */
    uint64_t target_zero_end; /* up to there the target said to be zero */
    BlockCopyWatch *watch;    /* NULL: nobody gives it up */
    RangeLock lock;
};

/* --- states.c; at home --------------------------------------------------- */

/* Claims the first piece in [@start, @end) that is to do: 1 and *@run, 0 if
 * there is none, or -errno. @waited_for: by a user, who wants it soon. */
int co_copy_claim(BlockCopy *copy, uint64_t start, uint64_t end,
                  uint64_t max_hole, bool waited_for, BlockCopyWatch *watch,
                  BlockCopyRun **run) COROUTINE_ONLY;
/* Moves it and frees @run. 0 or -errno. */
int co_copy_finish(BlockCopyRun *run, bool *error_is_read) COROUTINE_ONLY;
/* All of [@start, @end): returns when nothing there is to do or in flight. */
int co_copy_all(BlockCopy *copy, uint64_t start, uint64_t end,
                BlockCopyWatch *watch,
                bool *error_is_read) COROUTINE_ONLY CONTROL_ONLY;
/* Gives back what lies behind the first @bytes. */
void copy_run_cut(BlockCopyRun *run, uint64_t bytes);

/* --- classify.c; at home ------------------------------------------------- */

/* Finds out whether data or a hole was claimed and keeps so much of it as is
 * one piece. 0 or -errno. */
int co_copy_classify(BlockCopyRun *run, bool waited_for) COROUTINE_ONLY;
/* What the source, with all that is behind it, says of what begins at @at. 0 or
 * -errno. */
int co_copy_ask_source(BlockCopyRun *run, uint64_t at,
                       BlockStatus *status) COROUTINE_ONLY;

/* --- move.c; at home ----------------------------------------------------- */

/* Moves a claimed piece; the states are the caller's matter. At home. */
int co_move_run(BlockCopyRun *run, bool *error_is_read) COROUTINE_ONLY;

/* --- unflushed.c; at home ------------------------------------------------ */

/* The target has taken these clusters; the last may be cut. */
void copy_note_written(BlockCopy *copy, uint64_t offset_bytes, uint64_t bytes);

/* --- space.c; at home ---------------------------------------------------- */

void copy_space_free(CopySpace *space); /* NULL is fine */
/* Holds room for as much of the range as there is, from its begin on, which is
 * one of a cluster; returns that many bytes. */
uint64_t copy_space_take(CopySpace *space, uint64_t offset_bytes,
                         uint64_t bytes);
/* The target has room again: whole clusters, but for a last one. */
void copy_space_give(CopySpace *space, uint64_t offset_bytes, uint64_t bytes);
/* False if one does not wait for room, or not any more; else after a while,
 * when there may be some. */
bool co_copy_space_wait(CopySpace *space, BlockCopyWatch *watch) COROUTINE_ONLY;

#endif
