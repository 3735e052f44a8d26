/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop itself on each back end: turns, timers, messages, threads. */
#include "util/reactor/backend.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* A test and the back end it runs on. */
typedef struct Case {
    const char *name;
    CoroutineEntry *entry;
    ReactorKind kind;
    bool polls; /* it never sleeps, once it has learned to */
} Case;

static GString *trace;

/* The limit on polling starts at 4 us, and is the highest after that. */
static void co_learn(void *unused)
{
    for (int i = 0; i < 3; i++) {
        co_sleep_ns(1000000);
    }
}

static void run(const void *data)
{
    const Case *c = data;
    Reactor *r = reactor_new(c->kind, NULL);

    if (!r) {
        g_test_skip("this kernel does not allow it");
        return;
    }
    g_assert_true(r == reactor_current() && r == reactor_control());
    g_assert_cmpuint(reactor_index(r), ==, 0);
    trace = g_string_new(NULL);
    if (c->polls) {
        static const ReactorPolling always = {.max_ns = G_MAXINT64,
                                              .grow = G_MAXINT64};

        reactor_set_polling(r, &always);
        reactor_run_coroutine(co_learn, NULL);
    }
    reactor_run_coroutine(c->entry, NULL);
    g_assert_cmpuint(coroutine_count(), ==, 0);
    g_string_free(trace, true);
    reactor_free(r);
    g_assert_null(reactor_current());
    g_assert_null(reactor_control());
}

static void co_settle(void)
{
    for (int i = 0; i < 10; i++) {
        co_reschedule();
    }
}

/* --- timers --------------------------------------------------------------- */

static void append(void *text)
{
    g_string_append(trace, text);
}

static void co_timer_order(void *unused)
{
    int64_t now = reactor_now_ns(), ms = 1000000;
    const char *names[] = {"d", "b", "a", "c", "e", "never"};
    int64_t at[] = {3 * ms, ms, -ms, ms, 4 * ms, 2 * ms};
    Timer t[6];

    for (int i = 0; i < 6; i++) {
        timer_init(&t[i], append, (void *)names[i]);
        g_assert_false(timer_armed(&t[i]));
        timer_arm(&t[i], now + at[i]);
        g_assert_true(timer_armed(&t[i]));
    }
    timer_cancel(&t[5]);
    timer_cancel(&t[5]);
    g_assert_false(timer_armed(&t[5]));
    g_assert_cmpstr(trace->str, ==, "");
    co_sleep_ns(5 * ms);
    g_assert_cmpstr(trace->str, ==, "abcde");
    g_assert_cmpint(reactor_now_ns() - now, >=, 5 * ms);
    g_assert_false(timer_armed(&t[0]));
}

static void co_timer_move(void *unused)
{
    int64_t now = reactor_now_ns(), ms = 1000000;
    Timer a, b;

    timer_init(&a, append, (void *)"a");
    timer_init(&b, append, (void *)"b");
    timer_arm(&a, now + ms);
    timer_arm(&b, now + 2 * ms);
    timer_arm(&a, now + 3 * ms);
    co_sleep_ns(4 * ms);
    g_assert_cmpstr(trace->str, ==, "ba");
}

/* A timer that is always due must not keep others from running. */
static void rearm(void *opaque)
{
    Timer **t = opaque;

    if (*t) {
        timer_arm(*t, 0);
    }
}

static void co_timer_rearm(void *unused)
{
    Timer t, *self = &t;

    timer_init(&t, rearm, &self);
    timer_arm(&t, 0);
    co_sleep_ns(1000000);
    co_settle();
    self = NULL;
    co_settle();
    g_assert_false(timer_armed(&t));
}

/* Random arming and cancelling against what the heap must do. */
#define TIMERS 200
static Timer many[TIMERS];
static int fired[TIMERS];
static int64_t last_deadline;

static void count_fire(void *opaque)
{
    Timer *t = opaque;

    g_assert_cmpint(t->deadline_ns, >=, last_deadline);
    last_deadline = t->deadline_ns;
    fired[t - many]++;
}

static void co_timer_random(void *unused)
{
    GRand *rnd = g_rand_new_with_seed(7);
    int64_t now = reactor_now_ns();
    int expected[TIMERS] = {0};

    memset(fired, 0, sizeof(fired));
    last_deadline = 0;
    for (int i = 0; i < TIMERS; i++) {
        timer_init(&many[i], count_fire, &many[i]);
    }
    for (int i = 0; i < 5000; i++) {
        int n = g_rand_int_range(rnd, 0, TIMERS);

        if (g_rand_boolean(rnd)) {
            timer_arm(&many[n], now + g_rand_int_range(rnd, 0, 1000));
            expected[n] = 1;
        } else {
            timer_cancel(&many[n]);
            expected[n] = 0;
        }
    }
    co_sleep_ns(1000000);
    g_assert_cmpmem(fired, sizeof(fired), expected, sizeof(expected));
    g_rand_free(rnd);
}

/* --- clock, random -------------------------------------------------------- */

static void co_clock(void *unused)
{
    uint64_t a[4] = {0}, b[4] = {0};
    int64_t t = reactor_now_ns();

    g_assert_cmpint(reactor_now_ns(), >=, t);
    g_assert_cmpint(reactor_wall_clock_us(), >, INT64_C(1600000000000000));
    reactor_random(a, sizeof(a));
    reactor_random(b, sizeof(b));
    g_assert_true(memcmp(a, b, sizeof(a)) != 0);
}

