/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy engine under the copy-before-write filter: guests write at random
 * while everything is copied, and the target must show the moment at which the
 * filter was put in.
 */
#include "block/filter/copy-before-write.h"
#include "block/graph/quiesce.h"
#include "flaky-disk.h"
#include "ram-node.h"

#define CLUSTER (64 * KiB)

/* A disk with a guest, a target, and the filter between. */
typedef struct Setup {
    GRand *rand;
    Node *source, *target, *filter;
    Root *guest;
    BlockCopy *copy;
    uint64_t size;
    uint8_t *frozen; /* the source when the filter came */
    uint64_t progress;
} Setup;

static void on_progress(void *opaque, uint64_t bytes)
{
    ((Setup *)opaque)->progress += bytes;
}

static void set_up_disks(Setup *s, uint32_t seed, uint64_t size,
                         uint32_t target_cluster)
{
    *s = (Setup){.rand = g_rand_new_with_seed(seed), .size = size};
    s->source = flaky_disk_new("disk", size, 0);
    s->target = flaky_disk_new("target", size, target_cluster);
    flaky_disk(s->source)->rand = flaky_disk(s->target)->rand = s->rand;
    s->guest = root_new("root", NULL, NULL);
    g_assert_true(root_attach(s->guest, s->source,
                              PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL,
                              NULL));
}

static const CbwInsertOptions plain;

static void insert_filter(Setup *s)
{
    Quiesce *section = co_quiesce_begin(&s->source, 1);
    Error *err = NULL;

    s->frozen = g_memdup2(flaky_disk(s->source)->bytes, s->size);
    s->filter = co_cbw_insert(s->source, s->target, "cbw", &plain, &err);
    if (err) {
        g_error("%s", error_text(err));
    }
    s->copy = cbw_block_copy(s->filter);
    bitmap_set_all(block_copy_todo(s->copy));
    block_copy_set_progress(s->copy, on_progress, s);
    quiesce_end(section);
    g_assert_true(root_node(s->guest) == s->filter);
}

static void co_tear_down_filter(Setup *s)
{
    co_cbw_drop(s->filter);
    g_assert_true(root_node(s->guest) == s->source);
}

static void co_tear_down_disks(Setup *s)
{
    co_root_detach(s->guest);
    root_free(s->guest);
    co_node_unref(s->source);
    co_node_unref(s->target);
    g_free(s->frozen);
    g_rand_free(s->rand);
}

static void co_tear_down(Setup *s)
{
    co_tear_down_filter(s);
    g_assert_null(bitmap_next(s->source, NULL));
    co_tear_down_disks(s);
}

/* Copies what is to do; 0 or the first error. */
static int co_copy_rest(Setup *s)
{
    uint64_t at = 0;
    BlockCopyRun *run;
    int ret;

    while ((ret = co_block_copy_claim(s->copy, at, GiB, &run)) > 0) {
        at = ROUND_UP(block_copy_run_offset(run) + block_copy_run_bytes(run),
                      block_copy_cluster_bytes(s->copy));
        ret = co_block_copy_finish(run, NULL);
        if (ret < 0) {
            break;
        }
    }
    return ret;
}

static void assert_frozen(const Setup *s)
{
    g_assert_cmpuint(bitmap_count_bytes(block_copy_todo(s->copy)), ==, 0);
    g_assert_cmpmem(flaky_disk(s->target)->bytes, s->size, s->frozen, s->size);
}

/* --- random -------------------------------------------------------------- */

typedef struct Actor {
    Setup *s;
    CoCount *running;
} Actor;

static void co_guest_request(Setup *s)
{
    uint64_t offset = g_rand_int_range(s->rand, 0, s->size);
    uint64_t most = g_rand_int_range(s->rand, 1, 4 * CLUSTER);
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
    Setup s;
    Actor a = {&s, &running};

    set_up_disks(&s, seed, size, cluster);
    flaky_disk_fill(s.source, s.rand, 0, size / 3);
    flaky_disk_fill(s.source, s.rand, size / 2, size / 4);
    flaky_disk_fill(s.target, s.rand, size / 4, size / 2);
    insert_filter(&s);
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
    assert_frozen(&s);
    g_assert_cmpuint(s.progress, ==,
                     ROUND_UP(size, block_copy_cluster_bytes(s.copy)));
    co_tear_down(&s);
}

