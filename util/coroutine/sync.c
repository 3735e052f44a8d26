/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues, mutexes and counts for the coroutines of one reactor. Waiters live
 * on the stacks of those who wait.
 */
#include "util/coroutine/sync.h"

void coqueue_init(CoQueue *queue)
{
    list_init(&queue->waiters);
}

bool coqueue_empty(const CoQueue *queue)
{
    return list_empty(&queue->waiters);
}

void co_queue_wait(CoQueue *queue)
{
    CoWaiter waiter = {.co = coroutine_self()};

    list_append(&queue->waiters, &waiter.link);
    co_yield ();
}

bool coqueue_wake_one(CoQueue *queue)
{
    ListLink *link = list_pop(&queue->waiters);

    if (!link) {
        return false;
    }
    coroutine_wake(LIST_ENTRY(link, CoWaiter, link)->co);
    return true;
}

void coqueue_wake_all(CoQueue *queue)
{
    while (coqueue_wake_one(queue)) {
        /* A wake runs nobody, so the queue cannot grow meanwhile. */
    }
}

void comutex_init(CoMutex *mutex)
{
    mutex->holder = NULL;
    coqueue_init(&mutex->queue);
}

void co_mutex_lock(CoMutex *mutex)
{
    Coroutine *self = coroutine_self();

    assert(self && mutex->holder != self);
    if (!mutex->holder) {
        mutex->holder = self;
        return;
    }
    /* Unlocking hands the mutex over, so nobody can overtake. */
    co_queue_wait(&mutex->queue);
    assert(mutex->holder == self);
}

void comutex_unlock(CoMutex *mutex)
{
    ListLink *link = list_first(&mutex->queue.waiters);

    assert(mutex->holder == coroutine_self());
    mutex->holder = link ? LIST_ENTRY(link, CoWaiter, link)->co : NULL;
    coqueue_wake_one(&mutex->queue);
}

void cocount_init(CoCount *count)
{
    count->n = 0;
    coqueue_init(&count->idle);
}

void cocount_inc(CoCount *count)
{
    assert(count->n < UINT_MAX);
    count->n++;
}

void cocount_dec(CoCount *count)
{
    assert(count->n > 0);
    if (--count->n == 0) {
        coqueue_wake_all(&count->idle);
    }
}

void co_count_wait_zero(CoCount *count)
{
    while (count->n) {
        co_queue_wait(&count->idle);
    }
}
