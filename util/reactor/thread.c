/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that run a reactor. Invariant: the struct is written by the new
 * thread only before it posts @started, by the owner only after that.
 */
#include "util/reactor/backend.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

struct ReactorThread {
    pthread_t thread;
    char *name;
    ReactorKind kind;
    pid_t id;
    Reactor *reactor; /* NULL: it failed, see @err */
    Error *err;
    sem_t started;
    bool lent; /* there is no thread: the back end plays it */
};

static void *thread_main(void *opaque)
{
    ReactorThread *t = opaque;
    Reactor *r = reactor_new(t->kind, &t->err);

    t->reactor = r;
    t->id = gettid();
    sem_post(&t->started);
    if (r) {
        reactor_run(r);
        reactor_free(r);
    }
    return NULL;
}

/* Signals are the control thread's. */
static int spawn(ReactorThread *t)
{
    sigset_t all, old;
    char name[16];
    int ret;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    ret = pthread_create(&t->thread, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!ret) {
        g_strlcpy(name, t->name, sizeof(name));
        pthread_setname_np(t->thread, name);
    }
    return ret;
}

static void thread_free(ReactorThread *t)
{
    sem_destroy(&t->started);
    g_free(t->name);
    g_free(t);
}

static const ReactorBackend *own_backend(void)
{
    return reactor_current() ? reactor_backend(reactor_current()) : NULL;
}

/* 0 or an errno. */
static int borrow_or_spawn(ReactorThread *t)
{
    const ReactorBackend *backend = own_backend();

    if (!backend || !backend->lend) {
        return spawn(t);
    }
    t->lent = true;
    t->reactor = backend->lend();
    sem_post(&t->started);
    return t->reactor ? 0 : EAGAIN;
}

ReactorThread *reactor_thread_start(const char *name, ReactorKind kind,
                                    Error **errp)
{
    ReactorThread *t = g_new0(ReactorThread, 1);
    int ret;

    t->name = g_strdup(name);
    t->kind = kind;
    sem_init(&t->started, 0, 0);
    ret = borrow_or_spawn(t);
    if (ret) {
        error_set_errno(errp, ret, "Failed to start a thread");
        thread_free(t);
        return NULL;
    }
    while (sem_wait(&t->started)) {
        assert(errno == EINTR);
    }
    if (!t->reactor) {
        pthread_join(t->thread, NULL);
        error_propagate(errp, t->err);
        thread_free(t);
        return NULL;
    }
    return t;
}

Reactor *reactor_thread_reactor(const ReactorThread *t)
{
    return t->reactor;
}

int reactor_thread_id(const ReactorThread *t)
{
    return t->id;
}

static void stop_own(void *reactor)
{
    reactor_stop(reactor);
}

void reactor_thread_stop(ReactorThread *t)
{
    if (t->lent) {
        own_backend()->take_back(t->reactor);
        thread_free(t);
        return;
    }
    /* By message: the thread frees its reactor as soon as it has stopped, so
     * nobody else may be inside reactor_stop then. */
    reactor_post(t->reactor, stop_own, t->reactor);
    pthread_join(t->thread, NULL);
    thread_free(t);
}
