/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock that limits of requests go by. As a rule it is the real one;
 * tests make it stand still and step it.
 *
 * All: control thread.
 */
#ifndef UTIL_REACTOR_VIRTUAL_CLOCK_H
#define UTIL_REACTOR_VIRTUAL_CLOCK_H

#include "util/annotations.h"
#include "util/list.h"
#include "util/reactor/reactor.h"

typedef struct VTimer {
    Timer timer; /* while the clock is the real one */
    void (*fn)(void *opaque);
    void *opaque;
    int64_t deadline_ns;
    ListLink link; /* while it waits for steps: by deadline */
} VTimer;

/* From now on it shows 0 and goes on by steps only. Before any timer. */
void vclock_stand_still(void) CONTROL_ONLY;
bool vclock_stands_still(void);
int64_t vclock_now_ns(void);
/* How long until the next timer is due; 0: none waits. */
int64_t vclock_next_ns(void) CONTROL_ONLY;
/* Lets @ns go by: what becomes due runs, in order, and what that leads to. */
void co_vclock_step(int64_t ns) COROUTINE_ONLY CONTROL_ONLY;

void vtimer_init(VTimer *timer, void (*fn)(void *opaque), void *opaque);
void vtimer_arm(VTimer *timer, int64_t deadline_ns) CONTROL_ONLY;
void vtimer_cancel(VTimer *timer) CONTROL_ONLY; /* fine if not armed */

/* Waits in @queue until woken or @deadline_ns; the caller checks its condition
 * again. */
void co_vclock_wait_until(CoQueue *queue,
                          int64_t deadline_ns) COROUTINE_ONLY CONTROL_ONLY;

#endif
