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
#include "util/reactor/backend.h"

#include "util/coroutine/scheduler.h"

#include <pthread.h>
#include <signal.h>

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
    bool running;
    /* SHORT (lock) */
    pthread_mutex_t lock;
    ListLink inbox; /* of ReadyItem */
    bool asleep;
    /* ATOMIC */
    bool inbox_filled;
    bool stopped;
};

static __thread Reactor *current;

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static Reactor *registry[REACTOR_MAX]; /* SHORT (registry_lock) */
static Reactor *control;               /* ATOMIC */

/* --- signals ------------------------------------------------------------ */

static struct {
    void (*fn)(int signo, void *opaque);
    void *opaque;
    bool raised; /* ATOMIC */
} signals[NSIG];
static bool signal_raised; /* ATOMIC */

static void on_signal(int signo)
{
    Reactor *r = __atomic_load_n(&control, __ATOMIC_ACQUIRE);
    int saved = errno;

    __atomic_store_n(&signals[signo].raised, true, __ATOMIC_RELAXED);
    __atomic_store_n(&signal_raised, true, __ATOMIC_RELEASE);
    if (r) {
        r->backend->wakeup(r->state);
    }
    errno = saved;
}

void reactor_on_signal(int signo, void (*fn)(int signo, void *opaque),
                       void *opaque)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    assert(signo > 0 && signo < NSIG && current == control);
    signals[signo].fn = fn;
    signals[signo].opaque = opaque;
    sigfillset(&action.sa_mask);
    if (sigaction(signo, &action, NULL)) {
        abort();
    }
}

static void run_signals(void)
{
    if (!__atomic_exchange_n(&signal_raised, false, __ATOMIC_ACQUIRE)) {
        return;
    }
    for (int i = 1; i < NSIG; i++) {
        if (__atomic_exchange_n(&signals[i].raised, false, __ATOMIC_RELAXED)) {
            signals[i].fn(i, signals[i].opaque);
        }
    }
}

/* --- ready queue -------------------------------------------------------- */

static void reactor_ready(CoroutineScheduler *scheduler, ReadyItem *item)
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

static void awake(Reactor *r)
{
    pthread_mutex_lock(&r->lock);
    r->asleep = false;
    pthread_mutex_unlock(&r->lock);
}

/* Whether a run that waits for @done (NULL: for reactor_stop) ends. */
static bool is_over(const Reactor *r, const bool *done)
{
    return done ? *done : __atomic_load_n(&r->stopped, __ATOMIC_ACQUIRE);
}

static void reactor_turn(Reactor *r, const bool *done)
{
    int64_t timeout_ns = 0;

    take_inbox(r);
    run_ready(r);
    if (r->timers.n) {
        timer_heap_run(&r->timers, reactor_now_ns());
    }
    if (r == control) {
        run_signals();
    }
    if (list_empty(&r->ready) && !is_over(r, done) && fall_asleep(r)) {
        timeout_ns = r->timers.n
                         ? timer_heap_timeout_ns(&r->timers, reactor_now_ns())
                         : -1;
        r->backend->wait(r->state, timeout_ns);
        awake(r);
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
    r->state = backend->init(ret);
    if (!r->state) {
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
    awake(r);
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

void reactor_run_until(Reactor *r, const bool *done)
{
    run_until(r, done);
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
    reactor_run_until(current, &run.done);
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

/* --- messages ----------------------------------------------------------- */

typedef struct Message {
    ReadyItem item;
    void (*fn)(void *arg);
    void *arg;
} Message;

static void run_message(ReadyItem *item)
{
    Message *m = container_of(item, Message, item);
    void (*fn)(void *arg) = m->fn;
    void *arg = m->arg;

    g_free(m);
    fn(arg);
}

void reactor_post(Reactor *r, void (*fn)(void *arg), void *arg)
{
    Message *m = g_new0(Message, 1);

    m->item.run = run_message;
    m->fn = fn;
    m->arg = arg;
    reactor_ready(&r->scheduler, &m->item);
}

/* A call to another reactor; lives on the caller's stack until it is woken.
 * The last thing the other side does is that wake. */
typedef struct Call {
    ReadyItem item;
    void (*fn)(void *arg);
    void *arg;
    Coroutine *caller;
} Call;

static void call_entry(void *opaque)
{
    Call *call = opaque;

    call->fn(call->arg);
    coroutine_wake(call->caller);
}

static void run_call(ReadyItem *item)
{
    coroutine_start(call_entry, container_of(item, Call, item));
}

void co_reactor_call(Reactor *r, void (*fn)(void *arg), void *arg)
{
    Call call = {
        .item.run = run_call,
        .fn = fn,
        .arg = arg,
        .caller = coroutine_self(),
    };

    if (r == current) {
        fn(arg);
        return;
    }
    reactor_ready(&r->scheduler, &call.item);
    co_yield ();
}

/* --- operations and workers --------------------------------------------- */

int64_t co_io_op(IoOp *op)
{
    Reactor *r = current;

    op->co = coroutine_self();
    assert(op->co);
    list_append(&r->pending, &op->pending);
    r->backend->submit(r->state, op);
    co_yield ();
    list_remove(&op->pending);
    return op->result;
}

void io_op_complete(IoOp *op, int64_t result)
{
    assert(!op->done);
    op->result = result;
    op->done = true;
    coroutine_wake(op->co);
}

void io_cancel_fd(int fd)
{
    Reactor *r = current;

    LIST_FOREACH(op, &r->pending, IoOp, pending) {
        if (op->fd == fd && !op->cancel_asked) {
            op->cancel_asked = true;
            if (!op->done) {
                r->backend->cancel(r->state, op);
            }
        }
    }
}

typedef struct WorkerCall {
    WorkerJob job;
    Coroutine *caller;
} WorkerCall;

static void worker_call_done(WorkerJob *job)
{
    coroutine_wake(container_of(job, WorkerCall, job)->caller);
}

int64_t co_worker_run(int64_t (*fn)(void *arg), void *arg)
{
    WorkerCall call = {
        .job = {.fn = fn, .arg = arg, .done_fn = worker_call_done},
        .caller = coroutine_self(),
    };

    current->backend->worker_start(&call.job);
    co_yield ();
    return call.job.result;
}

int64_t reactor_now_ns(void)
{
    return reactor_sys()->now_ns();
}

int64_t reactor_wall_clock_us(void)
{
    return reactor_sys()->wall_clock_us();
}

void reactor_random(void *buf, size_t bytes)
{
    reactor_sys()->random(buf, bytes);
}
