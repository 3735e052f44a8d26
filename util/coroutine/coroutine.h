/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coroutines: functions that can wait without holding a thread.
 *
 * Invariants:
 * 1. A coroutine runs on the thread that made it, from creation to end; it
 *    never migrates.
 * 2. It is entered only by its thread's reactor (coroutine_wake puts it on
 *    the ready queue) or directly by coroutine_enter on that thread.
 * 3. A coroutine that ended is gone: its memory goes back to the pool before
 *    coroutine_enter returns. Nobody may hold its pointer then.
 * 4. A stack has an unmapped guard page below it; overflow is a fault, never
 *    a silent overwrite.
 */
#ifndef UTIL_COROUTINE_COROUTINE_H
#define UTIL_COROUTINE_COROUTINE_H

#include "util/annotations.h"
#include "util/common.h"

typedef struct Coroutine Coroutine;
typedef void CoroutineEntry(void *opaque);

/* Usable stack of one coroutine, in bytes. */
#define COROUTINE_STACK_BYTES (256 * KiB)

/*
 * Makes a coroutine that will call @entry(@opaque) when first entered. It is
 * not started. Any thread that has a current reactor. Stacks come from a
 * per-thread pool. Aborts when memory is out (like g_malloc).
 */
Coroutine *coroutine_create(CoroutineEntry *entry, void *opaque);

/*
 * Runs @co until it yields or ends. On the coroutine's own thread; the caller
 * may itself be a coroutine (it goes on when @co yields or ends). @co must
 * not be running already.
 */
void coroutine_enter(Coroutine *co);

/* coroutine_create + coroutine_enter: runs until its first yield. */
void coroutine_start(CoroutineEntry *entry, void *opaque);

/*
 * Gives the thread back to whoever entered this coroutine. Returns when it is
 * entered again. Who yields must have arranged that: wakes are exact, one
 * wake for one yield; there are no spurious ones.
 */
void co_yield (void) COROUTINE_ONLY;

/*
 * Puts @co on the ready queue of the reactor of its thread. Any thread; does
 * not run it now. Waking a coroutine that has not yielded yet is allowed:
 * it is entered after its yield.
 */
void coroutine_wake(Coroutine *co);

/* Lets every other ready item of this reactor run once. */
void co_reschedule(void) COROUTINE_ONLY;

/* The coroutine running on this thread, or NULL outside of one. */
Coroutine *coroutine_self(void);

static inline bool in_coroutine(void)
{
    return coroutine_self() != NULL;
}

/* The first line of a coroutine's entry, for the check of thread roles. */
static inline void coroutine_assert(void) COROUTINE_ASSERTED
{
    assert(in_coroutine());
}

/* Frees this thread's pool of stacks (at thread end, and for leak tests). */
void coroutine_pool_drain(void);

/* Coroutines alive on all threads; zero at the end of a clean program. */
size_t coroutine_count(void);

#endif
