/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The lowest descriptor that is free: it moves if one was left open. */
static int free_descriptor(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

void fuzz_run(CoroutineEntry *entry, const uint8_t *data, size_t bytes)
{
    static Reactor *reactor;
    FuzzInput input = {data, bytes};
    unsigned coroutines;
    int fd;

    if (!reactor) {
        reactor = reactor_new(REACTOR_AUTO, NULL);
        g_assert_nonnull(reactor);
    }
    fd = free_descriptor();
    coroutines = coroutine_count();
    reactor_run_coroutine(entry, &input);
    g_assert_cmpuint(coroutine_count(), ==, coroutines);
    g_assert_cmpint(free_descriptor(), ==, fd);
}

void fuzz_broken(const char *text)
{
    fprintf(stderr, "%s\n", text);
    abort();
}

static void co_peer(void *opaque)
{
    FuzzPeer *peer = opaque;
    static char buf[64 << 10];
    ssize_t n;

    while ((n = co_io_recv(peer->fd, buf, sizeof(buf))) > 0) {
        if (peer->sink) {
            peer->sink(peer->opaque, buf, n);
        }
    }
    io_close(peer->fd);
    peer->ended = true;
    coqueue_wake_all(&peer->end);
}

void fuzz_peer_start(FuzzPeer *peer, int fd, const FuzzInput *input)
{
    size_t bytes = MIN(input->bytes, FUZZ_MAX_BYTES);

    g_assert_cmpint(send(fd, input->data, bytes, MSG_NOSIGNAL), ==, bytes);
    g_assert_cmpint(shutdown(fd, SHUT_WR), ==, 0);
    peer->fd = fd;
    peer->ended = false;
    coqueue_init(&peer->end);
    coroutine_wake(coroutine_create(co_peer, peer));
}

int fuzz_peer_pair(FuzzPeer *peer, const FuzzInput *input)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==,
                    0);
    fuzz_peer_start(peer, fds[1], input);
    return fds[0];
}

void co_fuzz_peer_wait(FuzzPeer *peer)
{
    while (!peer->ended) {
        co_queue_wait(&peer->end);
    }
}
