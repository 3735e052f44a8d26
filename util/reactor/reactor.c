/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop: ready queue, inbox of other threads, turns.
 *
 * Invariants:
 * 1. Everything that becomes ready on the reactor's thread goes to @ready;
 *    from other threads to @inbox, which each turn moves to @ready in order.
 * 2. The reactor sleeps only after it saw @inbox empty and set @asleep under
 *    the lock; who finds @asleep set clears it and wakes it up, under the
 *    lock, so that a reactor that is being freed is never touched.
 */
#include "util/reactor/reactor-int.h"

static __thread Reactor *current;

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static Reactor *registry[REACTOR_MAX]; /* SHORT (registry_lock) */
static Reactor *control;               /* ATOMIC */

/* --- ready queue -------------------------------------------------------- */

void reactor_ready(CoroutineScheduler *scheduler, ReadyItem *item)
{
    Reactor *r = container_of(scheduler, Reactor, scheduler);

    if (r == current) {
        list_append(&r->ready, &item->link);
        return;
    }
    pthread_mutex_lock(&r->lock);
    list_append(&r->inbox, &item->link);
    __atomic_store_n(&r->inbox_filled, true, __ATOMIC_RELAXED);
    if (r->asleep) {
        r->asleep = false;
        r->backend->wakeup(r->state);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Moves all of @from to the end of @to. */
static void list_splice(ListLink *to, ListLink *from)
{
    ListLink *link;

    while ((link = list_pop(from))) {
        list_append(to, link);
    }
}

static void take_inbox(Reactor *r)
{
    if (!__atomic_load_n(&r->inbox_filled, __ATOMIC_RELAXED)) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    list_splice(&r->ready, &r->inbox);
    __atomic_store_n(&r->inbox_filled, false, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&r->lock);
}

/* Runs what is ready now, not what becomes ready meanwhile. */
static void run_ready(Reactor *r)
{
    ListLink batch, *link;

    list_init(&batch);
    list_splice(&batch, &r->ready);
    while ((link = list_pop(&batch))) {
        ReadyItem *item = LIST_ENTRY(link, ReadyItem, link);

        item->run(item);
    }
}

/* Whether a run that waits for @done (NULL: for reactor_stop) ends. */
static bool is_over(const Reactor *r, const bool *done)
{
    return done ? *done : __atomic_load_n(&r->stopped, __ATOMIC_ACQUIRE);
}

static void reactor_turn(Reactor *r, const bool *done)
{
    take_inbox(r);
    run_ready(r);
    if (r->timers.n) {
        timer_heap_run(&r->timers, reactor_now_ns());
    }
    if (list_empty(&r->ready) && !is_over(r, done)) {
        reactor_idle(r);
    } else {
        r->backend->wait(r->state, 0);
    }
}

/* --- life --------------------------------------------------------------- */

static bool registry_add(Reactor *r, Error **errp)
{
    bool added = false;

    pthread_mutex_lock(&registry_lock);
    for (unsigned i = 0; i < REACTOR_MAX && !added; i++) {
        if (!registry[i]) {
            registry[i] = r;
            r->index = i;
            added = true;
        }
    }
    if (added && r->index == 0) {
        __atomic_store_n(&control, r, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&registry_lock);
    if (!added) {
        error_set(errp, "Too many event loops (at most %d)", REACTOR_MAX);
    }
    return added;
}

static void registry_remove(Reactor *r)
{
    pthread_mutex_lock(&registry_lock);
    registry[r->index] = NULL;
    if (control == r) {
        __atomic_store_n(&control, NULL, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&registry_lock);
}

static Reactor *reactor_new_ret(const ReactorBackend *backend, int *ret,
                                Error **errp)
{
    Reactor *r = g_new0(Reactor, 1);

    assert(!current);
    r->scheduler.ready = reactor_ready;
    r->backend = backend;
    list_init(&r->ready);
    list_init(&r->pending);
    list_init(&r->inbox);
    pthread_mutex_init(&r->lock, NULL);
    *ret = 0;
    r->state = polling_init(&r->polling, errp) ? backend->init(ret) : NULL;
    if (!r->state && !*ret) {
        *ret = -EINVAL;
    } else if (!r->state) {
        error_set_errno(errp, -*ret, "Failed to start the %s event loop",
                        backend->name);
    } else if (registry_add(r, errp)) {
        current = r;
        coroutine_set_scheduler(&r->scheduler);
        return r;
    } else {
        backend->free(r->state);
    }
    pthread_mutex_destroy(&r->lock);
    g_free(r);
    return NULL;
}

Reactor *reactor_new_with(const ReactorBackend *backend, Error **errp)
{
    int ret;

    return reactor_new_ret(backend, &ret, errp);
}

static bool kind_from_environment(ReactorKind *kind, Error **errp)
{
    const char *text = getenv("TIDEMARK_REACTOR");

    if (!text || !*text) {
        return true;
    }
    if (!strcmp(text, "io_uring")) {
        *kind = REACTOR_IO_URING;
    } else if (!strcmp(text, "epoll")) {
        *kind = REACTOR_EPOLL;
    } else {
        error_set(errp,
                  "TIDEMARK_REACTOR must be 'io_uring' or 'epoll', "
                  "not '%s'",
                  text);
        return false;
    }
    return true;
}

Reactor *reactor_new(ReactorKind kind, Error **errp)
{
    Reactor *r;
    int ret;

    if (kind == REACTOR_AUTO && !kind_from_environment(&kind, errp)) {
        return NULL;
    }
    if (kind == REACTOR_EPOLL) {
        return reactor_new_with(&reactor_backend_epoll, errp);
    }
    if (kind == REACTOR_IO_URING) {
        return reactor_new_with(&reactor_backend_io_uring, errp);
    }
    r = reactor_new_ret(&reactor_backend_io_uring, &ret, NULL);
    /* Forbidden by policy, not built in, or out of locked memory. */
    return r ? r : reactor_new_with(&reactor_backend_epoll, errp);
}

void reactor_free(Reactor *r)
{
    if (!r) {
        return;
    }
    assert(r == current && !r->running);
    assert(list_empty(&r->pending) && !r->timers.n);
    registry_remove(r);
    /* A wake that is just being delivered finishes first. */
    take_inbox(r);
    reactor_awake(r);
    assert(list_empty(&r->ready) && list_empty(&r->inbox));
    r->backend->free(r->state);
    coroutine_set_scheduler(NULL);
    coroutine_pool_drain();
    current = NULL;
    pthread_mutex_destroy(&r->lock);
    g_free(r->timers.v);
    g_free(r);
}

Reactor *reactor_current(void)
{
    return current;
}

Reactor *reactor_control(void)
{
    return __atomic_load_n(&control, __ATOMIC_ACQUIRE);
}

const char *reactor_backend_name(const Reactor *r)
{
    return r->backend->name;
}

unsigned reactor_index(const Reactor *r)
{
    return r->index;
}

TimerHeap *reactor_timers(Reactor *r)
{
    return &r->timers;
}

const ReactorBackend *reactor_backend(const Reactor *r)
{
    return r->backend;
}

const ReactorSys *reactor_sys(void)
{
    return current ? current->backend->sys : &reactor_sys_posix;
}

/* --- running ------------------------------------------------------------ */

static void run_until(Reactor *r, const bool *done)
{
    assert(r == current && !r->running && !in_coroutine());
    r->running = true;
    while (!is_over(r, done)) {
        reactor_turn(r, done);
    }
    if (!done) {
        __atomic_store_n(&r->stopped, false, __ATOMIC_RELAXED);
    }
    r->running = false;
}

void reactor_run(Reactor *r)
{
    run_until(r, NULL);
}

void reactor_stop(Reactor *r)
{
    __atomic_store_n(&r->stopped, true, __ATOMIC_RELEASE);
    r->backend->wakeup(r->state);
}

typedef struct RunOne {
    CoroutineEntry *entry;
    void *opaque;
    bool done;
} RunOne;

static void run_one_entry(void *opaque)
{
    RunOne *run = opaque;

    run->entry(run->opaque);
    run->done = true;
}

void reactor_run_coroutine(CoroutineEntry *entry, void *opaque)
{
    RunOne run = {.entry = entry, .opaque = opaque};

    coroutine_start(run_one_entry, &run);
    run_until(current, &run.done);
}

/* --- one step at a time ------------------------------------------------- */

void reactor_enter(Reactor *r)
{
    assert(!in_coroutine());
    current = r;
    coroutine_set_scheduler(r ? &r->scheduler : NULL);
}

bool reactor_is_ready(Reactor *r)
{
    assert(r == current);
    take_inbox(r);
    return !list_empty(&r->ready);
}

bool reactor_is_idle(Reactor *r)
{
    return list_empty(&r->ready) && list_empty(&r->inbox) &&
           list_empty(&r->pending) && !r->timers.n;
}

void reactor_step(Reactor *r)
{
    ListLink *link;
    ReadyItem *item;

    assert(r == current && !in_coroutine());
    take_inbox(r);
    link = list_pop(&r->ready);
    assert(link);
    item = LIST_ENTRY(link, ReadyItem, link);
    item->run(item);
}
