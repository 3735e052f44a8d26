/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers: a binary heap a reactor, ordered by deadline, then by arming.
 * Invariant: heap->v[t->heap_index] == t for every armed timer.
 */
#include "util/reactor/backend.h"

static bool before(const Timer *a, const Timer *b)
{
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns
                                            : a->arming < b->arming;
}

static void place(TimerHeap *heap, size_t i, Timer *t)
{
    heap->v[i] = t;
    t->heap_index = i;
}

static void sift_up(TimerHeap *heap, Timer *t)
{
    size_t i = t->heap_index;

    while (i && before(t, heap->v[(i - 1) / 2])) {
        place(heap, i, heap->v[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(heap, i, t);
}

static void sift_down(TimerHeap *heap, Timer *t)
{
    size_t i = t->heap_index;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < heap->n && before(heap->v[child + 1], heap->v[child])) {
            child++;
        }
        if (child >= heap->n || !before(heap->v[child], t)) {
            break;
        }
        place(heap, i, heap->v[child]);
        i = child;
    }
    place(heap, i, t);
}

void timer_init(Timer *t, void (*fn)(void *opaque), void *opaque)
{
    *t = (Timer){.fn = fn, .opaque = opaque};
}

bool timer_armed(const Timer *t)
{
    return t->reactor != NULL;
}

void timer_arm(Timer *t, int64_t deadline_ns)
{
    Reactor *r = reactor_current();
    TimerHeap *heap;

    assert(r);
    timer_cancel(t);
    heap = reactor_timers(r);
    if (heap->n == heap->capacity) {
        heap->capacity = MAX(16, heap->capacity * 2);
        heap->v = g_renew(Timer *, heap->v, heap->capacity);
    }
    t->reactor = r;
    /* What is due already queues up behind what was due in the last run:
     * else a timer that keeps arming itself for the past would always be the
     * first. */
    t->deadline_ns = MAX(deadline_ns, heap->ran_at_ns);
    t->arming = heap->armed++;
    place(heap, heap->n++, t);
    sift_up(heap, t);
}

void timer_cancel(Timer *t)
{
    TimerHeap *heap;
    Timer *last;

    if (!t->reactor) {
        return;
    }
    assert(t->reactor == reactor_current());
    heap = reactor_timers(t->reactor);
    last = heap->v[--heap->n];
    if (last != t) {
        place(heap, t->heap_index, last);
        sift_up(heap, last);
        sift_down(heap, last);
    }
    t->reactor = NULL;
}

void timer_heap_run(TimerHeap *heap, int64_t now_ns)
{
    /* A timer that arms itself again for now waits for the next turn. */
    uint64_t limit = heap->armed;

    heap->ran_at_ns = now_ns;
    while (heap->n && heap->v[0]->deadline_ns <= now_ns &&
           heap->v[0]->arming < limit) {
        Timer *t = heap->v[0];

        timer_cancel(t);
        t->fn(t->opaque);
    }
}

int64_t timer_heap_timeout_ns(const TimerHeap *heap, int64_t now_ns)
{
    if (!heap->n) {
        return -1;
    }
    return MAX(0, heap->v[0]->deadline_ns - now_ns);
}

static void sleep_over(void *co)
{
    coroutine_wake(co);
}

void co_sleep_ns(int64_t delay_ns)
{
    Timer timer;

    timer_init(&timer, sleep_over, coroutine_self());
    timer_arm(&timer, reactor_now_ns() + MAX(0, delay_ns));
    co_yield ();
}

typedef struct TimedWaiter {
    CoWaiter waiter;
    bool timed_out;
} TimedWaiter;

static void wait_over(void *opaque)
{
    TimedWaiter *w = opaque;

    /* Woken already, but not run yet: that wake counts. */
    if (list_linked(&w->waiter.link)) {
        list_remove(&w->waiter.link);
        w->timed_out = true;
        coroutine_wake(w->waiter.co);
    }
}

bool co_queue_wait_until(CoQueue *queue, int64_t deadline_ns)
{
    TimedWaiter w = {.waiter.co = coroutine_self()};
    Timer timer;

    list_append(&queue->waiters, &w.waiter.link);
    timer_init(&timer, wait_over, &w);
    timer_arm(&timer, deadline_ns);
    co_yield ();
    timer_cancel(&timer);
    return !w.timed_out;
}
