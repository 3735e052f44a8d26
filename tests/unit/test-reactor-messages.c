/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What threads tell each other: messages, calls, work for the pool. */
#include "tests/unit/reactor-cases.h"
#include "util/reactor/backend.h"

/* --- messages ------------------------------------------------------------ */

#define SENDERS 4
#define MESSAGES 5000

typedef struct Sender {
    Reactor *to;
    int next; /* what the receiver expects */
    CoCount *left;
} Sender;

typedef struct Numbered {
    Sender *sender;
    int n;
} Numbered;

static void receive(void *opaque)
{
    Numbered *m = opaque;

    g_assert_false(in_coroutine());
    g_assert_cmpint(m->n, ==, m->sender->next);
    if (++m->sender->next == MESSAGES) {
        cocount_dec(m->sender->left);
    }
    g_free(m);
}

static gpointer sender_main(gpointer opaque)
{
    Sender *s = opaque;

    for (int i = 0; i < MESSAGES; i++) {
        Numbered *m = g_new(Numbered, 1);

        *m = (Numbered){.sender = s, .n = i};
        reactor_post(s->to, receive, m);
    }
    return NULL;
}

static void co_post(void *unused)
{
    Sender s[SENDERS];
    GThread *threads[SENDERS];
    CoCount left;

    cocount_init(&left);
    for (int i = 0; i < SENDERS; i++) {
        s[i] = (Sender){.to = reactor_current(), .left = &left};
        cocount_inc(&left);
        threads[i] = g_thread_new(NULL, sender_main, &s[i]);
    }
    co_count_wait_zero(&left);
    for (int i = 0; i < SENDERS; i++) {
        g_thread_join(threads[i]);
    }
}

/* Each message finds the reactor asleep. */
static gpointer slow_sender(gpointer opaque)
{
    Sender *s = opaque;

    for (int i = 0; i < 20; i++) {
        g_usleep(300);
        reactor_post(s->to, (void (*)(void *))cocount_dec, s->left);
    }
    return NULL;
}

static void co_post_asleep(void *unused)
{
    CoCount left;
    Sender s = {.to = reactor_current(), .left = &left};
    GThread *thread;

    cocount_init(&left);
    for (int i = 0; i < 20; i++) {
        cocount_inc(&left);
    }
    thread = g_thread_new(NULL, slow_sender, &s);
    co_count_wait_zero(&left);
    g_thread_join(thread);
}

/* --- here or there ------------------------------------------------------- */

typedef struct Told {
    Reactor *on;
    CoCount left; /* of control */
} Told;

static void tell_back(void *opaque)
{
    cocount_dec(&((Told *)opaque)->left);
}

static void told(void *opaque)
{
    Told *t = opaque;

    g_assert_true(reactor_current() == t->on && !in_coroutine());
    reactor_dispatch(reactor_control(), tell_back, t);
}

static ReactorThread *start_thread(const char *name)
{
    bool epoll = !strcmp(reactor_backend_name(reactor_current()), "epoll");
    ReactorThread *thread = reactor_thread_start(
        name, epoll ? REACTOR_EPOLL : REACTOR_IO_URING, NULL);

    g_assert_nonnull(thread);
    return thread;
}

static void count(void *opaque)
{
    ++*(int *)opaque;
}

static void co_dispatch(void *unused)
{
    ReactorThread *a = start_thread("a");
    Told t = {.on = reactor_thread_reactor(a)};
    int here = 0;

    reactor_dispatch(reactor_current(), count, &here);
    g_assert_cmpint(here, ==, 1);
    cocount_init(&t.left);
    for (int i = 0; i < 20; i++) {
        cocount_inc(&t.left);
        reactor_dispatch(t.on, told, &t);
    }
    co_count_wait_zero(&t.left);
    reactor_thread_stop(a);
}

typedef struct Sum {
    Reactor *on;
    int64_t total;
} Sum;

static void add_one(void *opaque)
{
    Sum *sum = opaque;

    g_assert_true(reactor_current() == sum->on && in_coroutine());
    co_reschedule();
    sum->total++;
}

static void co_call(void *unused)
{
    ReactorThread *a = start_thread("a"), *b = start_thread("b");
    Sum sum = {.on = reactor_current()};

    g_assert_cmpuint(reactor_index(reactor_thread_reactor(a)), ==, 1);
    g_assert_cmpuint(reactor_index(reactor_thread_reactor(b)), ==, 2);
    co_reactor_call(reactor_current(), add_one, &sum);
    for (int i = 0; i < 500; i++) {
        sum.on = reactor_thread_reactor(i % 2 ? a : b);
        co_reactor_call(sum.on, add_one, &sum);
    }
    g_assert_cmpint(sum.total, ==, 501);
    reactor_thread_stop(a);
    /* A freed number is used again. */
    a = start_thread("c");
    g_assert_cmpuint(reactor_index(reactor_thread_reactor(a)), ==, 1);
    reactor_thread_stop(a);
    reactor_thread_stop(b);
}

/* --- the pool ------------------------------------------------------------ */

static int64_t count_up(void *opaque)
{
    int64_t *n = opaque;

    return ++*n;
}

typedef struct Many {
    int64_t n;
    CoCount *left;
} Many;

static void work(void *opaque)
{
    Many *m = opaque;

    for (int i = 1; i <= 20; i++) {
        g_assert_cmpint(co_worker_run(count_up, &m->n), ==, i);
    }
    cocount_dec(m->left);
}

/* More coroutines than there are workers. */
static void co_worker(void *unused)
{
    Many m[WORKER_THREADS_MAX * 3];
    CoCount left;

    cocount_init(&left);
    for (int i = 0; i < ARRAY_SIZE(m); i++) {
        m[i] = (Many){.left = &left};
        cocount_inc(&left);
        coroutine_start(work, &m[i]);
    }
    co_count_wait_zero(&left);
}

static const ReactorCase cases[] = {
    {"post", co_post},         {"post-asleep", co_post_asleep},
    {"dispatch", co_dispatch}, {"call", co_call},
    {"worker", co_worker},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    reactor_cases_add("reactor-messages", cases, ARRAY_SIZE(cases), true);
    return g_test_run();
}
