/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting between coroutines of ONE thread (one reactor). Nothing here may be
 * shared between threads: other threads send a message (reactor_post).
 *
 * Invariant: a waiter is on exactly one queue while it waits, in arrival
 * order, and is woken through its reactor's ready queue, never entered
 * directly; so no function here but the co_ ones can run other code.
 */
#ifndef UTIL_COROUTINE_SYNC_H
#define UTIL_COROUTINE_SYNC_H

#include "util/coroutine/coroutine.h"
#include "util/list.h"

/* One who waits, on its own stack. For this room and the timed wait of the
 * reactor. */
typedef struct CoWaiter {
    ListLink link;
    Coroutine *co;
} CoWaiter;

/* A queue of waiting coroutines. Zeroed memory is NOT a valid queue. */
typedef struct CoQueue {
    ListLink waiters;
} CoQueue;

void coqueue_init(CoQueue *queue);
bool coqueue_empty(const CoQueue *queue);
/* Waits until woken. The caller checks its condition again in a loop. */
void co_queue_wait(CoQueue *queue) COROUTINE_ONLY;
/* Wakes the first waiter; false if there is none. */
bool coqueue_wake_one(CoQueue *queue);
void coqueue_wake_all(CoQueue *queue);

/* Mutual exclusion across yields; fair. */
typedef struct CoMutex {
    Coroutine *holder;
    CoQueue queue;
} CoMutex;

void comutex_init(CoMutex *mutex);
void co_mutex_lock(CoMutex *mutex) COROUTINE_ONLY;
/* By the holder only. Does not yield. */
void comutex_unlock(CoMutex *mutex);

/*
 * A count that coroutines wait to reach zero: requests in flight, children
 * of a fan-out.
 */
typedef struct CoCount {
    unsigned n;
    CoQueue idle;
} CoCount;

void cocount_init(CoCount *count);
void cocount_inc(CoCount *count);
/* Wakes those waiting for zero when it gets there. */
void cocount_dec(CoCount *count);
void co_count_wait_zero(CoCount *count) COROUTINE_ONLY;

#endif
