/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying in pieces side by side: see copy-work.h. */
#include "block/job/copy-work.h"

typedef struct Worker {
    CopyWork *work;
    BlockCopyRun *run;
} Worker;

void copy_work_init(CopyWork *w, Job *job, BlockCopy *copy)
{
    w->job = job;
    w->copy = copy;
    cocount_init(&w->workers);
    coqueue_init(&w->worker_ended);
}

/* --- errors -------------------------------------------------------------- */

void copy_work_failed(CopyWork *w, int error, bool is_read)
{
    if (!w->error) {
        w->error = error;
        w->error_is_read = is_read;
    }
}

bool copy_work_goes_on(const CopyWork *w)
{
    return !job_cancelled(w->job) && !w->error;
}

BlockErrorAction copy_work_error_action(CopyWork *w)
{
    BlockErrorAction action = block_job_error_action(
        w->job, w->error_is_read ? w->on_source_error : w->on_target_error,
        w->error_is_read, -w->error);

    if (action != BLOCK_ERROR_ACTION_REPORT) {
        w->error = 0;
    }
    return action;
}

/* --- workers ------------------------------------------------------------- */

COROUTINE_ONLY
static void co_worker(void *opaque)
{
    Worker *worker = opaque;
    CopyWork *w = worker->work;
    bool is_read;
    int ret = co_block_copy_finish(worker->run, &is_read);

    if (ret < 0) {
        copy_work_failed(w, ret, is_read);
    }
    root_leave(block_job_main_root(w->job));
    g_free(worker);
    coqueue_wake_one(&w->worker_ended);
    cocount_dec(&w->workers);
}

void co_copy_work_wait_room(CopyWork *w)
{
    while (w->workers.n >= w->max_workers) {
        co_queue_wait(&w->worker_ended);
    }
}

bool co_copy_work_step(CopyWork *w, uint64_t max_hole_bytes, uint64_t *at_bytes,
                       uint64_t *step_bytes)
{
    Root *root = block_job_main_root(w->job);
    BlockCopyRun *run;
    Worker *worker;
    int ret;

    block_copy_set_exact(w->copy, block_job_speed(w->job));
    co_root_enter(root);
    ret = co_block_copy_claim(w->copy, *at_bytes, max_hole_bytes, &run);
    if (ret <= 0) {
        root_leave(root);
        if (ret < 0) {
            copy_work_failed(w, ret, true);
        }
        return false;
    }
    *step_bytes = block_copy_run_bytes(run);
    *at_bytes = ROUND_UP(block_copy_run_offset(run) + *step_bytes,
                         block_copy_cluster_bytes(w->copy));
    worker = g_new(Worker, 1);
    *worker = (Worker){w, run};
    cocount_inc(&w->workers);
    coroutine_start(co_worker, worker);
    return true;
}

void co_copy_work_wait_all(CopyWork *w)
{
    co_count_wait_zero(&w->workers);
}

void co_copy_work_flush(CopyWork *w)
{
    Root *root = block_job_main_root(w->job);
    int ret;

    co_root_enter(root);
    w->flushing = true;
    ret = co_block_copy_flush(w->copy);
    w->flushing = false;
    root_leave(root);
    if (ret < 0) {
        copy_work_failed(w, ret, false);
    }
}
