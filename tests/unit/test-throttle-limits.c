/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaky buckets, with a clock of our own. */
#include "block/filter/throttle-limits.h"

#define SECOND INT64_C(1000000000)

static ThrottleBuckets buckets;

static void begin(const ThrottleLimits *limits)
{
    g_assert_true(throttle_buckets_init(&buckets, limits, NULL));
}

/* How many requests of @bytes go in @seconds when there are always more. */
static unsigned count(ThrottleDirection direction, uint64_t bytes, int seconds)
{
    int64_t now_ns = buckets.leaked_ns, end_ns = now_ns + seconds * SECOND;
    unsigned n = 0;

    for (;;) {
        int64_t delay_ns = throttle_delay_ns(&buckets, direction, now_ns);

        if (!delay_ns) {
            throttle_account(&buckets, direction, bytes);
            n++;
            continue;
        }
        now_ns += delay_ns;
        if (now_ns >= end_ns) {
            return n;
        }
    }
}

static void near(unsigned n, unsigned wanted)
{
    g_assert_cmpuint(n, >=, wanted - wanted / 50 - 1);
    g_assert_cmpuint(n, <=, wanted + wanted / 50 + 1);
}

static void test_unlimited(void)
{
    begin(NULL);
    for (int i = 0; i < 1000; i++) {
        g_assert_cmpint(throttle_delay_ns(&buckets, THROTTLE_READ, 0), ==, 0);
        throttle_account(&buckets, THROTTLE_READ, GiB);
    }
}

static void test_rate(void)
{
    /* A tenth of a second's worth goes at once. */
    begin(&(ThrottleLimits){.iops_total = 100});
    near(count(THROTTLE_READ, 4096, 10), 1010);
    begin(&(ThrottleLimits){.bps_total = 1000000});
    near(count(THROTTLE_WRITE, 1000, 10), 10100);
}

static void test_directions(void)
{
    begin(&(ThrottleLimits){.iops_read = 100});
    g_assert_cmpint(throttle_delay_ns(&buckets, THROTTLE_WRITE, 0), ==, 0);
    near(count(THROTTLE_READ, 1, 10), 1010);
    g_assert_cmpint(
        throttle_delay_ns(&buckets, THROTTLE_WRITE, buckets.leaked_ns), ==, 0);
    /* A limit of both counts both. */
    begin(&(ThrottleLimits){.iops_total = 100});
    near(count(THROTTLE_READ, 1, 1), 110);
    g_assert_cmpint(
        throttle_delay_ns(&buckets, THROTTLE_WRITE, buckets.leaked_ns), >, 0);
}

static void test_burst(void)
{
    /* A second of the burst rate goes at once, then the rate holds. */
    begin(&(ThrottleLimits){.iops_total = 100, .iops_total_max = 1000});
    near(count(THROTTLE_READ, 1, 10), 1000 + 10 * 100);
}

static void test_long_burst(void)
{
    ThrottleLimits limits = {
        .iops_total = 100,
        .iops_total_max = 1000,
        .has_iops_total_max_length = true,
        .iops_total_max_length = 5,
    };

    /* The burst keeps to its rate while it lasts. */
    begin(&limits);
    near(count(THROTTLE_READ, 1, 1), 1100);
    begin(&limits);
    near(count(THROTTLE_READ, 1, 20), 5000 + 20 * 100);
}

/* A burst of bytes, and one of writes only, as long as it was said. */
static void test_other_bursts(void)
{
    begin(&(ThrottleLimits){.bps_total = 1000000,
                            .bps_total_max = 5000000,
                            .has_bps_total_max_length = true,
                            .bps_total_max_length = 3});
    near(count(THROTTLE_READ, 1000, 20), 3 * 5000 + 20 * 1000);
    begin(&(ThrottleLimits){.iops_write = 100,
                            .iops_write_max = 500,
                            .has_iops_write_max_length = true,
                            .iops_write_max_length = 2});
    g_assert_cmpint(throttle_delay_ns(&buckets, THROTTLE_READ, 0), ==, 0);
    near(count(THROTTLE_WRITE, 1, 20), 2 * 500 + 20 * 100);
}

static void refused(const ThrottleLimits *limits, const char *text)
{
    Error *err = NULL;

    g_assert_false(throttle_buckets_init(&buckets, limits, &err));
    g_assert_cmpstr(error_text(err), ==, text);
    error_free(err);
}

static void test_refused(void)
{
    refused(&(ThrottleLimits){.has_bps_read_max_length = true,
                              .bps_read_max_length = -1},
            "bps-read-max-length value must be in the range [0, 4294967295]");
    refused(&(ThrottleLimits){.iops_read = 1,
                              .has_iops_read_max_length = true,
                              .iops_read_max_length = 2},
            "burst length set without burst rate");
    refused(&(ThrottleLimits){.iops_size = 512},
            "iops size requires an iops value to be set");
}

static void test_request_size(void)
{
    begin(&(ThrottleLimits){.iops_total = 100, .iops_size = 4096});
    near(count(THROTTLE_READ, 4096, 10), 1010);
    begin(&(ThrottleLimits){.iops_total = 100, .iops_size = 4096});
    near(count(THROTTLE_READ, 40960, 10), 101);
    begin(&(ThrottleLimits){.iops_total = 100, .iops_size = 4096});
    near(count(THROTTLE_READ, 512, 10), 1010);
}

static void test_huge_request(void)
{
    /* It goes, and those behind it pay; no delay overflows. */
    begin(&(ThrottleLimits){.bps_total = 1});
    g_assert_cmpint(throttle_delay_ns(&buckets, THROTTLE_READ, 0), ==, 0);
    throttle_account(&buckets, THROTTLE_READ, INT64_MAX);
    g_assert_cmpint(throttle_delay_ns(&buckets, THROTTLE_READ, 0), ==,
                    3600 * SECOND);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/throttle-limits/unlimited", test_unlimited);
    g_test_add_func("/throttle-limits/rate", test_rate);
    g_test_add_func("/throttle-limits/directions", test_directions);
    g_test_add_func("/throttle-limits/burst", test_burst);
    g_test_add_func("/throttle-limits/long-burst", test_long_burst);
    g_test_add_func("/throttle-limits/other-bursts", test_other_bursts);
    g_test_add_func("/throttle-limits/refused", test_refused);
    g_test_add_func("/throttle-limits/request-size", test_request_size);
    g_test_add_func("/throttle-limits/huge-request", test_huge_request);
    return g_test_run();
}