static void random_body(void)
{
    for (uint32_t seed = 1; seed <= 12; seed++) {
        co_random_run(seed, 32 * CLUSTER, 0, 0);
    }
}

static void random_ends_short_body(void)
{
    for (uint32_t seed = 1; seed <= 12; seed++) {
        co_random_run(seed, 21 * CLUSTER + 3 * 512, 2 * CLUSTER, 0);
    }
}

static void random_errors_body(void)
{
    for (uint32_t seed = 1; seed <= 24; seed++) {
        co_random_run(seed, 16 * CLUSTER + 512, 0, seed);
    }
}

/* --- single facts -------------------------------------------------------- */

static void chunks_body(void)
{
    Setup s;

    set_up_disks(&s, 1, 4 * MiB + CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    insert_filter(&s);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    assert_frozen(&s);
    g_assert_cmpuint(flaky_disk(s.source)->reads, ==, 5);
    g_assert_cmpuint(flaky_disk(s.source)->largest_read_bytes, ==, MiB);
    g_assert_cmpuint(flaky_disk(s.source)->read_bytes, ==, s.size);
    co_tear_down(&s);

    set_up_disks(&s, 1, MiB, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    insert_filter(&s);
    block_copy_set_chunk(s.copy, 3 * CLUSTER + 1);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    g_assert_cmpuint(flaky_disk(s.source)->largest_read_bytes, ==, 3 * CLUSTER);
    co_tear_down(&s);
}

static void holes_body(void)
{
    Setup s;

    set_up_disks(&s, 1, 8 * MiB, 0);
    flaky_disk_fill(s.source, s.rand, 2 * MiB, CLUSTER);
    flaky_disk_fill(s.target, s.rand, 4 * MiB, CLUSTER);
    insert_filter(&s);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    assert_frozen(&s);
    g_assert_cmpuint(s.progress, ==, s.size);
    g_assert_cmpuint(flaky_disk(s.source)->read_bytes, ==, CLUSTER);
    g_assert_cmpuint(flaky_disk(s.target)->written_bytes, ==, CLUSTER);
    /* Only from the first byte on that was not known to be zero. */
    g_assert_cmpuint(flaky_disk(s.target)->zeroes, ==, 1);
    co_tear_down(&s);
}

/* Data and holes in turns: one read tells them apart, and what is a hole stays
 * one. */
static void patchwork_body(void)
{
    Setup s;

    set_up_disks(&s, 1, 8 * MiB, 0);
    for (unsigned i = 0; i < 16; i += 2) {
        flaky_disk_fill(s.source, s.rand, i * CLUSTER, CLUSTER);
    }
    insert_filter(&s);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    assert_frozen(&s);
    g_assert_cmpuint(s.progress, ==, s.size);
    g_assert_cmpuint(flaky_disk(s.source)->largest_read_bytes, ==, 1 * MiB);
    g_assert_cmpuint(flaky_disk(s.source)->read_bytes, ==, 1 * MiB);
    g_assert_cmpuint(flaky_disk(s.target)->written_bytes, ==, 8 * CLUSTER);
    g_assert_cmpuint(flaky_disk(s.target)->zeroes, ==, 0);
    co_tear_down(&s);
}

static void short_end_body(void)
{
    Setup s;

    set_up_disks(&s, 1, 3 * CLUSTER + 1000, 2 * CLUSTER);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    insert_filter(&s);
    g_assert_cmpuint(block_copy_cluster_bytes(s.copy), ==, 2 * CLUSTER);
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, s.size - 1, 1, 0), ==, 0);
    g_assert_cmpuint(s.progress, ==, 2 * CLUSTER);
    g_assert_cmpuint(flaky_disk(s.target)->written_bytes, ==, CLUSTER + 1000);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    assert_frozen(&s);
    co_tear_down(&s);
}