/* --- messages and threads ------------------------------------------------- */

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
    ReactorKind kind = reactor_backend_name(reactor_current())[0] == 'e'
                           ? REACTOR_EPOLL
                           : REACTOR_IO_URING;
    ReactorThread *a = reactor_thread_start("a", kind, NULL);
    ReactorThread *b = reactor_thread_start("b", kind, NULL);
    Sum sum = {.on = reactor_current()};

    g_assert_nonnull(a);
    g_assert_nonnull(b);
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
    a = reactor_thread_start("c", kind, NULL);
    g_assert_cmpuint(reactor_index(reactor_thread_reactor(a)), ==, 1);
    reactor_thread_stop(a);
    reactor_thread_stop(b);
}

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

/* --- turns ---------------------------------------------------------------- */

static void reschedules(void *name)
{
    for (int i = 0; i < 3; i++) {
        g_string_append(trace, name);
        co_reschedule();
    }
}

static void co_turns(void *unused)
{
    coroutine_start(reschedules, (void *)"a");
    coroutine_start(reschedules, (void *)"b");
    reactor_post(reactor_current(), append, (void *)"p");
    co_settle();
    g_assert_cmpstr(trace->str, ==, "ababpab");
}

/* What is always ready must not starve timers and I/O. */
static bool spinning;

static void spins(void *unused)
{
    while (spinning) {
        co_reschedule();
    }
}

static void co_busy(void *unused)
{
    char byte;
    struct iovec v = {.iov_base = &byte, .iov_len = 1};
    int fd = io_open("/dev/zero", O_RDONLY, 0);

    spinning = true;
    coroutine_start(spins, NULL);
    co_sleep_ns(1000000);
    g_assert_cmpint(co_io_preadv(fd, &v, 1, 0), ==, 1);
    spinning = false;
    io_close(fd);
    co_settle();
}

static void on_signal(int signo, void *opaque)
{
    int *seen = opaque;

    g_assert_true(!in_coroutine() && reactor_current());
    *seen = signo;
}

static void co_signal(void *unused)
{
    int seen = 0;

    reactor_on_signal(SIGUSR1, on_signal, &seen);
    raise(SIGUSR1);
    g_assert_cmpint(seen, ==, 0);
    co_settle();
    g_assert_cmpint(seen, ==, SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
}

/* --- without a coroutine of the test's own -------------------------------- */

static void stop_it(void *r)
{
    reactor_stop(r);
}

static void test_stop(gconstpointer data)
{
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    for (int i = 0; i < 3; i++) {
        reactor_post(r, stop_it, r);
        reactor_run(r);
    }
    reactor_free(r);
}

static void test_environment(void)
{
    Error *err = NULL;
    Reactor *r;

    g_setenv("TIDEMARK_REACTOR", "epoll", true);
    r = reactor_new(REACTOR_AUTO, NULL);
    g_assert_cmpstr(reactor_backend_name(r), ==, "epoll");
    reactor_free(r);
    g_setenv("TIDEMARK_REACTOR", "kqueue", true);
    g_assert_null(reactor_new(REACTOR_AUTO, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "TIDEMARK_REACTOR must be "
                    "'io_uring' or 'epoll', not 'kqueue'");
    error_free(err);
    g_unsetenv("TIDEMARK_REACTOR");
}

static void test_polling_environment(void)
{
    static const char *const bad[] = {"-1", "1us", "9223372036854775808"};

    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *text = g_strdup_printf(
            "TIDEMARK_POLL_NS must be a number of nanoseconds, not '%s'",
            bad[i]);
        Error *err = NULL;

        g_setenv("TIDEMARK_POLL_NS", bad[i], true);
        g_assert_null(reactor_new(REACTOR_AUTO, &err));
        g_assert_cmpstr(error_text(err), ==, text);
        error_free(err);
    }
    g_unsetenv("TIDEMARK_POLL_NS");
}

/* In a process that may not make a ring, as in many containers. */
static void forbid_io_uring(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {.len = ARRAY_SIZE(code), .filter = code};

    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), ==, 0);
}

static void test_fallback(void)
{
    if (g_test_subprocess()) {
        Error *err = NULL;
        Reactor *r;

        g_unsetenv("TIDEMARK_REACTOR");
        forbid_io_uring();
        g_assert_null(reactor_new(REACTOR_IO_URING, &err));
        g_assert_cmpstr(error_text(err), ==,
                        "Failed to start the io_uring "
                        "event loop: Operation not permitted");
        error_free(err);
        r = reactor_new(REACTOR_AUTO, NULL);
        g_assert_cmpstr(reactor_backend_name(r), ==, "epoll");
        reactor_free(r);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}

static const Case cases[] = {
    {"timer-order", co_timer_order},
    {"timer-move", co_timer_move},
    {"timer-rearm", co_timer_rearm},
    {"timer-random", co_timer_random},
    {"clock", co_clock},
    {"post", co_post},
    {"post-asleep", co_post_asleep},
    {"call", co_call},
    {"worker", co_worker},
    {"turns", co_turns},
    {"busy", co_busy},
    {"signal", co_signal},
};

static void add_cases(const char *backend, ReactorKind kind, bool polls)
{
    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/reactor/%s/%s", backend, cases[i].name);
        Case *c = g_memdup2(&cases[i], sizeof(*c));

        c->kind = kind;
        c->polls = polls;
        g_test_add_data_func_full(path, c, run, g_free);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_cases("io_uring", REACTOR_IO_URING, false);
    add_cases("polling", REACTOR_IO_URING, true);
    add_cases("epoll", REACTOR_EPOLL, false);
    g_test_add_data_func("/reactor/stop", NULL, test_stop);
    g_test_add_func("/reactor/environment", test_environment);
    g_test_add_func("/reactor/polling-environment", test_polling_environment);
    g_test_add_func("/reactor/fallback", test_fallback);
    return g_test_run();
}
