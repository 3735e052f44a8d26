/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop itself on each back end: turns, timers, signals. */
#include "tests/unit/reactor-cases.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static GString *trace;

static void co_settle(void)
{
    for (int i = 0; i < 10; i++) {
        co_reschedule();
    }
}

/* --- timers -------------------------------------------------------------- */

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

    g_string_truncate(trace, 0);
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

    g_string_truncate(trace, 0);
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

/* --- clock, random ------------------------------------------------------- */

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

/* --- turns --------------------------------------------------------------- */

static void reschedules(void *name)
{
    for (int i = 0; i < 3; i++) {
        g_string_append(trace, name);
        co_reschedule();
    }
}

static void co_turns(void *unused)
{
    g_string_truncate(trace, 0);
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

/* --- without a coroutine of the test's own ------------------------------- */

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

static const ReactorCase cases[] = {
    {"timer-order", co_timer_order},
    {"timer-move", co_timer_move},
    {"timer-rearm", co_timer_rearm},
    {"timer-random", co_timer_random},
    {"clock", co_clock},
    {"turns", co_turns},
    {"busy", co_busy},
};

int main(int argc, char **argv)
{
    int ret;

    trace = g_string_new(NULL);
    g_test_init(&argc, &argv, NULL);
    reactor_cases_add("reactor", cases, ARRAY_SIZE(cases), true);
    g_test_add_data_func("/reactor/stop", NULL, test_stop);
    g_test_add_func("/reactor/environment", test_environment);
    g_test_add_func("/reactor/polling-environment", test_polling_environment);
    g_test_add_func("/reactor/fallback", test_fallback);
    ret = g_test_run();
    g_string_free(trace, true);
    return ret;
}
