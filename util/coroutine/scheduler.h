/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam between coroutines and the loop that runs them: what a loop gives
 * to its thread so that coroutine_wake has a ready queue to put things on.
 * Used by the reactor only.
 */
#ifndef UTIL_COROUTINE_SCHEDULER_H
#define UTIL_COROUTINE_SCHEDULER_H

#include "util/coroutine/coroutine.h"
#include "util/list.h"

/* Something that runs once when its turn comes. While it waits it is on the
 * list of exactly one loop; @run may free it. */
typedef struct ReadyItem {
    ListLink link;
    void (*run)(struct ReadyItem *item);
} ReadyItem;

typedef struct CoroutineScheduler {
    /* Appends @item to the ready queue. Any thread, does not yield. */
    void (*ready)(struct CoroutineScheduler *sched, ReadyItem *item);
} CoroutineScheduler;

/* Coroutines made on this thread from now on belong to @sched; NULL takes the
 * right to make some away. */
void coroutine_set_scheduler(CoroutineScheduler *sched);

#endif
