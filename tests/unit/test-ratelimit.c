/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rate limits, with a clock of our own. */
#include "util/ratelimit.h"

#define SECOND INT64_C(1000000000)

/* Does @total bytes in calls of @chunk as a job would; the time it took. */
static int64_t run_job(uint64_t speed, uint64_t chunk, uint64_t total)
{
    RateLimit limit = {0};
    int64_t now = 12345 * SECOND, start = now;

    ratelimit_set_speed(&limit, speed);
    for (uint64_t done = 0; done < total; done += chunk) {
        int64_t delay = ratelimit_delay_ns(&limit, now, chunk);

        g_assert_cmpint(delay, >=, 0);
        now += delay;
    }
    return now - start;
}

static void test_unlimited(void)
{
    RateLimit limit = {0};

    g_assert_cmpint(ratelimit_delay_ns(&limit, 5, UINT64_MAX), ==, 0);
    g_assert_cmpint(run_job(0, 65536, 1 << 30), ==, 0);
}

static void test_rate(void)
{
    /* Chunks smaller than a slice, larger than one, and uneven. */
    g_assert_cmpint(run_job(10 * MiB, 64 * KiB, 100 * MiB), ==, 10 * SECOND);
    g_assert_cmpint(run_job(64 * KiB, 64 * KiB, MiB), >=, 16 * SECOND);
    g_assert_cmpint(run_job(64 * KiB, 64 * KiB, MiB), <=, 17 * SECOND);
    g_assert_cmpint(run_job(1000000, 77777, 7777700), >=, 7 * SECOND);
    g_assert_cmpint(run_job(1000000, 77777, 7777700), <=, 8 * SECOND);
}

static void test_first_chunk_then_wait(void)
{
    RateLimit limit = {0};

    ratelimit_set_speed(&limit, 64 * KiB);
    /* 65536 bytes at 6553 a slice. */
    g_assert_cmpint(ratelimit_delay_ns(&limit, SECOND, 64 * KiB) / 1000000, ==,
                    1000);
    /* Who asks early waits for the rest, too. */
    g_assert_cmpint(
        ratelimit_delay_ns(&limit, SECOND + SECOND / 2, 0) / 1000000, ==, 500);
    g_assert_cmpint(ratelimit_delay_ns(&limit, 3 * SECOND, 0), ==, 0);
}

static void test_idle_is_not_saved(void)
{
    RateLimit limit = {0};

    ratelimit_set_speed(&limit, 10 * MiB);
    g_assert_cmpint(ratelimit_delay_ns(&limit, 0, MiB), ==, RATELIMIT_SLICE_NS);
    g_assert_cmpint(ratelimit_delay_ns(&limit, 100 * SECOND, MiB), ==,
                    RATELIMIT_SLICE_NS);
}

static void test_extremes(void)
{
    RateLimit limit = {0};

    ratelimit_set_speed(&limit, 1);
    g_assert_cmpint(ratelimit_delay_ns(&limit, 0, UINT64_MAX), >,
                    SECOND * 86400 * 300);
    g_assert_cmpint(ratelimit_delay_ns(&limit, 0, UINT64_MAX), >, 0);
    ratelimit_set_speed(&limit, 0);
    ratelimit_set_speed(&limit, INT64_MAX);
    g_assert_cmpint(ratelimit_delay_ns(&limit, 0, GiB), ==, 0);
}

/* What was done is paid for at the new speed. */
static void test_new_speed(void)
{
    RateLimit limit = {0};

    ratelimit_set_speed(&limit, 1);
    g_assert_cmpint(ratelimit_delay_ns(&limit, SECOND, 64 * KiB), >,
                    SECOND * 6000);
    ratelimit_set_speed(&limit, 2);
    g_assert_cmpint(ratelimit_delay_ns(&limit, SECOND, 0), >, SECOND * 6000);
    ratelimit_set_speed(&limit, 64 * KiB);
    g_assert_cmpint(ratelimit_delay_ns(&limit, SECOND, 0) / 1000000, ==, 1000);
    ratelimit_set_speed(&limit, 0);
    g_assert_cmpint(ratelimit_delay_ns(&limit, SECOND, 0), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ratelimit/unlimited", test_unlimited);
    g_test_add_func("/ratelimit/rate", test_rate);
    g_test_add_func("/ratelimit/first-chunk", test_first_chunk_then_wait);
    g_test_add_func("/ratelimit/idle", test_idle_is_not_saved);
    g_test_add_func("/ratelimit/extremes", test_extremes);
    g_test_add_func("/ratelimit/new-speed", test_new_speed);
    return g_test_run();
}
