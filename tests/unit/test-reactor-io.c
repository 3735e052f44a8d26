/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files, sockets, pipes and cancelling on each back end. */
#include "tests/unit/reactor-cases.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;

static int open_file(const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    int fd = io_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
    return fd;
}

static struct iovec area(void *base, size_t bytes)
{
    return (struct iovec){.iov_base = base, .iov_len = bytes};
}

/* --- files --------------------------------------------------------------- */

static void co_file(void *unused)
{
    char head[5], tail[7], out[12];
    struct iovec in[] = {area((void *)"hello", 5), area((void *)", world", 7)};
    struct iovec v[] = {area(head, 5), area(tail, 7)};
    struct iovec one = area(out, 12);
    struct stat st;
    int fd = open_file("file");

    g_assert_cmpint(co_io_pwritev(fd, in, 2, 4096, false), ==, 12);
    g_assert_cmpint(co_io_pwritev(fd, in, 1, 0, true), ==, 5);
    g_assert_cmpint(co_io_preadv(fd, v, 2, 4096), ==, 12);
    g_assert_cmpmem(head, 5, "hello", 5);
    g_assert_cmpmem(tail, 7, ", world", 7);
    /* Short at the end of the file, nothing behind it. */
    g_assert_cmpint(co_io_preadv(fd, &one, 1, 4096 + 5), ==, 7);
    g_assert_cmpint(co_io_preadv(fd, &one, 1, 1 << 20), ==, 0);
    g_assert_cmpint(co_io_fdatasync(fd), ==, 0);
    g_assert_cmpint(co_io_fallocate(fd, 0, 0, 1 << 20), ==, 0);
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 1 << 20);
    io_close(fd);
}

static void co_file_errors(void *unused)
{
    char byte;
    struct iovec v = area(&byte, 1);
    int fd;

    g_assert_cmpint(io_open("/nonexistent/x", O_RDONLY, 0), ==, -ENOENT);
    g_assert_cmpint(co_io_preadv(-1, &v, 1, 0), ==, -EBADF);
    g_assert_cmpint(co_io_fdatasync(-1), ==, -EBADF);
    fd = io_open("/dev/zero", O_RDONLY, 0);
    g_assert_cmpint(co_io_pwritev(fd, &v, 1, 0, false), ==, -EBADF);
    g_assert_cmpint(co_io_fallocate(fd, 0, 0, 1), ==, -EBADF);
    io_close(fd);
    fd = io_open("/dev/full", O_WRONLY, 0);
    g_assert_cmpint(co_io_pwritev(fd, &v, 1, 0, false), ==, -ENOSPC);
    io_close(fd);
}

/* More operations at once than the submission ring has entries. */
#define WRITERS 1000

typedef struct Writer {
    int fd, n;
    CoCount *left;
} Writer;

static void writes(void *opaque)
{
    Writer *w = opaque;
    uint32_t value = w->n, back = 0;
    struct iovec v = area(&value, 4), r = area(&back, 4);

    g_assert_cmpint(co_io_pwritev(w->fd, &v, 1, w->n * 4, false), ==, 4);
    g_assert_cmpint(co_io_preadv(w->fd, &r, 1, w->n * 4), ==, 4);
    g_assert_cmpuint(back, ==, value);
    cocount_dec(w->left);
}

static void co_many(void *unused)
{
    Writer *w = g_new(Writer, WRITERS);
    CoCount left;
    int fd = open_file("many");

    cocount_init(&left);
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (Writer){.fd = fd, .n = i, .left = &left};
        cocount_inc(&left);
        coroutine_start(writes, &w[i]);
    }
    co_count_wait_zero(&left);
    io_close(fd);
    g_free(w);
}

/* --- sockets ------------------------------------------------------------- */

static void make_pair(int fd[2])
{
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), ==,
                    0);
}

typedef struct Peer {
    int fd;
    CoCount *left;
} Peer;

