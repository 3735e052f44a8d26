/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dirty bitmaps on a node: marks, rounding, walking, successors, merging
 * between granularities, resize, undo, checksum, the texts of checks. */
#include "block/bitmap/ops.h"
#include "block/graph/root.h"
#include "ram-node.h"

#define SIZE (1 * MiB + 512)

static Node *new_disk(void)
{
    return ram_node_new("disk", SIZE, 512);
}

/* "offset+bytes ...", in bytes. */
static void assert_dirty(const DirtyBitmap *bitmap, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    uint64_t at = 0, start, bytes, end = bitmap_size_bytes(bitmap);

    while (bitmap_next_dirty_run(bitmap, at, end, end, &start, &bytes)) {
        g_string_append_printf(text, "%s%" PRIu64 "+%" PRIu64,
                               text->len ? " " : "", start, bytes);
        at = start + bytes;
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static void marks_body(void)
{
    Node *disk = new_disk();
    DirtyBitmap *on = bitmap_create(disk, 64 * KiB, "on", NULL);
    DirtyBitmap *off = bitmap_create(disk, 512, "off", NULL);

    bitmap_disable(off);
    bitmaps_mark(disk, 65535, 2);
    assert_dirty(on, "0+131072");
    g_assert_cmpuint(bitmap_count_bytes(off), ==, 0);
    bitmap_enable(off);
    bitmaps_mark(disk, SIZE - 1, 1);
    /* The last granule is short: extents are clipped, the count is not. */
    assert_dirty(on, "0+131072 1048576+512");
    g_assert_cmpuint(bitmap_count_bytes(on), ==, 3 * 64 * KiB);
    assert_dirty(off, "1048576+512");
    /* Beyond the end nothing exists. */
    bitmaps_mark(disk, SIZE, 10);
    bitmaps_mark(disk, SIZE - 1, UINT64_MAX / 2);
    g_assert_cmpuint(bitmap_count_bytes(on), ==, 3 * 64 * KiB);
    bitmap_release_all(disk);
    co_node_unref(disk);
}

static void rounding_body(void)
{
    Node *disk = new_disk();
    DirtyBitmap *b = bitmap_create(disk, 4096, "b", NULL);

    bitmap_set_all(b);
    bitmap_reset(b, 1, 4095); /* no whole granule */
    g_assert_true(bitmap_get(b, 0));
    bitmap_reset(b, 1, 8191);
    assert_dirty(b, "0+4096 8192+1040896");
    /* The short last granule lies in a range that reaches the end. */
    bitmap_reset(b, 1048576, 511);
    g_assert_true(bitmap_get(b, 1048576));
    bitmap_reset(b, 1048576, 512);
    g_assert_false(bitmap_get(b, 1048576));
    g_assert_false(bitmap_get(b, SIZE));
    bitmap_release_all(disk);
    co_node_unref(disk);
}

static void walking_body(void)
{
    Node *disk = new_disk();
    DirtyBitmap *b = bitmap_create(disk, 4096, "b", NULL);
    uint64_t start, bytes;

    bitmap_set(b, 8192, 8192);
    g_assert_cmpuint(bitmap_next_dirty(b, 0, SIZE), ==, 8192);
    /* Inside a granule the answer is the place asked for. */
    g_assert_cmpuint(bitmap_next_dirty(b, 9000, SIZE), ==, 9000);
    g_assert_cmpuint(bitmap_next_clean(b, 9000, SIZE), ==, 16384);
    g_assert_cmpuint(bitmap_next_dirty(b, 16384, SIZE), ==, SIZE);
    g_assert_cmpuint(bitmap_next_dirty(b, 0, 8192), ==, 8192);
    g_assert_cmpuint(bitmap_next_dirty(b, 100, 100), ==, 100);
    g_assert_cmpuint(bitmap_next_dirty(b, 0, UINT64_MAX), ==, 8192);
    g_assert_true(bitmap_next_dirty_run(b, 9000, 12000, 1000, &start, &bytes));
    g_assert_cmpuint(start, ==, 9000);
    g_assert_cmpuint(bytes, ==, 1000);
    g_assert_true(bitmap_next_dirty_run(b, 9000, 9500, 1000, &start, &bytes));
    g_assert_cmpuint(bytes, ==, 500);
    g_assert_false(bitmap_next_dirty_run(b, 16384, SIZE, SIZE, &start, &bytes));
    bitmap_release_all(disk);
    co_node_unref(disk);
}

static void start_succession(DirtyBitmap *b)
{
    bitmap_clear_all(b, NULL);
    bitmap_set(b, 0, 1);
    g_assert_true(bitmap_create_successor(b, NULL));
    bitmaps_mark(bitmap_node(b), 65536, 1);
}

static void successor_body(void)
{
    Node *disk = new_disk();
    DirtyBitmap *b = bitmap_create(disk, 64 * KiB, "b", NULL);
    Error *err = NULL;

    start_succession(b);
    g_assert_true(bitmap_busy(b) && bitmap_recording(b));
    g_assert_false(bitmap_enabled(b));
    assert_dirty(b, "0+65536");
    /* The successor is the newest, has no name and records. */
    g_assert_null(bitmap_name(bitmap_next(disk, NULL)));
    g_assert_true(bitmap_enabled(bitmap_next(disk, NULL)));
    g_assert_false(bitmap_create_successor(b, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Bitmap 'b' is currently in use by another operation and "
                    "cannot be used");
    error_free(err);
    bitmap_abdicate(b);
    assert_dirty(b, "65536+65536");
    g_assert_true(bitmap_enabled(b) && !bitmap_busy(b));
    g_assert_true(bitmap_next(disk, NULL) == b && !bitmap_next(disk, b));

    start_succession(b);
    bitmap_reclaim(b);
    assert_dirty(b, "0+131072");

    /* What did not record before does not record after. */
    bitmap_disable(b);
    start_succession(b);
    g_assert_false(bitmap_recording(b));
    bitmap_reclaim(b);
    assert_dirty(b, "0+65536");
    g_assert_false(bitmap_enabled(b));
    bitmap_release_all(disk);
    co_node_unref(disk);
}

static void successor_resize_body(void)
{
    Node *disk = new_disk();
    DirtyBitmap *b = bitmap_create(disk, 64 * KiB, "b", NULL);

    start_succession(b);
    bitmaps_resize(disk, 4 * MiB);
    bitmaps_mark(disk, 3 * MiB, 1);
    bitmap_reclaim(b);
    assert_dirty(b, "0+131072 3145728+65536");
    bitmaps_resize(disk, 64 * KiB);
    assert_dirty(b, "0+65536");
    g_assert_cmpuint(bitmap_count_bytes(b), ==, 64 * KiB);
    bitmap_release_all(disk);
    co_node_unref(disk);
}

static void merge_body(void)
{
    Node *disk = new_disk();
    DirtyBitmap *fine = bitmap_create(disk, 512, "fine", NULL);
    DirtyBitmap *coarse = bitmap_create(disk, 128 * KiB, "coarse", NULL);
    SparseBitmap *before;

    bitmap_set(fine, 131072 - 512, 1024);
    bitmap_set(fine, SIZE - 512, 512);
    bitmap_merge(coarse, fine);
    assert_dirty(coarse, "0+262144 1048576+512");
    before = bitmap_snapshot_bits(fine);
    bitmap_merge(fine, coarse);
    assert_dirty(fine, "0+262144 1048576+512");
    bitmap_merge(fine, fine);
    assert_dirty(fine, "0+262144 1048576+512");
    bitmap_restore(fine, before);
    assert_dirty(fine, "130560+1024 1048576+512");
    bitmap_clear_all(fine, &before);
    g_assert_cmpuint(bitmap_count_bytes(fine), ==, 0);
    bitmap_restore(fine, before);
    assert_dirty(fine, "130560+1024 1048576+512");
    bitmap_release_all(disk);
    co_node_unref(disk);
}

/* Sums of whole 64-bit words, measured on QEMU 7.2.22 and with sha256sum. */
/* --- merging big ones in steps --- */

typedef struct Merge {
    Node *disk;
    bool done;
} Merge;

static void merge_entry(void *opaque)
{
    Merge *m = opaque;
    BlockDirtyBitmapOrStr fine = {.kind = BLOCK_DIRTY_BITMAP_OR_STR_KIND_LOCAL,
                                  .u.local = (char *)"fine"};
    BlockDirtyBitmapOrStr coarse = {.kind =
                                        BLOCK_DIRTY_BITMAP_OR_STR_KIND_LOCAL,
                                    .u.local = (char *)"coarse"};
    BlockDirtyBitmapOrStr *both[] = {&fine, &coarse};
    BlockDirtyBitmapOrStrList sources = {.n = 2, .v = both};
    BlockDirtyBitmapMerge args = {
        .node = (char *)"disk", .target = (char *)"to", .bitmaps = &sources};

    g_assert_true(co_bitmap_op_merge(&args, NULL));
    m->done = true;
}

/* Others run between the steps: they see the bitmaps busy, and guests mark. */
static void merge_steps_body(void)
{
    uint64_t size = 5 * GiB + 512, at;
    Merge m = {.disk = ram_node_new("disk", size, 512)};
    DirtyBitmap *fine = bitmap_create(m.disk, 512, "fine", NULL);
    DirtyBitmap *coarse = bitmap_create(m.disk, 4096, "coarse", NULL);
    DirtyBitmap *to = bitmap_create(m.disk, 512, "to", NULL);
    DirtyBitmap *expected = bitmap_create(m.disk, 512, "expected", NULL);
    g_autofree char *sum = NULL, *expected_sum = NULL;
    unsigned turns = 0;
    Error *err = NULL;

    bitmap_disable(fine);
    bitmap_disable(coarse);
    for (at = 0; at < size; at += 1 * MiB) {
        bitmap_set(fine, at, 512);
        bitmap_set(coarse, at + 8192, 512);
    }
    bitmap_merge(expected, fine);
    bitmap_merge(expected, coarse);
    coroutine_start(merge_entry, &m);
    while (!m.done) {
        co_reschedule();
        if (!m.done && !turns++) {
            bitmaps_mark(m.disk, size - 1, 1);
            bitmaps_mark(m.disk, 1 * MiB + 512, 1);
            g_assert_null(
                bitmap_op_find("disk", "coarse", BITMAP_CHECK_DEFAULT, &err));
            check_error(&err, "Bitmap 'coarse' is currently in use by another "
                              "operation and cannot be used");
        }
    }
    g_assert_cmpuint(turns, >, 4);
    g_assert_false(bitmap_busy(fine) || bitmap_busy(coarse) || bitmap_busy(to));
    sum = bitmap_sha256(to);
    expected_sum = bitmap_sha256(expected);
    g_assert_cmpstr(sum, ==, expected_sum);
    bitmap_release_all(m.disk);
    co_node_unref(m.disk);
}

static void checksum_body(void)
{
    Node *disk = ram_node_new("disk", 10 * MiB + 512, 512);
    DirtyBitmap *b = bitmap_create(disk, 64 * KiB, "b", NULL);
    g_autofree char *empty = bitmap_sha256(b), *dirty = NULL;

    g_assert_cmpstr(empty, ==,
                    "9d908ecfb6b256def8b49a7c504e6c889c4b0e41fe6ce3e01863dd7b"
                    "61a20aa0");
    bitmap_set(b, 0, 512);
    bitmap_set(b, 10 * MiB, 512);
    bitmap_set(b, 1 * MiB, 1500 * KiB);
    dirty = bitmap_sha256(b);
    g_assert_cmpstr(dirty, ==,
                    "b262b576f629b73639686e21882048835470718fb021cbe12312bd3a"
                    "4e2653b2");
    bitmap_release_all(disk);
    co_node_unref(disk);
}

static void assert_refused(Node *node, const char *name, const char *text)
{
    Error *err = NULL;

    g_assert_null(bitmap_create(node, 4096, name, &err));
    g_assert_cmpstr(error_text(err), ==, text);
    error_free(err);
}

static void names_body(void)
{
    Node *disk = new_disk(), *found;
    g_autofree char *longest = g_strnfill(BITMAP_NAME_MAX, 'x');
    g_autofree char *longer = g_strnfill(BITMAP_NAME_MAX + 1, 'x');
    g_autofree char *too_long =
        g_strdup_printf("Bitmap name too long: %s", longer);
    g_autofree char *taken =
        g_strdup_printf("Bitmap already exists: %s", longest);
    Error *err = NULL;

    g_assert_nonnull(bitmap_create(disk, 4096, longest, NULL));
    assert_refused(disk, longer, too_long);
    assert_refused(disk, longest, taken);
    g_assert_nonnull(bitmap_lookup("disk", longest, &found, NULL));
    g_assert_true(found == disk);
    g_assert_null(bitmap_lookup("nosuch", "b", NULL, &err));
    g_assert_cmpstr(error_text(err), ==, "Node 'nosuch' not found");
    error_free(err);
    err = NULL;
    g_assert_null(bitmap_lookup("disk", "b", NULL, &err));
    g_assert_cmpstr(error_text(err), ==, "Dirty bitmap 'b' not found");
    error_free(err);
    bitmap_release_all(disk);
    co_node_unref(disk);
}

#define TEST(body)                     \
    static void test_##body(void)      \
    {                                  \
        run_in_coroutine(body##_body); \
    }
TEST(marks)
TEST(rounding)
TEST(walking)
TEST(successor)
TEST(successor_resize)
TEST(merge)
TEST(merge_steps)
TEST(checksum)
TEST(names)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bitmap/marks", test_marks);
    g_test_add_func("/bitmap/rounding", test_rounding);
    g_test_add_func("/bitmap/walking", test_walking);
    g_test_add_func("/bitmap/successor", test_successor);
    g_test_add_func("/bitmap/successor-resize", test_successor_resize);
    g_test_add_func("/bitmap/merge", test_merge);
    g_test_add_func("/bitmap/merge-steps", test_merge_steps);
    g_test_add_func("/bitmap/checksum", test_checksum);
    g_test_add_func("/bitmap/names", test_names);
    return g_test_run();
}