/* What cannot be saved cannot be overwritten. */
static void target_fails_body(void)
{
    uint8_t buf[512];
    Setup s;

    memset(buf, 0xee, sizeof(buf));
    set_up_disks(&s, 1, 4 * CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    insert_filter(&s);
    flaky_disk(s.target)->bad_writes = (FlakyArea){CLUSTER, CLUSTER, 1};
    g_assert_cmpint(co_root_pwrite(s.guest, CLUSTER, 512, buf, 0), ==, -EIO);
    g_assert_cmpmem(flaky_disk(s.source)->bytes, s.size, s.frozen, s.size);
    g_assert_true(bitmap_get(block_copy_todo(s.copy), CLUSTER));
    g_assert_cmpint(co_root_pwrite(s.guest, CLUSTER, 512, buf, 0), ==, 0);
    g_assert_cmpmem(flaky_disk(s.source)->bytes + CLUSTER, 512, buf, 512);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    assert_frozen(&s);
    co_tear_down(&s);
}

static void error_side_body(void)
{
    bool is_read = false;
    Setup s;

    set_up_disks(&s, 1, 4 * CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    insert_filter(&s);
    flaky_disk(s.source)->bad_reads = (FlakyArea){0, CLUSTER, 1};
    g_assert_cmpint(co_block_copy(s.copy, 0, 1, &is_read), ==, -EIO);
    g_assert_true(is_read);
    flaky_disk(s.target)->bad_writes = (FlakyArea){0, CLUSTER, 1};
    g_assert_cmpint(co_block_copy(s.copy, 0, 1, &is_read), ==, -EIO);
    g_assert_false(is_read);
    g_assert_cmpint(co_block_copy(s.copy, 0, 1, &is_read), ==, 0);
    co_tear_down(&s);
}

/* --- waiting for what is in flight --------------------------------------- */

typedef struct GuestWrite {
    Setup *s;
    bool done;
    int ret;
} GuestWrite;

static void co_one_write(void *opaque)
{
    GuestWrite *w = opaque;

    w->ret = co_root_pwrite_zeroes(w->s->guest, 0, 512, 0);
    w->done = true;
}

static void co_one_copy(void *opaque)
{
    GuestWrite *w = opaque;

    w->ret = co_block_copy(w->s->copy, 0, 1, NULL);
    w->done = true;
}

static void waits_body(void)
{
    Setup s;
    GuestWrite w1 = {&s}, w2 = {&s}, c = {&s};

    set_up_disks(&s, 1, 4 * CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    insert_filter(&s);
    flaky_disk(s.target)->hold_writes = true;
    flaky_disk(s.target)->bad_writes = (FlakyArea){0, CLUSTER, 1};
    coroutine_start(co_one_copy, &c);
    coroutine_start(co_one_write, &w1);
    coroutine_start(co_one_write, &w2);
    for (unsigned i = 0; i < 20; i++) {
        co_reschedule();
    }
    g_assert_false(c.done || w1.done || w2.done);
    g_assert_cmpuint(flaky_disk(s.source)->reads, ==, 1);
    flaky_disk_release(s.target);
    while (!c.done || !w1.done || !w2.done) {
        co_reschedule();
    }
    /* The first copy failed; one of the writes copied it again. */
    g_assert_cmpint(c.ret, ==, -EIO);
    g_assert_cmpint(w1.ret, ==, 0);
    g_assert_cmpint(w2.ret, ==, 0);
    g_assert_cmpuint(flaky_disk(s.source)->reads, ==, 2);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    assert_frozen(&s);
    co_tear_down(&s);
}

/* --- graph --------------------------------------------------------------- */

static void filter_bitmaps_body(void)
{
    DirtyBitmap *access, *done;
    Setup s;

    set_up_disks(&s, 1, 4 * CLUSTER, 0);
    insert_filter(&s);
    access = bitmap_next(s.filter, NULL);
    done = bitmap_next(s.filter, access);
    g_assert_null(bitmap_next(s.filter, done));
    g_assert_cmpuint(bitmap_count_bytes(access), ==, s.size);
    g_assert_cmpuint(bitmap_count_bytes(done), ==, 0);
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, 100, CLUSTER, 0), ==, 0);
    g_assert_cmpuint(bitmap_count_bytes(done), ==, 2 * CLUSTER);
    g_assert_cmpuint(bitmap_count_bytes(block_copy_todo(s.copy)), ==,
                     2 * CLUSTER);
    g_assert_false(bitmap_enabled(access) || bitmap_enabled(done) ||
                   bitmap_enabled(block_copy_todo(s.copy)));
    co_tear_down(&s);
}

/* Taken out but still held: whoever finds it finds the disk. */
static void transparent_body(void)
{
    Root *late = root_new("root", NULL, NULL);
    Node *filter;
    Setup s;

    set_up_disks(&s, 1, 4 * CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    insert_filter(&s);
    filter = s.filter;
    node_ref(filter);
    co_tear_down_filter(&s);
    g_assert_true(root_attach(late, filter, PERM_WRITE, PERM_ALL, NULL));
    g_assert_cmpint(co_root_pwrite_zeroes(late, 0, CLUSTER, 0), ==, 0);
    g_assert_true(buffer_is_zero(flaky_disk(s.source)->bytes, CLUSTER));
    g_assert_true(buffer_is_zero(flaky_disk(s.target)->bytes, s.size));
    co_root_detach(late);
    root_free(late);
    co_node_unref(filter);
    g_assert_null(bitmap_next(s.source, NULL));
    co_tear_down_disks(&s);
}

static void permissions_body(void)
{
    Root *second = root_new("root", NULL, NULL);
    Quiesce *section;
    Error *err = NULL;
    Setup s;

    set_up_disks(&s, 1, 4 * CLUSTER, 0);
    section = co_quiesce_begin(&s.source, 1);
    s.target->read_only = true;
    g_assert_null(co_cbw_insert(s.source, s.target, NULL, &plain, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Could not create node: Block node is read-only");
    g_clear_pointer(&err, error_free);
    s.target->read_only = false;
    g_assert_null(co_cbw_insert(s.source, s.target, "disk", &plain, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Could not create node: Duplicate nodes with "
                    "node-name='disk'");
    g_clear_pointer(&err, error_free);
    quiesce_end(section);
    g_assert_true(root_node(s.guest) == s.source);

    insert_filter(&s);
    g_assert_false(root_attach(second, s.source, PERM_WRITE, PERM_ALL, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Permission conflict on node 'disk': permissions 'write' "
                    "are both required by an unnamed block device (uses node "
                    "'disk' as 'root' child) and unshared by node 'cbw' (uses "
                    "node 'disk' as 'file' child).");
    g_clear_pointer(&err, error_free);
    g_assert_true(
        root_attach(second, s.source, PERM_CONSISTENT_READ, PERM_ALL, NULL));
    co_root_detach(second);
    g_assert_true(root_attach(second, s.target, PERM_WRITE, PERM_ALL, NULL));
    co_root_detach(second);
    root_free(second);
    co_tear_down(&s);
}

#define TEST(body)                     \
    static void test_##body(void)      \
    {                                  \
        run_in_coroutine(body##_body); \
    }
TEST(random)
TEST(random_ends_short)
TEST(random_errors)
TEST(chunks)
TEST(holes)
TEST(patchwork)
TEST(short_end)
TEST(target_fails)
TEST(error_side)
TEST(waits)
TEST(filter_bitmaps)
TEST(transparent)
TEST(permissions)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block-copy/random", test_random);
    g_test_add_func("/block-copy/random-ends-short", test_random_ends_short);
    g_test_add_func("/block-copy/random-errors", test_random_errors);
    g_test_add_func("/block-copy/chunks", test_chunks);
    g_test_add_func("/block-copy/holes", test_holes);
    g_test_add_func("/block-copy/patchwork", test_patchwork);
    g_test_add_func("/block-copy/short-end", test_short_end);
    g_test_add_func("/block-copy/target-fails", test_target_fails);
    g_test_add_func("/block-copy/error-side", test_error_side);
    g_test_add_func("/block-copy/waits", test_waits);
    g_test_add_func("/block-copy/filter-bitmaps", test_filter_bitmaps);
    g_test_add_func("/block-copy/transparent", test_transparent);
    g_test_add_func("/block-copy/permissions", test_permissions);
    return g_test_run();
}
