/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drivers raw and null-co, opened from options; names of nodes, what they
 * inherit, and what queries show. */
#include "disk-user.h"
#include "ram-node.h"

#include "block/graph/query.h"
#include "block/io/io.h"
#include "qapi/qapi-types.h"

#define SIZE (1 * MiB)

/* --- raw ----------------------------------------------------------------- */

static Node *open_raw(const char *more, Error **errp)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\": \"raw\", \"node-name\": \"r\", \"file\": \"a\"%s}", more);

    return open_json(json, errp);
}

static void raw_window(void)
{
    Node *a = ram_node_new("a", SIZE, 512);
    Node *raw = open_raw(", \"offset\": 513, \"size\": 1024", NULL);
    Root *r = disk_attach(raw, RW);
    uint8_t *bytes = ram_state(a)->bytes;

    g_assert_cmpuint(root_size_bytes(r), ==, 1024);
    co_disk_fill(r, 0, 1024, 9);
    co_disk_check(r, 0, 1024, 9);
    g_assert_cmpuint(bytes[512], ==, 0);
    g_assert_cmpuint(bytes[513], ==, 9);
    g_assert_cmpuint(bytes[513 + 1023], ==, 9);
    g_assert_cmpuint(bytes[513 + 1024], ==, 0);
    g_assert_cmpint(co_root_pwrite_zeroes(r, 1, 1022, 0), ==, 0);
    g_assert_cmpuint(bytes[513], ==, 9);
    g_assert_true(buffer_is_zero(bytes + 514, 1022));
    g_assert_cmpint(co_root_pwrite(r, 1000, 100, bytes, 0), ==, -EIO);
    co_disk_done(r, raw);
    co_node_unref(a);
}

/* Two windows of one file have a writer each. */
static void raw_windows(void)
{
    Node *a = ram_node_new("a", SIZE, 512);
    Node *one = open_raw(", \"size\": 512", NULL);
    Node *two = open_json("{'driver': 'raw', 'node-name': 'r2', 'file': 'a', "
                          "'offset': 512, 'size': 512}",
                          NULL);
    Root *r1 = disk_attach(one, RW), *r2 = disk_attach(two, RW);

    g_assert_cmpuint(node_child(one, "file")->perm, ==, RW);
    co_disk_fill(r1, 0, 512, 1);
    co_disk_fill(r2, 0, 512, 2);
    co_disk_check(r1, 0, 512, 1);
    co_disk_done(r1, one);
    co_disk_done(r2, two);
    co_node_unref(a);
}

static void raw_errors(void)
{
    Node *a = ram_node_new("a", SIZE, 512);
    Error *err = NULL;

    g_assert_null(open_raw(", \"size\": 513", &err));
    check_error(&err, "Specified size is not multiple of 512");
    g_assert_null(open_raw(", \"offset\": 2097152", &err));
    check_error(&err, "Offset (2097152) cannot be greater than size of the "
                      "containing file (1048576)");
    g_assert_null(open_raw(", \"offset\": 512, \"size\": 1048576", &err));
    check_error(&err, "The sum of offset (512) and size (1048576) has to be "
                      "smaller or equal to the  actual size of the containing "
                      "file (1048576)");
    g_assert_null(open_raw(", \"offset\": -1", &err));
    check_error(&err, "Parameter 'offset' expects a non-negative number below "
                      "2^64");
    g_assert_null(open_json("{\"driver\": \"raw\", \"file\": \"nope\"}", &err));
    check_error(&err, "Cannot find device='nope' nor node-name='nope'");
    g_assert_cmpuint(a->refs, ==, 1);
    co_node_unref(a);
}

/* raw without a window follows its file; a window does not grow. */
static void raw_resize(void)
{
    Node *a = ram_node_new("a", SIZE, 512);
    Node *raw = open_raw("", NULL);
    Root *r = disk_attach(raw, RW | PERM_RESIZE);
    Error *err = NULL;

    g_assert_cmpint(co_root_truncate(r, 2 * SIZE, true, NULL), ==, 0);
    g_assert_cmpuint(root_size_bytes(r), ==, 2 * SIZE);
    g_assert_cmpuint(a->size_bytes, ==, 2 * SIZE);
    co_disk_done(r, raw);
    raw = open_raw(", \"size\": 512", NULL);
    r = disk_attach(raw, RW);
    g_assert_cmpint(co_root_truncate(r, SIZE, true, &err), ==, -ENOTSUP);
    check_error(&err, "Cannot resize fixed-size raw disks");
    co_disk_done(r, raw);
    co_node_unref(a);
}

