/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver file, opened from options. */
#include "disk-user.h"
#include "ram-node.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/graph/query.h"
#include "block/graph/root.h"
#include "block/io/io.h"
#include "qapi/qapi-types.h"

#define SIZE (1 * MiB)

static char *dir;

/* A file of @bytes, all holes; the path is the caller's. */
static char *make_file(const char *name, uint64_t bytes)
{
    char *path = g_build_filename(dir, name, NULL);
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, bytes), ==, 0);
    close(fd);
    return path;
}

static off_t file_length(const char *path)
{
    struct stat st;

    g_assert_cmpint(stat(path, &st), ==, 0);
    return st.st_size;
}

static Node *open_file(const char *path, const char *more, Error **errp)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\": \"file\", \"node-name\": \"f\", \"filename\": \"%s\"%s}",
        path, more);

    return open_json(json, errp);
}

/* Holes, data, zeroes and discards as the status tells them. */
static void holes(void)
{
    g_autofree char *path = make_file("holes", SIZE);
    Node *f = open_file(path, ", \"discard\": \"unmap\"", NULL);
    Root *r = disk_attach(f, RW);
    BlockStatus st;

    co_disk_fill(r, 65536, 65536, 7);
    g_assert_cmpint(co_root_block_status(r, 0, SIZE, &st), ==, 0);
    g_assert_true(st.flags & STATUS_ZERO);
    g_assert_false(st.flags & STATUS_DATA);
    g_assert_cmpuint(st.bytes, ==, 65536);
    g_assert_cmpint(co_root_block_status(r, 65536, SIZE, &st), ==, 0);
    g_assert_true(st.flags & STATUS_DATA);
    g_assert_true(st.flags & STATUS_OFFSET);
    g_assert_cmpuint(st.map, ==, 65536);
    g_assert_cmpuint(st.bytes, ==, 65536);
    g_assert_cmpint(co_root_block_status(r, 131072, SIZE, &st), ==, 0);
    g_assert_true(st.flags & STATUS_EOF);
    g_assert_cmpuint(st.bytes, ==, SIZE - 131072);

    g_assert_cmpint(co_root_pdiscard(r, 65536, 32768), ==, 0);
    co_disk_check(r, 65536, 32768, 0);
    co_disk_check(r, 98304, 32768, 7);
    g_assert_cmpint(co_root_pwrite_zeroes(r, 98304, 4096, 0), ==, 0);
    co_disk_check(r, 98304, 4096, 0);
    g_assert_cmpint(co_root_block_status(r, 65536, SIZE, &st), ==, 0);
    g_assert_true(st.flags & STATUS_ZERO);
    g_assert_cmpint(co_root_flush(r), ==, 0);
    g_assert_cmpint(co_node_allocated_bytes(f), <=, 65536);
    co_disk_done(r, f);
    g_unlink(path);
}

static NodeLimits direct_limits(const char *path)
{
    Node *f = open_file(path, ", \"cache\": {\"direct\": true}", NULL);
    NodeLimits limits = {0};

    if (f) {
        limits = f->limits;
        co_node_unref(f);
    }
    return limits;
}

/* What direct I/O wants does not depend on what the file begins with. */
static void direct_align(void)
{
    g_autofree char *path = make_file("align", SIZE);
    NodeLimits hole = direct_limits(path), data;
    Node *f = open_file(path, "", NULL);
    Root *r = disk_attach(f, RW);

    co_disk_fill(r, 0, 65536, 7);
    g_assert_cmpint(co_root_flush(r), ==, 0);
    co_disk_done(r, f);
    data = direct_limits(path);
    g_unlink(path);
    if (!data.request_align) {
        g_test_skip("the file system has no O_DIRECT");
        return;
    }
    g_assert_cmpuint(data.request_align, >=, 512);
    g_assert_cmpuint(hole.request_align, ==, data.request_align);
    g_assert_cmpuint(hole.memory_align, ==, data.memory_align);
}

