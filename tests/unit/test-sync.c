/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues, mutexes, counts and timed waits of coroutines on one reactor. */
#include "util/reactor/reactor.h"

static GString *trace;
static CoQueue queue;
static CoMutex mutex;
static CoCount count;

typedef void Body(void);

static void body_entry(void *opaque)
{
    Body *body = (Body *)opaque;

    body();
}

/* Runs @data as a coroutine on a reactor. */
static void run(gconstpointer data)
{
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    g_assert_nonnull(r);
    trace = g_string_new(NULL);
    coqueue_init(&queue);
    comutex_init(&mutex);
    cocount_init(&count);
    reactor_run_coroutine(body_entry, (void *)data);
    g_assert_cmpuint(coroutine_count(), ==, 0);
    g_string_free(trace, true);
    reactor_free(r);
}

/* Gives everything that is ready its turn. */
static void co_settle(void)
{
    for (int i = 0; i < 10; i++) {
        co_reschedule();
    }
}

static void waits(void *name)
{
    co_queue_wait(&queue);
    g_string_append(trace, name);
}

static void body_queue(void)
{
    g_assert_false(coqueue_wake_one(&queue));
    coroutine_start(waits, (void *)"a");
    coroutine_start(waits, (void *)"b");
    coroutine_start(waits, (void *)"c");
    g_assert_false(coqueue_empty(&queue));
    g_assert_true(coqueue_wake_one(&queue));
    g_assert_cmpstr(trace->str, ==, "");
    co_settle();
    g_assert_cmpstr(trace->str, ==, "a");
    coqueue_wake_all(&queue);
    g_assert_true(coqueue_empty(&queue));
    co_settle();
    g_assert_cmpstr(trace->str, ==, "abc");
}

static void locks(void *name)
{
    co_mutex_lock(&mutex);
    g_string_append(trace, name);
    co_reschedule();
    g_string_append(trace, name);
    comutex_unlock(&mutex);
}

static void body_mutex(void)
{
    co_mutex_lock(&mutex);
    coroutine_start(locks, (void *)"a");
    coroutine_start(locks, (void *)"b");
    co_settle();
    g_assert_cmpstr(trace->str, ==, "");
    comutex_unlock(&mutex);
    /* Handed over: who comes now cannot overtake. */
    coroutine_start(locks, (void *)"c");
    co_settle();
    co_settle();
    g_assert_cmpstr(trace->str, ==, "aabbcc");
    co_mutex_lock(&mutex);
    comutex_unlock(&mutex);
}

static void counts_down(void *unused)
{
    co_reschedule();
    g_string_append(trace, "-");
    cocount_dec(&count);
}

static void body_count(void)
{
    co_count_wait_zero(&count);
    for (int i = 0; i < 3; i++) {
        cocount_inc(&count);
        coroutine_start(counts_down, NULL);
    }
    co_count_wait_zero(&count);
    g_assert_cmpstr(trace->str, ==, "---");
}

static void wakes_later(void *unused)
{
    co_sleep_ns(1000000);
    coqueue_wake_one(&queue);
}

static void body_timed_wait(void)
{
    /* Nobody comes. */
    g_assert_false(co_queue_wait_until(&queue, reactor_now_ns() + 1000000));
    g_assert_true(coqueue_empty(&queue));
    g_assert_false(co_queue_wait_until(&queue, 0));
    /* Somebody comes long before the deadline. */
    coroutine_start(wakes_later, NULL);
    g_assert_true(
        co_queue_wait_until(&queue, reactor_now_ns() + (INT64_C(1) << 40)));
}

/* The wake and the deadline fall into one turn: the wake counts. */
static void both(void *queue_to_wake)
{
    coqueue_wake_one(queue_to_wake);
}

static void body_wake_and_deadline(void)
{
    Timer t;
    int64_t now = reactor_now_ns();

    timer_init(&t, both, &queue);
    timer_arm(&t, now - 2);
    g_assert_true(co_queue_wait_until(&queue, now - 1));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/sync/queue", body_queue, run);
    g_test_add_data_func("/sync/mutex", body_mutex, run);
    g_test_add_data_func("/sync/count", body_count, run);
    g_test_add_data_func("/sync/timed-wait", body_timed_wait, run);
    g_test_add_data_func("/sync/wake-and-deadline", body_wake_and_deadline,
                         run);
    return g_test_run();
}