/* --- names and inheritance ----------------------------------------------- */

static void check_filename(const char *json, const char *filename)
{
    Node *node = open_json(json, NULL);

    g_assert_nonnull(node);
    g_assert_cmpstr(node->filename, ==, filename);
    co_node_unref(node);
}

static void filenames(void)
{
    check_filename("{'driver': 'null-co', 'latency-ns': 1}", "null-co://");
    check_filename("{'driver': 'null-aio', 'latency-ns': 1}", "null-aio://");
    check_filename("{'driver': 'null-aio', 'size': 512}",
                   "json:{\"driver\": \"null-aio\", \"size\": 512}");
    check_filename("{'driver': 'null-co', 'size': 513}",
                   "json:{\"driver\": \"null-co\", \"size\": 513}");
    check_filename("{'driver': 'raw', 'file': {'driver': 'null-co'}}",
                   "null-co://");
    check_filename("{'driver': 'raw', 'file': {'driver': 'null-co', "
                   "'size': 512}}",
                   "json:{\"driver\": \"raw\", \"file\": {\"driver\": "
                   "\"null-co\", \"size\": 512}}");
    check_filename("{'driver': 'raw', 'offset': 0, 'file': {'driver': "
                   "'null-co'}}",
                   "json:{\"offset\": 0, \"driver\": \"raw\", \"file\": "
                   "{\"driver\": \"null-co\"}}");
}

static void inheritance(void)
{
    Node *top = open_json(
        "{'driver': 'raw', 'read-only': true, 'cache': {'no-flush': true}, "
        "'file': {'driver': 'null-co'}}",
        NULL);
    Node *child = node_child(top, "file")->child;

    g_assert_true(child->read_only && child->cache_no_flush);
    g_assert_true(child->discard_unmap);
    g_assert_false(top->discard_unmap);
    g_assert_true(child->name_generated);
    co_node_unref(top);
    g_assert_null(node_next(NULL));
}

static void query(void)
{
    Node *top = open_json("{'driver': 'raw', 'node-name': 'r', 'file': "
                          "{'driver': 'null-co', 'node-name': 'n'}}",
                          NULL);
    BlockDeviceInfo *info = co_node_query(top, QUERY_CHAIN);

    g_assert_cmpstr(info->node_name, ==, "r");
    g_assert_cmpstr(info->drv, ==, "raw");
    g_assert_cmpuint(info->image->virtual_size, ==, 1 * GiB);
    g_assert_true(info->image->has_actual_size);
    g_assert_false(info->image->has_dirty_flag);
    g_assert_null(info->dirty_bitmaps);
    BlockDeviceInfo_free(info);
    g_assert_true(node_next(node_find("n")) == top); /* parents are newer */
    co_node_unref(top);
}

static void null_disk(void)
{
    Node *n = open_json("{'driver': 'null-co', 'size': 513, 'read-zeroes': "
                        "true, 'latency-ns': 1000}",
                        NULL);
    Root *r = disk_attach(n, RW);
    Error *err = NULL;
    BlockStatus st;

    g_assert_cmpuint(root_size_bytes(r), ==, 1024);
    co_disk_fill(r, 1, 1000, 1);
    co_disk_check(r, 0, 1024, 0);
    g_assert_cmpint(co_root_block_status(r, 0, 1024, &st), ==, 0);
    g_assert_true(st.flags & STATUS_ZERO);
    co_disk_done(r, n);
    g_assert_null(open_json("{'driver': 'null-co', 'size': -1}", &err));
    error_free(err);
    err = NULL;
    g_assert_null(
        open_json("{'driver': 'null-co', 'size': 9223372036854775807}", &err));
    check_error(&err, "Could not refresh total sector count: File too large");
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/raw/window", raw_window, run);
    g_test_add_data_func("/raw/windows", raw_windows, run);
    g_test_add_data_func("/raw/errors", raw_errors, run);
    g_test_add_data_func("/raw/resize", raw_resize, run);
    g_test_add_data_func("/null/disk", null_disk, run);
    g_test_add_data_func("/open/filenames", filenames, run);
    g_test_add_data_func("/open/inheritance", inheritance, run);
    g_test_add_data_func("/open/query", query, run);
    return g_test_run();
}
