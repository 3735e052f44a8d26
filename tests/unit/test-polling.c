/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a reactor looks for work: what it learns from each wait. */
#include "util/reactor/polling.h"

static int64_t limit_ns(const Polling *p)
{
    return polling_limit_ns(p, -1);
}

static void test_grow(void)
{
    Polling p = {.set = {.max_ns = 20000}};
    static const int64_t limits[] = {4000, 8000, 16000, 20000, 20000};

    g_assert_cmpint(limit_ns(&p), ==, 0);
    for (int i = 0; i < ARRAY_SIZE(limits); i++) {
        polling_learn(&p, limit_ns(&p) + 1 > 20000 ? 20000 : limit_ns(&p) + 1);
        g_assert_cmpint(limit_ns(&p), ==, limits[i]);
    }
    /* In time: as it should be. */
    polling_learn(&p, 5000);
    g_assert_cmpint(limit_ns(&p), ==, 20000);
}

static void test_shrink(void)
{
    Polling p = {.set = {.max_ns = 20000, .shrink = 4}, .limit_ns = 16000};

    polling_learn(&p, 20001);
    g_assert_cmpint(limit_ns(&p), ==, 4000);
    p.set.shrink = 0;
    polling_learn(&p, G_MAXINT64);
    g_assert_cmpint(limit_ns(&p), ==, 0);
}

static void test_factors(void)
{
    Polling p = {.set = {.max_ns = G_MAXINT64, .grow = 10}};

    polling_learn(&p, 1);
    polling_learn(&p, 4001);
    g_assert_cmpint(limit_ns(&p), ==, 40000);
    /* No overflow. */
    p.set.grow = G_MAXINT64;
    polling_learn(&p, 40001);
    g_assert_cmpint(limit_ns(&p), ==, G_MAXINT64);
    polling_learn(&p, G_MAXINT64);
    g_assert_cmpint(limit_ns(&p), ==, G_MAXINT64);
}

static void test_off(void)
{
    Polling p = {.limit_ns = 4000};
    static const ReactorPolling off;

    polling_set(&p, &off);
    g_assert_cmpint(limit_ns(&p), ==, 0);
    polling_learn(&p, 0);
    g_assert_cmpint(limit_ns(&p), ==, 0);
    polling_learn(&p, 1);
    g_assert_cmpint(limit_ns(&p), ==, 0);
}

/* A timer is not late because of it. */
static void test_timeout(void)
{
    Polling p = {.set = {.max_ns = 20000}, .limit_ns = 16000};

    g_assert_cmpint(polling_limit_ns(&p, 0), ==, 0);
    g_assert_cmpint(polling_limit_ns(&p, 15999), ==, 15999);
    g_assert_cmpint(polling_limit_ns(&p, 16001), ==, 16000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/polling/grow", test_grow);
    g_test_add_func("/polling/shrink", test_shrink);
    g_test_add_func("/polling/factors", test_factors);
    g_test_add_func("/polling/off", test_off);
    g_test_add_func("/polling/timeout", test_timeout);
    return g_test_run();
}
