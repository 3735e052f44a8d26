/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copying that backup and mirror do: pieces side by side, the first error
 * that any of them met, and what the user wants done about it.
 *
 * Invariant: a piece is claimed, copied and given back behind the gate of the
 * job's root, so a quiesced section never leaves a claimed piece that users
 * wait for.
 */
#ifndef BLOCK_JOB_COPY_WORK_H
#define BLOCK_JOB_COPY_WORK_H

#include "block/copy/block-copy.h"
#include "block/job/block-job.h"

typedef struct CopyWork {
    /* CONST */
    Job *job;
    BlockCopy *copy;
    unsigned max_workers;
    BlockdevOnError on_source_error, on_target_error;
    /* CONTROL */
    CoCount workers;
    CoQueue worker_ended;
    bool flushing;
    int error; /* the first one, -errno, or 0 */
    bool error_is_read;
} CopyWork;

/* Of zeroed memory; the owner sets max_workers and what to do on errors. @copy
 * outlives it. */
void copy_work_init(CopyWork *w, Job *job, BlockCopy *copy);
/* Takes note of @error, -errno, if it is the first. */
void copy_work_failed(CopyWork *w, int error, bool is_read);
/* Neither cancelled nor failed. */
bool copy_work_goes_on(const CopyWork *w);
/* Tells the first error. REPORT: the job ends with it; else it is forgotten,
 * and the job tries again. What failed is still to do. */
BlockErrorAction copy_work_error_action(CopyWork *w);

/* Until one more may copy beside the others. */
void co_copy_work_wait_room(CopyWork *w) COROUTINE_ONLY;
/* Copies the next piece at or after *@at_bytes in a worker and moves on; holes
 * of up to @max_hole_bytes are one piece. *@step_bytes: its length. False when
 * there is none, or it cannot be told, which is an error. */
bool co_copy_work_step(CopyWork *w, uint64_t max_hole_bytes, uint64_t *at_bytes,
                       uint64_t *step_bytes) COROUTINE_ONLY;
/* Until no worker is left. */
void co_copy_work_wait_all(CopyWork *w) COROUTINE_ONLY;
/* Flushes the target. */
void co_copy_work_flush(CopyWork *w) COROUTINE_ONLY;

#endif
