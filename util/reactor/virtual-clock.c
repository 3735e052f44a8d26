/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A clock that tests step: see virtual-clock.h. */
#include "util/reactor/virtual-clock.h"

/* After a timer ran, others get so many turns of the loop to act upon it. */
#define SETTLE_TURNS 64

/* CONTROL */
static bool still;
static int64_t now_ns;
static ListLink waiting = LIST_INIT(waiting);

void vclock_stand_still(void)
{
    still = true;
}

bool vclock_stands_still(void)
{
    return still;
}

int64_t vclock_now_ns(void)
{
    return still ? now_ns : reactor_now_ns();
}

int64_t vclock_next_ns(void)
{
    ListLink *first = list_first(&waiting);

    return first ? LIST_ENTRY(first, VTimer, link)->deadline_ns - now_ns : 0;
}

void vtimer_init(VTimer *timer, void (*fn)(void *opaque), void *opaque)
{
    *timer = (VTimer){.fn = fn, .opaque = opaque};
    timer_init(&timer->timer, fn, opaque);
}

static void wait_for_steps(VTimer *timer)
{
    ListLink *at = waiting.next;

    while (at != &waiting &&
           LIST_ENTRY(at, VTimer, link)->deadline_ns <= timer->deadline_ns) {
        at = at->next;
    }
    list_insert_before(at, &timer->link);
}

void vtimer_arm(VTimer *timer, int64_t deadline_ns)
{
    vtimer_cancel(timer);
    timer->deadline_ns = deadline_ns;
    if (still) {
        wait_for_steps(timer);
    } else {
        timer_arm(&timer->timer, deadline_ns);
    }
}

void vtimer_cancel(VTimer *timer)
{
    timer_cancel(&timer->timer);
    if (list_linked(&timer->link)) {
        list_remove(&timer->link);
    }
}

COROUTINE_ONLY
static void co_settle(void)
{
    for (unsigned i = 0; i < SETTLE_TURNS; i++) {
        co_reschedule();
    }
}

void co_vclock_step(int64_t ns)
{
    int64_t end_ns = now_ns + MIN(ns, INT64_MAX - now_ns);
    ListLink *first;

    co_settle();
    while ((first = list_first(&waiting)) &&
           LIST_ENTRY(first, VTimer, link)->deadline_ns <= end_ns) {
        VTimer *timer = LIST_ENTRY(first, VTimer, link);

        now_ns = MAX(now_ns, timer->deadline_ns);
        list_remove(&timer->link);
        timer->fn(timer->opaque);
        co_settle();
    }
    now_ns = MAX(now_ns, end_ns);
    co_settle();
}

static void wake(void *opaque)
{
    coqueue_wake_all(opaque);
}

void co_vclock_wait_until(CoQueue *queue, int64_t deadline_ns)
{
    VTimer timer;

    vtimer_init(&timer, wake, queue);
    vtimer_arm(&timer, deadline_ns);
    co_queue_wait(queue);
    vtimer_cancel(&timer);
}