/* Whichever way the kernel is asked, the answers are the same. */
static void aio(void)
{
    static const char *const ways[] = {
        "\"aio\": \"threads\"",
        "\"aio\": \"threads\", \"cache\": {\"direct\": true}",
        "\"aio\": \"io_uring\"",
        "\"aio\": \"native\", \"cache\": {\"direct\": true}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        g_autofree char *path = make_file("aio", SIZE + 100);
        g_autofree char *more = g_strdup_printf(", %s", ways[i]);
        Node *f = open_file(path, more, NULL);
        uint8_t buf[3000];
        Root *r;

        if (f) {
            r = disk_attach(f, RW);
            memset(buf, 9, sizeof(buf));
            co_disk_fill(r, 512, 100000, 7);
            g_assert_cmpint(co_root_pwrite(r, 1000, 3000, buf, REQ_FUA), ==, 0);
            g_assert_cmpint(co_root_flush(r), ==, 0);
            co_disk_check(r, 0, 512, 0);
            co_disk_check(r, 512, 488, 7);
            co_disk_check(r, 1000, 3000, 9);
            co_disk_check(r, 4000, 512 + 100000 - 4000, 7);
            co_disk_check(r, SIZE, 512, 0); /* beyond the end of the file */
            co_disk_done(r, f);
        }
        g_unlink(path);
    }
}

/* A length that is no multiple of a sector: zeroes up to it, and writes there
 * make the file longer. */
static void odd_length(void)
{
    g_autofree char *path = make_file("odd", 1000);
    Node *f = open_file(path, "", NULL);
    Root *r = disk_attach(f, RW);
    BlockStatus st;

    g_assert_cmpuint(root_size_bytes(r), ==, 1024);
    co_disk_fill(r, 0, 1000, 1);
    co_disk_check(r, 1000, 24, 0);
    g_assert_cmpint(co_root_block_status(r, 512, 512, &st), ==, 0);
    g_assert_true(st.flags & STATUS_DATA);
    g_assert_cmpuint(st.bytes, ==, 512);
    co_disk_fill(r, 1000, 24, 2);
    co_disk_check(r, 1000, 24, 2);
    co_disk_done(r, f);
    g_assert_cmpint(file_length(path), ==, 1024);
    g_unlink(path);
}

static void direct(void)
{
    g_autofree char *path = make_file("direct", SIZE + 512);
    Error *err = NULL;
    Node *f = open_file(path, ", \"cache\": {\"direct\": true}", &err);
    Root *r;

    if (!f) {
        g_assert_nonnull(strstr(error_text(err), "O_DIRECT"));
        error_free(err);
        g_test_skip("the file system has no O_DIRECT");
        return;
    }
    r = disk_attach(f, RW);
    g_assert_cmpuint(f->limits.request_align, >=, 512);
    co_disk_fill(r, 1, 70000, 3);
    co_disk_check(r, 1, 70000, 3);
    co_disk_check(r, 0, 1, 0);
    co_disk_check(r, 70001, 100, 0);
    co_disk_fill(r, SIZE + 500, 12, 4); /* in the last, short block */
    co_disk_check(r, SIZE + 500, 12, 4);
    g_assert_cmpint(co_root_pwrite_zeroes(r, 100, 5000, 0), ==, 0);
    co_disk_check(r, 1, 99, 3);
    co_disk_check(r, 100, 5000, 0);
    co_disk_check(r, 5100, 100, 3);
    co_disk_done(r, f);
    g_assert_cmpint(file_length(path), ==, SIZE + 512);
    g_unlink(path);
}

static void resize(void)
{
    g_autofree char *path = make_file("resize", SIZE);
    Node *f = open_file(path, "", NULL);
    Root *r = disk_attach(f, RW | PERM_RESIZE);

    co_disk_fill(r, SIZE - 512, 512, 5);
    g_assert_cmpint(co_root_truncate(r, 2 * SIZE, true, NULL), ==, 0);
    g_assert_cmpuint(root_size_bytes(r), ==, 2 * SIZE);
    co_disk_check(r, SIZE, SIZE, 0);
    co_disk_fill(r, 2 * SIZE - 1, 1, 6);
    g_assert_cmpint(co_root_truncate(r, SIZE - 512, true, NULL), ==, 0);
    co_disk_done(r, f);
    g_assert_cmpint(file_length(path), ==, SIZE - 512);
    g_unlink(path);
}

