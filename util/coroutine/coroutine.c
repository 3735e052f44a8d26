/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life of a coroutine: made, entered, yielded, woken, ended.
 *
 *   made --enter--> running --co_yield--> suspended --enter--> running
 *                      |
 *                      +--entry returns--> ended, memory back to the pool
 *
 * Besides, and independent of that, a coroutine may be on its loop's ready
 * queue (@scheduled). A loop enters ready coroutines only when none of its
 * thread is running, so a wake that comes before the yield it is for is
 * simply served after that yield.
 *
 * Invariants:
 * 1. @entered is set, and @caller valid, exactly while the coroutine runs or
 *    waits for one that it entered.
 * 2. The control block lies at the top of the coroutine's own stack.
 */
#include "util/coroutine/coroutine.h"
#include "util/coroutine/fiber.h"
#include "util/coroutine/scheduler.h"
#include "util/coroutine/stack.h"
#include "util/coroutine/switch.h"

/* A thread's own stack, from where the first coroutine is entered. */
typedef struct CoroutineThread {
    SwitchContext context;
    Fiber fiber;
    Coroutine *current;
    CoroutineScheduler *scheduler;
} CoroutineThread;

struct Coroutine {
    /* CONST */
    CoroutineEntry *entry;
    void *opaque;
    CoroutineThread *thread;
    CoroutineScheduler *scheduler;
    /* HOME */
    SwitchContext context;
    Fiber fiber;
    Coroutine *caller; /* who entered it; NULL: the thread's own stack */
    bool entered;
    bool ended;
    ReadyItem ready; /* linked under the loop's rules */
    /* ATOMIC */
    bool scheduled;
};

/* The control block at the top takes its part of the stack memory, so there
 * is a page more than COROUTINE_STACK_BYTES for it. */
#define MEMORY_BYTES (COROUTINE_STACK_BYTES + 4 * KiB)
STATIC_ASSERT(sizeof(Coroutine) <= 1024);

static __thread CoroutineThread this_thread;
static size_t alive; /* ATOMIC */

void coroutine_set_scheduler(CoroutineScheduler *sched)
{
    this_thread.scheduler = sched;
}

Coroutine *coroutine_self(void)
{
    return this_thread.current;
}

size_t coroutine_count(void)
{
    return __atomic_load_n(&alive, __ATOMIC_RELAXED);
}

void coroutine_pool_drain(void)
{
    stack_pool_drain(MEMORY_BYTES);
}

static char *stack_of(Coroutine *co)
{
    return (char *)co + ROUND_UP(sizeof(*co), 64) - MEMORY_BYTES;
}

static SwitchContext *caller_context(Coroutine *co)
{
    return co->caller ? &co->caller->context : &co->thread->context;
}

static Fiber *caller_fiber(Coroutine *co)
{
    return co->caller ? &co->caller->fiber : &co->thread->fiber;
}

/* Goes back to who entered @co, which is running. */
static void switch_to_caller(Coroutine *co)
{
    SwitchContext *to = caller_context(co);

    fiber_before_switch(&co->fiber, caller_fiber(co), co->ended);
    switch_context(&co->context, to);
    /* Entered again, maybe by another caller. */
    fiber_after_switch(&co->fiber, caller_fiber(co));
}

static void coroutine_main(void *arg)
{
    Coroutine *co = arg;

    fiber_after_switch(&co->fiber, caller_fiber(co));
    co->entry(co->opaque);
    co->ended = true;
    switch_to_caller(co);
    g_assert_not_reached();
}

static void run_ready(ReadyItem *item)
{
    Coroutine *co = container_of(item, Coroutine, ready);

    __atomic_store_n(&co->scheduled, false, __ATOMIC_RELAXED);
    coroutine_enter(co);
}

Coroutine *coroutine_create(CoroutineEntry *entry, void *opaque)
{
    char *stack = stack_get(MEMORY_BYTES);
    Coroutine *co =
        (Coroutine *)(stack + MEMORY_BYTES - ROUND_UP(sizeof(*co), 64));

    assert(this_thread.scheduler);
    *co = (Coroutine){
        .entry = entry,
        .opaque = opaque,
        .thread = &this_thread,
        .scheduler = this_thread.scheduler,
        .ready.run = run_ready,
    };
    fiber_init(&co->fiber, stack, MEMORY_BYTES);
    switch_prepare(&co->context, stack, (char *)co - stack, coroutine_main, co);
    __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
    return co;
}

static void coroutine_free(Coroutine *co)
{
    fiber_destroy(&co->fiber);
    stack_put(stack_of(co), MEMORY_BYTES);
    __atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
}

void coroutine_enter(Coroutine *co)
{
    CoroutineThread *thread = &this_thread;

    assert(co->thread == thread);
    assert(!co->entered && !co->ended);
    assert(!__atomic_load_n(&co->scheduled, __ATOMIC_RELAXED));
    fiber_init_thread(&thread->fiber);
    co->entered = true;
    co->caller = thread->current;
    thread->current = co;
    fiber_before_switch(caller_fiber(co), &co->fiber, false);
    switch_context(caller_context(co), &co->context);
    fiber_after_switch(caller_fiber(co), &co->fiber);
    thread->current = co->caller;
    co->entered = false;
    co->caller = NULL;
    if (co->ended) {
        assert(!__atomic_load_n(&co->scheduled, __ATOMIC_RELAXED));
        coroutine_free(co);
    }
}

void coroutine_start(CoroutineEntry *entry, void *opaque)
{
    coroutine_enter(coroutine_create(entry, opaque));
}

void co_yield (void)
{
    Coroutine *self = this_thread.current;

    assert(self);
    switch_to_caller(self);
}

void coroutine_wake(Coroutine *co)
{
    CoroutineScheduler *scheduler = co->scheduler;
    bool was = __atomic_exchange_n(&co->scheduled, true, __ATOMIC_RELAXED);

    /* One wake for one yield: a second one is a lost or stray wake-up. */
    assert(!was);
    scheduler->ready(scheduler, &co->ready);
}

void co_reschedule(void)
{
    coroutine_wake(coroutine_self());
    co_yield ();
}