static void echoes(void *opaque)
{
    Peer *p = opaque;
    char buf[1000];
    ssize_t n;

    while ((n = co_io_recv(p->fd, buf, sizeof(buf))) > 0) {
        g_assert_cmpint(co_io_send_all(p->fd, buf, n), ==, 0);
    }
    g_assert_cmpint(n, ==, 0);
    io_close(p->fd);
    cocount_dec(p->left);
}

static void co_echo(void *unused)
{
    int fd[2];
    CoCount left;
    Peer p = {.left = &left};
    char buf[6];
    struct iovec v[] = {area(buf, 2), area(buf + 2, 4)};

    make_pair(fd);
    p.fd = fd[1];
    cocount_init(&left);
    cocount_inc(&left);
    coroutine_start(echoes, &p);
    for (int i = 0; i < 100; i++) {
        g_assert_cmpint(co_io_sendv(fd[0], v, 2, false), ==, 6);
        g_assert_cmpint(co_io_recv_all(fd[0], buf, 6), ==, 0);
    }
    memcpy(buf, "abcdef", 6);
    g_assert_cmpint(co_io_send_all(fd[0], "123456", 6), ==, 0);
    g_assert_cmpint(co_io_recvv(fd[0], v, 2), ==, 6);
    g_assert_cmpmem(buf, 6, "123456", 6);
    shutdown(fd[0], SHUT_WR);
    g_assert_cmpint(co_io_recv_all(fd[0], buf, 1), ==, 1);
    co_count_wait_zero(&left);
    io_close(fd[0]);
}

static void co_peer_gone(void *unused)
{
    int fd[2];
    char buf[10];

    make_pair(fd);
    g_assert_cmpint(co_io_send_all(fd[0], "abc", 3), ==, 0);
    io_close(fd[0]);
    /* In the middle; then at the start; then a write, without a signal. */
    g_assert_cmpint(co_io_recv_all(fd[1], buf, 10), ==, -EPIPE);
    g_assert_cmpint(co_io_recv_all(fd[1], buf, 10), ==, 1);
    g_assert_cmpint(co_io_send_all(fd[1], "abc", 3), ==, -EPIPE);
    io_close(fd[1]);
    g_assert_cmpint(co_io_recv(-1, buf, 1), ==, -EBADF);
}

/* What is no socket and no pipe either: standard input may be anything. */
static void co_odd_streams(void *unused)
{
    char buf[10];
    int fd = io_open("/dev/null", O_RDWR, 0);

    g_assert_cmpint(co_io_recv(fd, buf, 10), ==, 0);
    g_assert_cmpint(co_io_send_all(fd, buf, 10), ==, 0);
    io_close(fd);
    fd = open_file("stream");
    g_assert_cmpint(co_io_send_all(fd, "0123456789", 10), ==, 0);
    g_assert_cmpint(lseek(fd, 5, SEEK_SET), ==, 5);
    g_assert_cmpint(co_io_recv(fd, buf, 10), ==, 5);
    g_assert_cmpint(co_io_recv(fd, buf, 10), ==, 0);
    io_close(fd);
}

/* A reader and a writer wait on one descriptor at the same time. */
static void polls_out(void *opaque)
{
    Peer *p = opaque;

    g_assert_cmpint(co_io_poll(p->fd, POLLOUT) & POLLOUT, ==, POLLOUT);
    cocount_dec(p->left);
}

static void reads_one(void *opaque)
{
    Peer *p = opaque;
    char byte;

    g_assert_cmpint(co_io_recv(p->fd, &byte, 1), ==, 1);
    cocount_dec(p->left);
}

