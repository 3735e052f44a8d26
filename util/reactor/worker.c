/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker pool. Everything is under one short lock; threads sleep on one
 * condition. SHORT: all fields of the pool.
 */
#include "util/reactor/worker.h"

#include <pthread.h>
#include <signal.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    ListLink queue; /* of WorkerJob */
    unsigned queued;
    unsigned threads;
    unsigned idle; /* threads asleep */
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .queue = LIST_INIT(pool.queue),
};

static void *worker_main(void *unused)
{
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        ListLink *link = list_pop(&pool.queue);
        WorkerJob *job;

        if (!link) {
            pool.idle++;
            pthread_cond_wait(&pool.work, &pool.lock);
            pool.idle--;
            continue;
        }
        pool.queued--;
        pthread_mutex_unlock(&pool.lock);
        job = LIST_ENTRY(link, WorkerJob, link);
        job->result = job->fn(job->arg);
        job->done_fn(job);
        pthread_mutex_lock(&pool.lock);
    }
    return NULL;
}

/* Signals are for the threads of the program, not for these. */
static bool spawn_thread(void)
{
    sigset_t all, old;
    pthread_attr_t attr;
    pthread_t thread;
    int ret;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    ret = pthread_create(&thread, &attr, worker_main, NULL);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ret == 0;
}

void worker_pool_start(WorkerJob *job)
{
    bool wake;

    pthread_mutex_lock(&pool.lock);
    list_append(&pool.queue, &job->link);
    pool.queued++;
    if (pool.queued > pool.idle && pool.threads < WORKER_THREADS_MAX) {
        if (spawn_thread()) {
            pool.threads++;
        } else if (!pool.threads) {
            g_error("cannot start a worker thread");
        }
    }
    wake = pool.idle;
    pthread_mutex_unlock(&pool.lock);
    /* Not under the lock, which the thread would wait for at once. */
    if (wake) {
        pthread_cond_signal(&pool.work);
    }
}

bool worker_pool_cancel(WorkerJob *job)
{
    bool waiting;

    pthread_mutex_lock(&pool.lock);
    waiting = list_linked(&job->link);
    if (waiting) {
        list_remove(&job->link);
        pool.queued--;
    }
    pthread_mutex_unlock(&pool.lock);
    return waiting;
}