static void open_errors(void)
{
    g_autofree char *path = make_file("errors", SIZE);
    g_autofree char *missing = g_build_filename(dir, "missing", NULL);
    g_autofree char *text = g_strdup_printf(
        "Could not open '%s': No such file or directory", missing);
    g_autofree char *is_dir =
        g_strdup_printf("Could not open '%s': Is a directory", dir);
    Error *err = NULL;

    g_assert_null(open_file(missing, "", &err));
    check_error(&err, text);
    g_assert_null(open_file(dir, "", &err));
    check_error(&err, is_dir);
    g_assert_null(open_file("/dev/null", "", &err));
    check_error(&err,
                "'file' driver requires '/dev/null' to be a regular file");
    g_assert_null(open_file("", "", &err));
    check_error(&err, "The 'file' block driver requires a file name");
    g_assert_null(open_file(path, ", \"aio\": \"native\"", &err));
    check_error(&err, "aio=native was specified, but it requires "
                      "cache.direct=on, which was not specified.");
    g_assert_null(open_file(path, ", \"detect-zeroes\": \"unmap\"", &err));
    check_error(&err, "setting detect-zeroes to unmap is not allowed without "
                      "setting discard operation to unmap");
    g_assert_null(open_file(path, ", \"force-share\": true", &err));
    check_error(&err, "force-share=on can only be used with read-only images");
    g_unlink(path);
}

/* auto-read-only: opened for writing when somebody writes. */
static void auto_read_only(void)
{
    g_autofree char *path = make_file("auto", SIZE);
    Node *f = open_file(path, ", \"auto-read-only\": true", NULL);
    Root *reader = disk_attach(f, PERM_CONSISTENT_READ), *writer;
    Error *err = NULL;

    co_disk_check(reader, 0, 512, 0);
    writer = disk_attach(f, RW);
    co_disk_fill(writer, 0, 512, 1);
    co_disk_check(reader, 0, 512, 1);
    g_assert_cmpint(co_root_flush(writer), ==, 0);
    co_root_detach(writer);
    root_free(writer);
    co_disk_done(reader, f);

    f = open_file(path, ", \"auto-read-only\": true", NULL);
    g_unlink(path);
    writer = root_new("root", NULL, NULL);
    g_assert_false(root_attach(writer, f, RW, PERM_ALL, &err));
    g_assert_nonnull(strstr(error_text(err), "No such file"));
    error_free(err);
    root_free(writer);
    co_node_unref(f);
}

static void read_only(void)
{
    g_autofree char *path = make_file("ro", SIZE);
    Node *f = open_file(path, ", \"read-only\": true", NULL);
    Root *r = root_new("root", NULL, NULL);
    Error *err = NULL;

    g_assert_false(root_attach(r, f, RW, PERM_ALL, &err));
    check_error(&err, "Block node is read-only");
    root_free(r);
    co_node_unref(f);
    g_unlink(path);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("tidemark-XXXXXX", NULL);
    g_test_add_data_func("/file/holes", holes, run);
    g_test_add_data_func("/file/odd-length", odd_length, run);
    g_test_add_data_func("/file/aio", aio, run);
    g_test_add_data_func("/file/direct", direct, run);
    g_test_add_data_func("/file/direct-align", direct_align, run);
    g_test_add_data_func("/file/resize", resize, run);
    g_test_add_data_func("/file/open-errors", open_errors, run);
    g_test_add_data_func("/file/auto-read-only", auto_read_only, run);
    g_test_add_data_func("/file/read-only", read_only, run);
    ret = g_test_run();
    g_rmdir(dir);
    g_free(dir);
    return ret;
}