static void co_both_ways(void *unused)
{
    int fd[2];
    CoCount left;
    Peer p = {.left = &left};

    make_pair(fd);
    p.fd = fd[0];
    cocount_init(&left);
    cocount_inc(&left);
    coroutine_start(reads_one, &p);
    cocount_inc(&left);
    coroutine_start(reads_one, &p);
    cocount_inc(&left);
    coroutine_start(polls_out, &p);
    while (left.n > 2) {
        co_reschedule();
    }
    g_assert_cmpint(co_io_send_all(fd[1], "ab", 2), ==, 0);
    co_count_wait_zero(&left);
    io_close(fd[0]);
    io_close(fd[1]);
}

/* --- cancelling ---------------------------------------------------------- */

static void reads_cancelled(void *opaque)
{
    Peer *p = opaque;
    char byte;

    g_assert_cmpint(co_io_recv(p->fd, &byte, 1), ==, -ECANCELED);
    cocount_dec(p->left);
}

static void polls_cancelled(void *opaque)
{
    Peer *p = opaque;

    g_assert_cmpint(co_io_poll(p->fd, POLLIN), ==, -ECANCELED);
    cocount_dec(p->left);
}

static void co_cancel(void *unused)
{
    int fd[2], other[2];
    CoCount left, others;
    Peer p = {.left = &left}, o = {.left = &others};

    make_pair(fd);
    make_pair(other);
    p.fd = fd[0];
    o.fd = other[0];
    cocount_init(&left);
    cocount_init(&others);
    for (int round = 0; round < 3; round++) {
        cocount_inc(&left);
        coroutine_start(reads_cancelled, &p);
        cocount_inc(&left);
        coroutine_start(polls_cancelled, &p);
        cocount_inc(&others);
        coroutine_start(reads_one, &o);
        if (round) { /* else they were never submitted */
            co_sleep_ns(100000);
        }
        io_cancel_fd(p.fd);
        io_cancel_fd(p.fd);
        co_count_wait_zero(&left);
        g_assert_cmpuint(others.n, ==, 1);
        g_assert_cmpint(co_io_send_all(other[1], "x", 1), ==, 0);
        co_count_wait_zero(&others);
    }
    /* Nothing pending: nothing happens. */
    io_cancel_fd(p.fd);
    g_assert_cmpint(co_io_send_all(fd[1], "x", 1), ==, 0);
    cocount_inc(&left);
    reads_one(&p);
    for (int i = 0; i < 2; i++) {
        io_close(fd[i]);
        io_close(other[i]);
    }
}

/* A descriptor is closed and its number used again, with a waiter each. */
static void co_fd_reuse(void *unused)
{
    int fd[2], copy;
    CoCount left;
    Peer p = {.left = &left};

    cocount_init(&left);
    for (int i = 0; i < 20; i++) {
        make_pair(fd);
        p.fd = fd[0];
        cocount_inc(&left);
        coroutine_start(i % 2 ? reads_cancelled : reads_one, &p);
        co_reschedule();
        if (i % 2) {
            io_cancel_fd(fd[0]);
        } else {
            g_assert_cmpint(co_io_send_all(fd[1], "x", 1), ==, 0);
        }
        co_count_wait_zero(&left);
        /* The open file lives on under another number for a while. */
        copy = dup(fd[0]);
        io_close(fd[0]);
        io_close(fd[1]);
        if (i % 3) {
            co_sleep_ns(1000);
        }
        io_close(copy);
    }
}

static const ReactorCase cases[] = {
    {"file", co_file},           {"file-errors", co_file_errors},
    {"many", co_many},           {"echo", co_echo},
    {"peer-gone", co_peer_gone}, {"odd-streams", co_odd_streams},
    {"both-ways", co_both_ways}, {"cancel", co_cancel},
    {"fd-reuse", co_fd_reuse},
};

static void remove_file(const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    unlink(path);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("test-reactor-io-XXXXXX", NULL);
    reactor_cases_add("reactor-io", cases, ARRAY_SIZE(cases), false);
    ret = g_test_run();
    remove_file("file");
    remove_file("many");
    remove_file("stream");
    rmdir(dir);
    g_free(dir);
    return ret;
}
