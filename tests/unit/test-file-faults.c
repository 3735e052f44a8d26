/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file driver when the kernel refuses: each call that a session makes -
 * opens, transfers, syncs, whatever a worker does - fails in turn, with each
 * of several errors. Whatever fails, nothing hangs, nothing is left, and what
 * was reported as written is there.
 */
#include "ram-node.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "block/graph/root.h"
#include "block/io/io.h"
#include "util/reactor/backend.h"

#define SIZE (256 * KiB)
#define BLOCK 4096
#define WRITES 3
/* Far more calls than a session makes. */
#define CALLS_MAX 500

static char *path;

/* --- the kernel that refuses --------------------------------------------- */

static const ReactorBackend *kernel; /* the one that works */
static unsigned calls, failing_call;
static int failure; /* positive errno */
static bool refused;

static bool fails_now(void)
{
    bool fails = ++calls == failing_call;

    refused |= fails;
    return fails;
}

static int faulty_open(const char *name, int flags, unsigned mode)
{
    return fails_now() ? -failure : reactor_sys_posix.open(name, flags, mode);
}

static ssize_t faulty_preadv(int fd, const struct iovec *v, unsigned n,
                             uint64_t offset)
{
    return fails_now() ? -failure
                       : reactor_sys_posix.memory_preadv(fd, v, n, offset);
}

static ssize_t faulty_pwritev(int fd, const struct iovec *v, unsigned n,
                              uint64_t offset)
{
    return fails_now() ? -failure
                       : reactor_sys_posix.memory_pwritev(fd, v, n, offset);
}

static void faulty_submit(void *state, IoOp *op)
{
    if (fails_now()) {
        io_op_complete(op, -failure);
    } else {
        kernel->submit(state, op);
    }
}

static int64_t worker_fails(void *arg)
{
    return -failure;
}

static void faulty_worker(WorkerJob *job)
{
    if (fails_now()) {
        job->fn = worker_fails;
    }
    kernel->worker_start(job);
}

/* --- a session ----------------------------------------------------------- */

typedef struct Session {
    const char *more;     /* options */
    bool written[WRITES]; /* reported as done */
    bool flushed;
} Session;

static void fill(uint8_t *buf, unsigned i)
{
    memset(buf, 'a' + i, BLOCK);
}

static void write_blocks(Session *s, Root *root)
{
    uint8_t buf[BLOCK];

    for (unsigned i = 0; i < WRITES; i++) {
        fill(buf, i);
        s->written[i] =
            co_root_pwrite(root, i * BLOCK, BLOCK, buf, i ? 0 : REQ_FUA) == 0;
    }
    s->flushed = co_root_flush(root) == 0;
}

/* A read that succeeds tells the truth. */
static void read_blocks(const Session *s, Root *root)
{
    uint8_t buf[BLOCK], expected[BLOCK];

    for (unsigned i = 0; i < WRITES; i++) {
        if (co_root_pread(root, i * BLOCK, BLOCK, buf) == 0 && s->written[i]) {
            fill(expected, i);
            g_assert_cmpmem(buf, BLOCK, expected, BLOCK);
        }
    }
}

static void other_requests(const Session *s, Root *root)
{
    BlockStatus status;

    if (co_root_block_status(root, 0, SIZE, &status) == 0) {
        g_assert_cmpuint(status.bytes, >, 0);
        g_assert_false(s->written[0] && (status.flags & STATUS_ZERO));
    }
    if (co_root_pwrite_zeroes(root, 64 * KiB, 64 * KiB, 0) == 0) {
        uint8_t buf[BLOCK];

        if (co_root_pread(root, 64 * KiB, BLOCK, buf) == 0) {
            g_assert_cmpuint(buf[0], ==, 0);
        }
    }
    co_root_pdiscard(root, 128 * KiB, 64 * KiB);
}

static void resize(Node *node)
{
    Error *err = NULL;
    bool ok = co_node_resize(node, 2 * SIZE, &err);

    g_assert_cmpint(ok, ==, !err);
    g_assert_true(ok || node->size_bytes == SIZE);
    error_free(err);
}

