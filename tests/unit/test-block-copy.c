/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The copy engine under the copy-before-write filter: single facts. */
#include "copy-setup.h"

static void chunks_body(void)
{
    CopySetup s;

    copy_set_up(&s, 1, 4 * MiB + COPY_CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    copy_insert_filter(&s);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    copy_assert_frozen(&s);
    g_assert_cmpuint(flaky_disk(s.source)->reads, ==, 5);
    g_assert_cmpuint(flaky_disk(s.source)->largest_read_bytes, ==, MiB);
    g_assert_cmpuint(flaky_disk(s.source)->read_bytes, ==, s.size);
    co_copy_tear_down(&s);

    copy_set_up(&s, 1, MiB, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    copy_insert_filter(&s);
    block_copy_set_chunk(s.copy, 3 * COPY_CLUSTER + 1);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    g_assert_cmpuint(flaky_disk(s.source)->largest_read_bytes, ==,
                     3 * COPY_CLUSTER);
    co_copy_tear_down(&s);
}

static void holes_body(void)
{
    CopySetup s;

    copy_set_up(&s, 1, 8 * MiB, 0);
    flaky_disk_fill(s.source, s.rand, 2 * MiB, COPY_CLUSTER);
    flaky_disk_fill(s.target, s.rand, 4 * MiB, COPY_CLUSTER);
    copy_insert_filter(&s);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    copy_assert_frozen(&s);
    g_assert_cmpuint(s.progress, ==, s.size);
    g_assert_cmpuint(flaky_disk(s.source)->read_bytes, ==, COPY_CLUSTER);
    g_assert_cmpuint(flaky_disk(s.target)->written_bytes, ==, COPY_CLUSTER);
    /* Only from the first byte on that was not known to be zero. */
    g_assert_cmpuint(flaky_disk(s.target)->zeroes, ==, 1);
    co_copy_tear_down(&s);
}

/* Data and holes in turns: one read tells them apart, and what is a hole stays
 * one. */
static void patchwork_body(void)
{
    CopySetup s;

    copy_set_up(&s, 1, 8 * MiB, 0);
    for (unsigned i = 0; i < 16; i += 2) {
        flaky_disk_fill(s.source, s.rand, i * COPY_CLUSTER, COPY_CLUSTER);
    }
    copy_insert_filter(&s);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    copy_assert_frozen(&s);
    g_assert_cmpuint(s.progress, ==, s.size);
    g_assert_cmpuint(flaky_disk(s.source)->largest_read_bytes, ==, 1 * MiB);
    g_assert_cmpuint(flaky_disk(s.source)->read_bytes, ==, 1 * MiB);
    g_assert_cmpuint(flaky_disk(s.target)->written_bytes, ==, 8 * COPY_CLUSTER);
    g_assert_cmpuint(flaky_disk(s.target)->zeroes, ==, 0);
    co_copy_tear_down(&s);
}

static void short_end_body(void)
{
    CopySetup s;

    copy_set_up(&s, 1, 3 * COPY_CLUSTER + 1000, 2 * COPY_CLUSTER);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    copy_insert_filter(&s);
    g_assert_cmpuint(block_copy_cluster_bytes(s.copy), ==, 2 * COPY_CLUSTER);
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, s.size - 1, 1, 0), ==, 0);
    g_assert_cmpuint(s.progress, ==, 2 * COPY_CLUSTER);
    g_assert_cmpuint(flaky_disk(s.target)->written_bytes, ==,
                     COPY_CLUSTER + 1000);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    copy_assert_frozen(&s);
    co_copy_tear_down(&s);
}

