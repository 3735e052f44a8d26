/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connecting to servers, with the error texts of qemu-storage-daemon 7.2
 * (found by running it).
 *
 * Invariant: pending->fd names a socket only while this file waits for it, so
 * whoever cancels never hits a descriptor that is somebody else's by now.
 */
#include "util/reactor/net-int.h"

#include <poll.h>

/* How often and how long to wait for a unix server whose queue of waiting
 * connections is full: the kernel has no way to wait for that. */
#define UNIX_RETRIES 100
#define UNIX_RETRY_NS INT64_C(10000000)

COROUTINE_ONLY
static int co_wait_connected(int fd, IoPending *pending)
{
    int ret;

    if (pending->given_up) {
        return -ECANCELED;
    }
    pending->fd = fd;
    ret = co_io_poll(fd, POLLOUT);
    pending->fd = -1;
    return ret < 0 ? ret : reactor_sys()->connect_result(fd);
}

/* Connects a new socket of @family to @addr; fd or -errno. */
COROUTINE_ONLY
static int co_connect(int family, const struct sockaddr *addr, socklen_t bytes,
                      IoPending *pending)
{
    const ReactorSys *sys = reactor_sys();
    int fd = sys->socket(family), ret;

    if (fd < 0) {
        return fd;
    }
    ret = sys->connect(fd, addr, bytes);
    for (int i = 0; ret == -EAGAIN && i < UNIX_RETRIES && !pending->given_up;
         i++) {
        co_sleep_ns(UNIX_RETRY_NS);
        ret = sys->connect(fd, addr, bytes);
    }
    if (ret == -EINPROGRESS) {
        ret = co_wait_connected(fd, pending);
    }
    if (ret) {
        sys->close(fd);
        return ret;
    }
    return fd;
}

socklen_t net_make_abstract(struct sockaddr_un *addr, const char *name,
                            bool padded)
{
    size_t n = strlen(name);

    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(addr->sun_path + 1, name, n);
    return padded ? sizeof(*addr)
                  : offsetof(struct sockaddr_un, sun_path) + 1 + n;
}

COROUTINE_ONLY
static int co_connect_path(const IoAddress *to, IoPending *pending,
                           Error **errp)
{
    struct sockaddr_un addr;
    socklen_t bytes = sizeof(addr);
    int fd;

    if (!net_unix_address(to->path, &addr, errp)) {
        return -1;
    }
    if (to->abstract) {
        bytes = net_make_abstract(&addr, to->path, to->padded);
    }
    fd = co_connect(AF_UNIX, (struct sockaddr *)&addr, bytes, pending);
    if (fd < 0) {
        error_set_errno(errp, -fd, "Failed to connect to '%s'", to->path);
        return -1;
    }
    return fd;
}

COROUTINE_ONLY
static int co_connect_found(const struct addrinfo *ai, IoPending *pending)
{
    int fd = -EAFNOSUPPORT;

    for (; ai && fd < 0 && fd != -ECANCELED; ai = ai->ai_next) {
        fd = co_connect(ai->ai_family, ai->ai_addr, ai->ai_addrlen, pending);
    }
    return fd;
}

COROUTINE_ONLY
static int co_connect_host(const IoAddress *to, IoPending *pending,
                           Error **errp)
{
    const ReactorSys *sys = reactor_sys();
    NetResolve res = {
        .sys = sys,
        .host = to->host,
        .port = to->port,
        .hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG},
    };
    int fd;

    if (!net_choose_family(to->ipv4, to->ipv6, &res.hints.ai_family, errp)) {
        return -1;
    }
    if (to->numeric) {
        res.hints.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    }
    co_worker_run(net_resolve_run, &res);
    if (!net_resolve_check(&res, to->host, to->port, errp)) {
        return -1;
    }
    fd = co_connect_found(res.found, pending);
    sys->resolve_free(res.found);
    if (fd < 0) {
        error_set_errno(errp, -fd, "Failed to connect to '%s:%s'", to->host,
                        to->port);
        return -1;
    }
    if (to->keep_alive) {
        /* Without it a peer that is gone is noticed later; no more. */
        sys->set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    return fd;
}

void io_give_up(IoPending *pending)
{
    pending->given_up = true;
    if (pending->fd >= 0) {
        io_cancel_fd(pending->fd);
    }
}

int co_io_connect(const IoAddress *addr, IoPending *pending, Error **errp)
{
    IoPending own = {.fd = -1};

    pending = pending ? pending : &own;
    return addr->path ? co_connect_path(addr, pending, errp)
                      : co_connect_host(addr, pending, errp);
}

int co_io_connect_unix(const char *path, Error **errp)
{
    IoAddress addr = {.path = path};

    return co_io_connect(&addr, NULL, errp);
}

int co_io_connect_inet(const char *host, const char *port, Error **errp)
{
    IoAddress addr = {.host = host, .port = port, .ipv4 = -1, .ipv6 = -1};

    return co_io_connect(&addr, NULL, errp);
}
