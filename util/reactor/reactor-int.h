/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the loop share: the reactor itself. */
#ifndef UTIL_REACTOR_REACTOR_INT_H
#define UTIL_REACTOR_REACTOR_INT_H

#include "util/reactor/backend.h"
#include "util/reactor/polling.h"

#include "util/coroutine/scheduler.h"

#include <pthread.h>

struct Reactor {
    CoroutineScheduler scheduler;
    /* CONST */
    const ReactorBackend *backend;
    void *state;
    unsigned index;
    /* HOME */
    ListLink ready;   /* of ReadyItem */
    ListLink pending; /* of IoOp */
    TimerHeap timers;
    Polling polling;
    unsigned own_work; /* transfers and calls that the kernel or workers make */
    bool running;
    /* SHORT (lock) */
    pthread_mutex_t lock;
    ListLink inbox; /* of ReadyItem */
    bool asleep;
    /* ATOMIC */
    bool inbox_filled;
    bool stopped;
};

/* reactor.c: @item becomes ready on the reactor of @scheduler. Any thread. */
void reactor_ready(CoroutineScheduler *scheduler, ReadyItem *item);

/* idle.c: waits for something to do; nothing is ready. Submits what waits for
 * it, ends what is done. */
void reactor_idle(Reactor *r);
/* @r does not sleep, and no wake is under way when this returns. */
void reactor_awake(Reactor *r);

#endif