static void co_session(void *opaque)
{
    Session *s = opaque;
    Error *err = NULL;
    Root *root;
    Node *node;
    g_autofree char *json = g_strdup_printf(
        "{\"driver\": \"file\", \"node-name\": \"f\", \"filename\": \"%s\","
        " \"discard\": \"unmap\"%s}",
        path, s->more);

    co_graph_lock();
    node = open_json(json, &err);
    g_assert_cmpint(node != NULL, ==, !err);
    if (node) {
        root = root_new("root", NULL, NULL);
        if (root_attach(root, node,
                        PERM_CONSISTENT_READ | PERM_WRITE | PERM_RESIZE,
                        PERM_ALL, &err)) {
            graph_unlock();
            write_blocks(s, root);
            read_blocks(s, root);
            other_requests(s, root);
            co_graph_lock();
            resize(node);
            co_root_detach(root);
        }
        root_free(root);
        co_node_unref(node);
    }
    graph_unlock();
    error_free(err);
}

/* --- oracles ------------------------------------------------------------- */

static void make_file(void)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, SIZE), ==, 0);
    close(fd);
}

static int free_descriptor(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

static void check_file(const Session *s)
{
    g_autofree char *data = NULL;
    uint8_t expected[BLOCK];
    gsize bytes;

    g_assert_true(g_file_get_contents(path, &data, &bytes, NULL));
    g_assert_true(bytes == SIZE || bytes == 2 * SIZE);
    for (unsigned i = 0; i < WRITES; i++) {
        if (s->written[i]) {
            fill(expected, i);
            g_assert_cmpmem(data + i * BLOCK, BLOCK, expected, BLOCK);
        }
    }
}

static void run_session(const char *more)
{
    ReactorSys sys = reactor_sys_posix;
    ReactorBackend backend = *kernel;
    Session s = {.more = more};
    Reactor *r;
    int fd;

    sys.open = faulty_open;
    sys.memory_preadv = faulty_preadv;
    sys.memory_pwritev = faulty_pwritev;
    backend.sys = &sys;
    backend.submit = faulty_submit;
    backend.worker_start = faulty_worker;
    calls = 0;
    refused = false;
    make_file();
    fd = free_descriptor();
    r = reactor_new_with(&backend, NULL);
    g_assert_nonnull(r);
    reactor_run_coroutine(co_session, &s);
    g_assert_null(node_next(NULL));
    g_assert_cmpuint(coroutine_count(), ==, 0);
    reactor_free(r);
    g_assert_cmpint(free_descriptor(), ==, fd);
    check_file(&s);
    if (!refused) {
        g_assert_true(s.written[0] && s.written[1] && s.flushed);
    }
}

static void try_all(const char *more)
{
    static const int failures[] = {EIO,    ENOSPC, EACCES,     EINVAL,
                                   ENOMEM, EAGAIN, EOPNOTSUPP, EDQUOT};

    for (unsigned i = 0; i < ARRAY_SIZE(failures); i++) {
        failure = failures[i];
        failing_call = 0;
        do {
            failing_call++;
            g_assert_cmpuint(failing_call, <, CALLS_MAX);
            run_session(more);
        } while (refused);
        /* Each kind of call was there to fail. */
        g_assert_cmpuint(failing_call, >, 8);
    }
}

static void test_epoll(gconstpointer more)
{
    kernel = &reactor_backend_epoll;
    try_all(more);
}

static void test_io_uring(gconstpointer more)
{
    Reactor *r = reactor_new(REACTOR_IO_URING, NULL);

    if (!r) {
        g_test_skip("the kernel allows no io_uring");
        return;
    }
    reactor_free(r);
    kernel = &reactor_backend_io_uring;
    try_all(more);
}

int main(int argc, char **argv)
{
    char *dir;
    int ret;

    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("tidemark-faults-XXXXXX", NULL);
    path = g_build_filename(dir, "disk", NULL);
    g_test_add_data_func("/file-faults/threads", "", test_epoll);
    g_test_add_data_func("/file-faults/threads-direct",
                         ", \"cache\": {\"direct\": true}", test_epoll);
    g_test_add_data_func("/file-faults/io-uring", ", \"aio\": \"io_uring\"",
                         test_io_uring);
    g_test_add_data_func("/file-faults/io-uring-direct",
                         ", \"aio\": \"io_uring\","
                         " \"cache\": {\"direct\": true}",
                         test_io_uring);
    ret = g_test_run();
    g_unlink(path);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
    return ret;
}
