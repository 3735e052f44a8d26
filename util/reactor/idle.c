/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reactor without work: it looks for some for a while, then sleeps.
 *
 * Invariants:
 * 1. It sleeps only after it saw @inbox empty and set @asleep under the lock.
 * 2. It looks for what others bring, not while the kernel or workers do its own
 *    work: they want the processor that looking would take.
 */
#include "util/reactor/reactor-int.h"

/* So often a reactor looks for work between two looks at the clock. */
#define LOOKS 16

/* False if there is something to do at once. */
static bool fall_asleep(Reactor *r)
{
    bool empty;

    pthread_mutex_lock(&r->lock);
    empty = list_empty(&r->inbox);
    r->asleep = empty;
    pthread_mutex_unlock(&r->lock);
    return empty;
}

void reactor_awake(Reactor *r)
{
    pthread_mutex_lock(&r->lock);
    r->asleep = false;
    pthread_mutex_unlock(&r->lock);
}

static void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Whether work came up before the limit on polling, or a timer is due, which
 * is so in @timeout_ns (-1: never). */
static bool poll_for_work(Reactor *r, int64_t timeout_ns)
{
    int64_t limit_ns = polling_limit_ns(&r->polling, timeout_ns);
    int64_t start_ns;

    if (!limit_ns || !r->backend->look) {
        return false;
    }
    /* What the turn has come up with goes to the kernel first. */
    r->backend->wait(r->state, 0);
    start_ns = reactor_now_ns();
    while (list_empty(&r->ready)) {
        for (int i = 0; i < LOOKS; i++) {
            if (r->backend->look(r->state) ||
                __atomic_load_n(&r->inbox_filled, __ATOMIC_RELAXED)) {
                return true;
            }
            cpu_relax();
        }
        if (reactor_now_ns() - start_ns >= limit_ns) {
            return limit_ns == timeout_ns;
        }
    }
    return true;
}

/* -1 if there is no timer. */
static int64_t timeout_ns(const Reactor *r, int64_t now_ns)
{
    return r->timers.n ? timer_heap_timeout_ns(&r->timers, now_ns) : -1;
}

void reactor_idle(Reactor *r)
{
    int64_t start_ns = reactor_now_ns();
    bool for_others = !r->own_work;

    if ((for_others && poll_for_work(r, timeout_ns(r, start_ns))) ||
        !fall_asleep(r)) {
        r->backend->wait(r->state, 0);
    } else {
        r->backend->wait(r->state, timeout_ns(r, reactor_now_ns()));
        reactor_awake(r);
    }
    if (for_others) {
        polling_learn(&r->polling, reactor_now_ns() - start_ns);
    }
}

typedef struct NewPolling {
    Reactor *r;
    ReactorPolling set;
} NewPolling;

static void take_polling(void *opaque)
{
    g_autofree NewPolling *p = opaque;

    polling_set(&p->r->polling, &p->set);
}

void reactor_set_polling(Reactor *r, const ReactorPolling *set)
{
    NewPolling *p = g_new(NewPolling, 1);

    p->r = r;
    p->set = *set;
    reactor_post(r, take_polling, p);
}
