/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages and calls from one reactor to another. */
#include "util/reactor/reactor-int.h"

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

void reactor_dispatch(Reactor *r, void (*fn)(void *arg), void *arg)
{
    if (r == reactor_current()) {
        fn(arg);
    } else {
        reactor_post(r, fn, arg);
    }
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

    if (r == reactor_current()) {
        fn(arg);
        return;
    }
    reactor_ready(&r->scheduler, &call.item);
    co_yield ();
}
