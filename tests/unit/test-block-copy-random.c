/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy engine under the copy-before-write filter: guests write at random
 * while everything is copied, and the target must show the moment at which the
 * filter was put in.
 */
#include "copy-setup.h"

typedef struct Actor {
    CopySetup *s;
    CoCount *running;
} Actor;

static void co_guest_request(CopySetup *s)
{
    uint64_t offset = g_rand_int_range(s->rand, 0, s->size);
    uint64_t most = g_rand_int_range(s->rand, 1, 4 * COPY_CLUSTER);
    uint64_t bytes = MIN(most, s->size - offset);

    if (g_rand_int_range(s->rand, 0, 4) == 0) {
        co_root_pwrite_zeroes(s->guest, offset, bytes, 0);
    } else {
        g_autofree uint8_t *buf = g_malloc(bytes);

        memset(buf, g_rand_int_range(s->rand, 0, 256), bytes);
        co_root_pwrite(s->guest, offset, bytes, buf, 0);
    }
}

static void co_guest(void *opaque)
{
    Actor *a = opaque;

    for (unsigned i = 0; i < 30; i++) {
        co_guest_request(a->s);
        co_reschedule();
    }
    cocount_dec(a->running);
}

static void co_copier(void *opaque)
{
    Actor *a = opaque;

    while (co_copy_rest(a->s) < 0) {
        co_reschedule();
    }
    cocount_dec(a->running);
}

static void co_random_run(uint32_t seed, uint64_t size, uint32_t cluster,
                          unsigned errors)
{
    CoCount running;
    CopySetup s;
    Actor a = {&s, &running};

    copy_set_up(&s, seed, size, cluster);
    flaky_disk_fill(s.source, s.rand, 0, size / 3);
    flaky_disk_fill(s.source, s.rand, size / 2, size / 4);
    flaky_disk_fill(s.target, s.rand, size / 4, size / 2);
    copy_insert_filter(&s);
    flaky_disk(s.source)->max_delay = flaky_disk(s.target)->max_delay = 5;
    flaky_disk(s.target)->bad_writes = (FlakyArea){0, size, errors};
    flaky_disk(s.source)->bad_reads = (FlakyArea){0, size, errors};
    cocount_init(&running);
    for (unsigned i = 0; i < 6; i++) {
        cocount_inc(&running);
        coroutine_start(i < 4 ? co_guest : co_copier, &a);
    }
    co_count_wait_zero(&running);
    /* A copier is done when it found nothing more to claim; a piece that was
     * in flight then may have failed since. */
    while (co_block_copy(s.copy, 0, size, NULL) < 0) {
        co_reschedule();
    }
    copy_assert_frozen(&s);
    g_assert_cmpuint(s.progress, ==,
                     ROUND_UP(size, block_copy_cluster_bytes(s.copy)));
    co_copy_tear_down(&s);
}

static void random_body(void)
{
    for (uint32_t seed = 1; seed <= 12; seed++) {
        co_random_run(seed, 32 * COPY_CLUSTER, 0, 0);
    }
}

static void random_ends_short_body(void)
{
    for (uint32_t seed = 1; seed <= 12; seed++) {
        co_random_run(seed, 21 * COPY_CLUSTER + 3 * 512, 2 * COPY_CLUSTER, 0);
    }
}

static void random_errors_body(void)
{
    for (uint32_t seed = 1; seed <= 24; seed++) {
        co_random_run(seed, 16 * COPY_CLUSTER + 512, 0, seed);
    }
}

#define TEST(body)                     \
    static void test_##body(void)      \
    {                                  \
        run_in_coroutine(body##_body); \
    }
TEST(random)
TEST(random_ends_short)
TEST(random_errors)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block-copy/random", test_random);
    g_test_add_func("/block-copy/random-ends-short", test_random_ends_short);
    g_test_add_func("/block-copy/random-errors", test_random_errors);
    return g_test_run();
}
