/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Much through sockets and pipes, which takes it in pieces. */
#include "tests/unit/reactor-cases.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct iovec area(void *base, size_t bytes)
{
    return (struct iovec){.iov_base = base, .iov_len = bytes};
}

static void make_pair(int fd[2])
{
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), ==,
                    0);
}

typedef struct Peer {
    int fd;
    bool apart; /* co_io_sendv_apart */
    CoCount *left;
} Peer;

/* Far more than a socket buffers, so that both sides wait in turn. */
#define BULK (4 * MiB)

COROUTINE_ONLY
static void co_send_apart(int fd, uint8_t *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        size_t half = DIV_ROUND_UP(bytes - done, 2);
        struct iovec v[] = {area(data + done, half),
                            area(data + done + half, bytes - done - half)};
        ssize_t n = co_io_sendv_apart(fd, v, ARRAY_SIZE(v));

        g_assert_cmpint(n, >, 0);
        done += n;
    }
}

static void sends_bulk(void *opaque)
{
    Peer *p = opaque;
    uint8_t *data = g_malloc(BULK);

    for (size_t i = 0; i < BULK; i++) {
        data[i] = i * 31 >> 7;
    }
    if (p->apart) {
        co_send_apart(p->fd, data, BULK);
    } else {
        g_assert_cmpint(co_io_send_all(p->fd, data, BULK), ==, 0);
    }
    g_free(data);
    io_close(p->fd);
    cocount_dec(p->left);
}

static void receive_bulk(int fd)
{
    uint8_t *data = g_malloc0(BULK);

    g_assert_cmpint(co_io_recv_all(fd, data, BULK), ==, 0);
    for (size_t i = 0; i < BULK; i++) {
        g_assert_true(data[i] == (uint8_t)(i * 31 >> 7));
    }
    g_assert_cmpint(co_io_recv_all(fd, data, 1), ==, 1);
    g_free(data);
}

static void bulk_over(int from, int to, bool apart)
{
    CoCount left;
    Peer p = {.fd = from, .apart = apart, .left = &left};

    cocount_init(&left);
    cocount_inc(&left);
    coroutine_start(sends_bulk, &p);
    receive_bulk(to);
    co_count_wait_zero(&left);
    io_close(to);
}

static void co_bulk(void *unused)
{
    int fd[2];

    make_pair(fd);
    bulk_over(fd[0], fd[1], false);
}

static void co_bulk_apart(void *unused)
{
    int fd[2];

    make_pair(fd);
    bulk_over(fd[0], fd[1], true);
    make_pair(fd);
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    bulk_over(fd[0], fd[1], true);
    g_assert_cmpint(pipe2(fd, O_CLOEXEC), ==, 0);
    bulk_over(fd[1], fd[0], true);
}

/* Descriptors that somebody made non-blocking before we got them. */
static void co_bulk_nonblock(void *unused)
{
    int fd[2];

    make_pair(fd);
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
    bulk_over(fd[0], fd[1], false);
}

static void co_bulk_pipe(void *unused)
{
    int fd[2];

    g_assert_cmpint(pipe2(fd, O_CLOEXEC), ==, 0);
    bulk_over(fd[1], fd[0], false);
}

static void co_bulk_pipe_nonblock(void *unused)
{
    int fd[2];

    g_assert_cmpint(pipe2(fd, O_CLOEXEC | O_NONBLOCK), ==, 0);
    bulk_over(fd[1], fd[0], false);
}

static const ReactorCase cases[] = {
    {"bulk", co_bulk},
    {"bulk-nonblock", co_bulk_nonblock},
    {"bulk-pipe", co_bulk_pipe},
    {"bulk-pipe-nonblock", co_bulk_pipe_nonblock},
    {"bulk-apart", co_bulk_apart},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    reactor_cases_add("reactor-bulk", cases, ARRAY_SIZE(cases), false);
    return g_test_run();
}
