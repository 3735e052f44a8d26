/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mirror jobs: what the command's check, the job, its end and the QMP parts
 * share.
 */
#ifndef BLOCK_JOB_MIRROR_H
#define BLOCK_JOB_MIRROR_H

#include "block/bitmap/bitmap.h"
#include "block/graph/quiesce.h"
#include "block/job/copy-work.h"

#define MIRROR_MAX_WORKERS 16

/* What lies behind the target when the users go on with it. */
typedef enum MirrorBacking {
    MIRROR_LEAVES_BACKING, /* what is there */
    MIRROR_SHARES_BACKING, /* what is behind the disk; the disk (sync=none) */
    MIRROR_OPENS_BACKING,  /* what the target itself says */
} MirrorBacking;

/* Checked arguments. Strings belong to the command's arguments. */
typedef struct MirrorParams {
    Node *source, *target;
    Node *replaces; /* what the target takes the place of; NULL: the disk */
    const char *job_id, *filter_name;
    MirrorSyncMode sync; /* TOP only where there is something behind */
    uint32_t granularity_bytes;
    DirtyBitmap *bitmap; /* NULL: none is given */
    bool working_bitmap; /* the job works on it, else on a copy */
    BitmapSyncMode bitmap_mode;
    bool commit;               /* the target is an image behind the source */
    bool target_was_read_only; /* and is to be again, unless users go on */
    bool diff; /* the target may be put above another image afterwards */
    MirrorBacking backing;
    bool no_unmap; /* zeroes take space in the target */
    bool target_is_zero;
    bool only_allocated; /* of all, though it is not zero elsewhere */
    bool zero_first;  /* the target is made so, and then what is there copied */
    bool holes_count; /* what is not copied for that counts as copied */
    bool active;      /* copy-mode write-blocking */
    bool has_speed;
    int64_t speed;      /* bytes per second, checked by block_job */
    uint64_t buf_bytes; /* in flight at most; 0: the default */
    BlockdevOnError on_source_error, on_target_error;
    bool manual_finalize, manual_dismiss;
} MirrorParams;

/* Checks what can be checked without changing anything. Under the graph lock;
 * does not yield. */
/* Whether what shows the same as @source may take the place of @replaced. */
bool mirror_can_replace(const Node *source, const Node *replaced) CONTROL_ONLY;
bool mirror_check(const BlockdevMirror *args, MirrorParams *params,
                  Error **errp) CONTROL_ONLY;

/*
 * Puts in the filter, takes the bitmap and makes the job, in state "created".
 * The source is quiesced and the graph lock held. NULL with nothing changed.
 * @txn: the group it joins, or NULL.
 */
Job *co_mirror_create(const MirrorParams *params, JobTxn *txn,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Makes (if asked to) and opens the image of a drive-mirror, checks the rest
 * and makes the job, as co_mirror_create. */
Job *co_drive_mirror_prepare(const DriveMirror *args, JobTxn *txn,
                             Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Ends a job that was not started as if it had never been. Does not yield. */
void mirror_undo(Job *job) CONTROL_ONLY;

/* --- between the files of the job ---------------------------------------- */

typedef enum MirrorFinish {
    MIRROR_GOES_ON,
    MIRROR_PIVOTS, /* the users go to the target */
    MIRROR_STAYS,  /* they stay; the target is a copy of one point in time */
} MirrorFinish;

typedef struct MirrorState {
    /* CONST */
    Node *filter, *source, *target;
    Node *replaces;  /* with a reference, or NULL */
    BlockCopy *copy; /* the filter's */
    DirtyBitmap *todo;
    bool commit, target_was_read_only;
    Root *base;    /* a commit's, that may resize it; or NULL */
    bool own_todo; /* anonymous, the job's own */
    BitmapSyncMode bitmap_mode;
    MirrorSyncMode sync;
    MirrorBacking backing_mode;
    bool target_is_zero, only_allocated, holes_count, zero_first;
    unsigned layers;    /* sync=top: how many of them, from the top */
    uint64_t buf_bytes; /* what a job with a speed limit does at once */
    /* CONTROL */
    CopyWork work;
    DirtyBitmap *bitmap; /* the user's, busy; NULL: none, or settled */
    MirrorFinish finish;
    bool write_blocking; /* the mode that the user asked for */
    bool todo_known;     /* its bits are set, users may write to both sides */
    bool ready, synced;
    uint64_t done_bytes;
    uint64_t untold_bytes; /* of them, the job's progress lacks these */
    int64_t flushed_ns;    /* when it last was, for who goes on another time */
    /* From co_prepare to commit or abort. */
    Quiesce *section;
    Txn *pivot;
    bool pivoted;
    Node *backing; /* opened for the target; a reference, or NULL */
} MirrorState;

extern const JobDriver mirror_driver, mirror_commit_driver;

int co_mirror_run(Job *job, Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Sets the bits of what is to be copied at the start. */
void co_mirror_find_todo(Job *job) COROUTINE_ONLY CONTROL_ONLY;
/* Has queries show the bitmap that it works off as QEMU's do. */
void mirror_tell_bitmap(const MirrorState *s) CONTROL_ONLY;
/* Writes of users go to both sides from now on. */
void co_mirror_go_active(MirrorState *s) COROUTINE_ONLY CONTROL_ONLY;
/* Copies what is to do from the disk's start to its end; in co_run, with the
 * job's speed and pauses. */
void co_mirror_pass(Job *job, bool in_co_run) COROUTINE_ONLY;
/* For a job with a bitmap that will fail or be cancelled: what was copied and
 * can be flushed counts as done. */
void co_mirror_keep_done(Job *job) COROUTINE_ONLY CONTROL_ONLY;
/* How much is done and left to do, together. */
void mirror_tell_total(Job *job);
/* What is on its way to the target ends soon. */
void mirror_give_up_target(MirrorState *s) CONTROL_ONLY;

/* Gives bitmap and users back; the job is to be dropped. */
void mirror_take_back(Job *job) CONTROL_ONLY;

/* The hooks of the job's end. */
int co_mirror_prepare(Job *job, Error **errp) COROUTINE_ONLY;
void mirror_commit(Job *job) CONTROL_ONLY;
void mirror_abort(Job *job) CONTROL_ONLY;
void co_mirror_clean(Job *job) COROUTINE_ONLY;

#endif
