/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pool of threads that make blocking calls: one for the process, grown on
 * demand up to WORKER_THREADS_MAX, never shrunk. Jobs wait in arrival order;
 * their number is bounded by the coroutines that wait for them.
 *
 * Invariant: a job belongs to the pool from worker_pool_start to the call of
 * its done_fn; that call is the last time the pool touches it.
 */
#ifndef UTIL_REACTOR_WORKER_H
#define UTIL_REACTOR_WORKER_H

#include "util/common.h"
#include "util/list.h"

#define WORKER_THREADS_MAX 16

typedef struct WorkerJob {
    int64_t (*fn)(void *arg); /* touches nothing but @arg */
    void *arg;
    void (*done_fn)(struct WorkerJob *job); /* on the worker thread */
    int64_t result;
    ListLink link; /* linked while it waits for a thread */
} WorkerJob;

/* Any thread; does not wait. */
void worker_pool_start(WorkerJob *job);
/* Takes @job back if no thread has begun it; true if so: done_fn will not be
 * called. */
bool worker_pool_cancel(WorkerJob *job);

#endif
