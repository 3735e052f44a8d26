/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the file driver sends to the disk before anybody flushes: data that its
 * writer said to flush soon, when enough of it lies together, and nothing else.
 * The kernel's call is one of this program's, which writes down what it is
 * asked.
 */
#include "ram-node.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "block/graph/format.h"
#include "block/graph/root.h"
#include "block/io/io.h"
#include "qapi/qapi-types.h"
#include "util/reactor/backend.h"

#define SIZE_BYTES (256 * MiB)
#define PIECE_BYTES (1 * MiB)

static char *path;
static bool in_memory;
static unsigned calls;
static uint64_t sent_start, sent_end; /* by the last call */

/* In place of the C library's; on a worker thread, which is waited for. */
int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags)
{
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDWR);
    g_assert_cmpuint(flags, ==, SYNC_FILE_RANGE_WRITE);
    calls++;
    sent_start = (uint64_t)offset;
    sent_end = (uint64_t)(offset + bytes);
    errno = EIO; /* is the flush's to tell */
    return -1;
}

static bool is_in_memory(int fd)
{
    return in_memory;
}

typedef struct Case {
    const char *more; /* options */
    ReqFlags flags;
    bool in_memory;
    bool qcow2; /* in an image: where its clusters lie is its own matter */
    unsigned order[16]; /* pieces to write; as many as are there */
    unsigned n;
    unsigned calls;
    unsigned first, end; /* pieces of the last call */
} Case;

static const Case cases[] = {
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .order = {0, 1, 2, 3, 4, 5, 6},
     .n = 7},
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .order = {0, 1, 2, 3, 4, 5, 6, 7, 8},
     .n = 9,
     .calls = 1,
     .first = 0,
     .end = 8},
    /* Several at once end in any order; holes are left out. */
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .order = {12, 10, 13, 11, 20, 21, 19, 18},
     .n = 8,
     .calls = 1,
     .first = 10,
     .end = 22},
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .order = {0, 1, 2, 3, 4, 5, 6, 7, 9, 8, 10, 11, 12, 13, 14, 15},
     .n = 16,
     .calls = 2,
     .first = 8,
     .end = 16},
    /* All over the disk */
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .order = {0, 100, 50, 200, 1, 101, 51, 201, 2, 102, 52, 202},
     .n = 12},
    /* Begins again where it went on */
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .order = {0, 1, 2, 100, 101, 102, 103, 104, 105, 106, 107},
     .n = 11,
     .calls = 1,
     .first = 100,
     .end = 108},
    {.more = "", .flags = 0, .order = {0, 1, 2, 3, 4, 5, 6, 7}, .n = 8},
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .in_memory = true,
     .order = {0, 1, 2, 3, 4, 5, 6, 7},
     .n = 8},
    {.more = ", \"cache\": {\"no-flush\": true}",
     .flags = REQ_FLUSHED_SOON,
     .order = {0, 1, 2, 3, 4, 5, 6, 7},
     .n = 8},
    {.more = ", \"cache\": {\"direct\": true}",
     .flags = REQ_FLUSHED_SOON,
     .order = {0, 1, 2, 3, 4, 5, 6, 7},
     .n = 8},
    {.more = "",
     .flags = REQ_FLUSHED_SOON,
     .qcow2 = true,
     .order = {0, 1, 2, 3, 4, 5, 6, 7, 8},
     .n = 9,
     .calls = 1,
     .end = 8},
    {.more = "",
     .flags = 0,
     .qcow2 = true,
     .order = {0, 1, 2, 3, 4, 5, 6, 7, 8},
     .n = 9},
};

static void write_pieces(const Case *c, Root *root)
{
    g_autofree uint8_t *buf = g_malloc(PIECE_BYTES);

    for (unsigned i = 0; i < c->n; i++) {
        memset(buf, (int)c->order[i] + 1, PIECE_BYTES);
        g_assert_cmpint(co_root_pwrite(root, c->order[i] * (uint64_t)MiB,
                                       PIECE_BYTES, buf, c->flags),
                        ==, 0);
    }
    g_assert_cmpint(co_root_flush(root), ==, 0);
}

/* An image in @file, whose reference it takes. */
COROUTINE_ONLY static Node *co_image(Node *file)
{
    BlockdevRef ref = {.kind = BLOCKDEV_REF_KIND_REFERENCE,
                       .u.reference = (char *)node_name(file)};
    BlockdevCreateOptions options = {
        .driver = BLOCKDEV_DRIVER_QCOW2,
        .u.qcow2 = {.file = &ref, .size = SIZE_BYTES},
    };
    Error *err = NULL;
    Node *image;

    g_assert_true(driver_find("qcow2")->format->co_create(&options, &err));
    image = open_json("{'driver': 'qcow2', 'file': 'f'}", &err);
    g_assert_null(err);
    co_node_unref(file);
    return image;
}

static void co_case(void *opaque)
{
    const Case *c = opaque;
    Error *err = NULL;
    Root *root = root_new("root", NULL, NULL);
    g_autofree char *json = g_strdup_printf(
        "{\"driver\": \"file\", \"node-name\": \"f\", \"filename\": \"%s\"%s}",
        path, c->more);
    Node *node;

    co_graph_lock();
    node = open_json(json, &err);
    g_assert_null(err);
    if (c->qcow2) {
        node = co_image(node);
    }
    g_assert_true(
        root_attach(root, node, PERM_WRITE | PERM_RESIZE, PERM_ALL, &err));
    graph_unlock();
    write_pieces(c, root);
    co_graph_lock();
    co_root_detach(root);
    root_free(root);
    co_node_unref(node);
    graph_unlock();
}

static void make_file(void)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, SIZE_BYTES), ==, 0);
    close(fd);
}

static bool takes_direct(void)
{
    int fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void test_case(gconstpointer data)
{
    const Case *c = data;
    ReactorSys sys = reactor_sys_posix;
    ReactorBackend backend = reactor_backend_epoll;
    Case copy = *c;
    Reactor *r;

    make_file();
    if (strstr(c->more, "direct") && !takes_direct()) {
        g_test_skip("the file system has no O_DIRECT");
        return;
    }
    calls = 0;
    in_memory = c->in_memory;
    sys.in_memory = is_in_memory;
    backend.sys = &sys;
    r = reactor_new_with(&backend, NULL);
    reactor_run_coroutine(co_case, &copy);
    reactor_free(r);
    g_assert_cmpuint(calls, ==, c->calls);
    if (calls) {
        uint64_t start = c->qcow2 ? sent_start : c->first * (uint64_t)MiB;

        g_assert_cmpuint(sent_start, ==, start);
        g_assert_cmpuint(sent_end - start, ==, (c->end - c->first) * MiB);
    }
}

int main(int argc, char **argv)
{
    char *dir;
    int ret;

    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("tidemark-writeback-XXXXXX", NULL);
    path = g_build_filename(dir, "disk", NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autofree char *name = g_strdup_printf("/file-writeback/%u", i);

        g_test_add_data_func(name, &cases[i], test_case);
    }
    ret = g_test_run();
    g_unlink(path);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
    return ret;
}