/* What cannot be saved cannot be overwritten. */
static void target_fails_body(void)
{
    uint8_t buf[512];
    CopySetup s;

    memset(buf, 0xee, sizeof(buf));
    copy_set_up(&s, 1, 4 * COPY_CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    copy_insert_filter(&s);
    flaky_disk(s.target)->bad_writes =
        (FlakyArea){COPY_CLUSTER, COPY_CLUSTER, 1};
    g_assert_cmpint(co_root_pwrite(s.guest, COPY_CLUSTER, 512, buf, 0), ==,
                    -EIO);
    g_assert_cmpmem(flaky_disk(s.source)->bytes, s.size, s.frozen, s.size);
    g_assert_true(bitmap_get(block_copy_todo(s.copy), COPY_CLUSTER));
    g_assert_cmpint(co_root_pwrite(s.guest, COPY_CLUSTER, 512, buf, 0), ==, 0);
    g_assert_cmpmem(flaky_disk(s.source)->bytes + COPY_CLUSTER, 512, buf, 512);
    g_assert_cmpint(co_copy_rest(&s), ==, 0);
    copy_assert_frozen(&s);
    co_copy_tear_down(&s);
}

static void error_side_body(void)
{
    bool is_read = false;
    CopySetup s;

    copy_set_up(&s, 1, 4 * COPY_CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    copy_insert_filter(&s);
    flaky_disk(s.source)->bad_reads = (FlakyArea){0, COPY_CLUSTER, 1};
    g_assert_cmpint(co_block_copy(s.copy, 0, 1, &is_read), ==, -EIO);
    g_assert_true(is_read);
    flaky_disk(s.target)->bad_writes = (FlakyArea){0, COPY_CLUSTER, 1};
    g_assert_cmpint(co_block_copy(s.copy, 0, 1, &is_read), ==, -EIO);
    g_assert_false(is_read);
    g_assert_cmpint(co_block_copy(s.copy, 0, 1, &is_read), ==, 0);
    co_copy_tear_down(&s);
}

/* --- waiting for what is in flight --------------------------------------- */

typedef struct GuestWrite {
    CopySetup *s;
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
    CopySetup s;
    GuestWrite w1 = {&s}, w2 = {&s}, c = {&s};

    copy_set_up(&s, 1, 4 * COPY_CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    copy_insert_filter(&s);
    flaky_disk(s.target)->hold_writes = true;
    flaky_disk(s.target)->bad_writes = (FlakyArea){0, COPY_CLUSTER, 1};
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
    copy_assert_frozen(&s);
    co_copy_tear_down(&s);
}

/* --- graph --------------------------------------------------------------- */

static void filter_bitmaps_body(void)
{
    DirtyBitmap *access, *done;
    CopySetup s;

    copy_set_up(&s, 1, 4 * COPY_CLUSTER, 0);
    copy_insert_filter(&s);
    access = bitmap_next(s.filter, NULL);
    done = bitmap_next(s.filter, access);
    g_assert_null(bitmap_next(s.filter, done));
    g_assert_cmpuint(bitmap_count_bytes(access), ==, s.size);
    g_assert_cmpuint(bitmap_count_bytes(done), ==, 0);
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, 100, COPY_CLUSTER, 0), ==,
                    0);
    g_assert_cmpuint(bitmap_count_bytes(done), ==, 2 * COPY_CLUSTER);
    g_assert_cmpuint(bitmap_count_bytes(block_copy_todo(s.copy)), ==,
                     2 * COPY_CLUSTER);
    g_assert_false(bitmap_enabled(access) || bitmap_enabled(done) ||
                   bitmap_enabled(block_copy_todo(s.copy)));
    co_copy_tear_down(&s);
}

/* Taken out but still held: whoever finds it finds the disk. */
static void transparent_body(void)
{
    Root *late = root_new("root", NULL, NULL);
    Node *filter;
    CopySetup s;

    copy_set_up(&s, 1, 4 * COPY_CLUSTER, 0);
    flaky_disk_fill(s.source, s.rand, 0, s.size);
    copy_insert_filter(&s);
    filter = s.filter;
    node_ref(filter);
    co_copy_drop_filter(&s);
    g_assert_true(root_attach(late, filter, PERM_WRITE, PERM_ALL, NULL));
    g_assert_cmpint(co_root_pwrite_zeroes(late, 0, COPY_CLUSTER, 0), ==, 0);
    g_assert_true(buffer_is_zero(flaky_disk(s.source)->bytes, COPY_CLUSTER));
    g_assert_true(buffer_is_zero(flaky_disk(s.target)->bytes, s.size));
    co_root_detach(late);
    root_free(late);
    co_node_unref(filter);
    g_assert_null(bitmap_next(s.source, NULL));
    co_copy_drop_disks(&s);
}

static void permissions_body(void)
{
    Root *second = root_new("root", NULL, NULL);
    Quiesce *section;
    Error *err = NULL;
    CopySetup s;

    copy_set_up(&s, 1, 4 * COPY_CLUSTER, 0);
    section = co_quiesce_begin(&s.source, 1);
    s.target->read_only = true;
    g_assert_null(co_cbw_insert(s.source, s.target, NULL, &copy_plain, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Could not create node: Block node is read-only");
    g_clear_pointer(&err, error_free);
    s.target->read_only = false;
    g_assert_null(co_cbw_insert(s.source, s.target, "disk", &copy_plain, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Could not create node: Duplicate nodes with "
                    "node-name='disk'");
    g_clear_pointer(&err, error_free);
    quiesce_end(section);
    g_assert_true(root_node(s.guest) == s.source);

    copy_insert_filter(&s);
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
    co_copy_tear_down(&s);
}

#define TEST(body)                     \
    static void test_##body(void)      \
    {                                  \
        run_in_coroutine(body##_body); \
    }
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
