/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel behind ReactorSys: clocks, random numbers, opening, sockets. The
 * only file of the product that makes these calls.
 */
#include "util/reactor/backend.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* The value of a system call as 0..., or -errno. */
static ssize_t result(ssize_t ret)
{
    return ret < 0 ? -errno : ret;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;

    if (clock_gettime(clock, &ts)) {
        abort();
    }
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int64_t posix_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static int64_t posix_wall_clock_us(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000;
}

static void posix_random(void *buf, size_t bytes)
{
    char *p = buf;

    while (bytes) {
        ssize_t n = getrandom(p, bytes, 0);

        if (n < 0 && errno != EINTR) {
            g_error("no random numbers: %s", strerror(errno));
        }
        if (n > 0) {
            p += n;
            bytes -= n;
        }
    }
}

static int posix_open(const char *path, int flags, unsigned mode)
{
    int ret;

    do {
        ret = open(path, flags | O_CLOEXEC, mode);
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

static void posix_close(int fd)
{
    /* Linux closes the descriptor even where it reports EINTR. */
    close(fd);
}

static bool posix_in_memory(int fd)
{
    struct statfs fs;
    struct stat st;

    /* The name of a block device lies in a tmpfs; its data does not. */
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           fstatfs(fd, &fs) == 0 &&
           (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static ssize_t posix_memory_preadv(int fd, const struct iovec *v, unsigned n,
                                   uint64_t offset_bytes)
{
    ssize_t ret;

    do {
        ret = preadv(fd, v, n, (off_t)offset_bytes);
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

static ssize_t posix_memory_pwritev(int fd, const struct iovec *v, unsigned n,
                                    uint64_t offset_bytes)
{
    ssize_t ret;

    do {
        ret = pwritev(fd, v, n, (off_t)offset_bytes);
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

static ssize_t posix_recvmsg(int fd, struct msghdr *msg)
{
    ssize_t ret;

    do {
        ret = recvmsg(fd, msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

static ssize_t posix_sendmsg(int fd, const struct msghdr *msg, bool more)
{
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t ret;

    do {
        ret = sendmsg(fd, msg, flags);
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

static ssize_t posix_readv(int fd, const struct iovec *v, unsigned n)
{
    ssize_t ret;

    do {
        ret = readv(fd, v, n);
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

/* A pipe that is ready takes PIPE_BUF bytes without blocking, and no more
 * than that is certain. */
static ssize_t posix_writev(int fd, const struct iovec *v, unsigned n)
{
    ssize_t ret;
    size_t i = 0;

    while (i < n && v[i].iov_len == 0) {
        i++;
    }
    if (i == n) {
        return 0;
    }
    do {
        ret = write(fd, v[i].iov_base, MIN(v[i].iov_len, PIPE_BUF));
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

static int posix_socket(int domain)
{
    return result(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int posix_bind(int fd, const struct sockaddr *addr, socklen_t bytes)
{
    return result(bind(fd, addr, bytes));
}

static int posix_listen(int fd, int backlog)
{
    return result(listen(fd, backlog));
}

/* Sets or clears O_NONBLOCK. */
static int set_nonblock(int fd, bool on)
{
    int old = fcntl(fd, F_GETFL);
    int new = on ? old | O_NONBLOCK : old & ~O_NONBLOCK;

    if (old < 0 || (new != old &&fcntl(fd, F_SETFL, new))) {
        return -errno;
    }
    return 0;
}

static int posix_accept(int fd)
{
    /* Another process may take the connection between poll and accept, so
     * an inherited socket must not block either. */
    int ret = set_nonblock(fd, true);

    if (ret) {
        return ret;
    }
    do {
        ret = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    } while (ret < 0 && errno == EINTR);
    return result(ret);
}

static int posix_connect(int fd, const struct sockaddr *addr, socklen_t bytes)
{
    int ret = set_nonblock(fd, true), undo;

    if (ret) {
        return ret;
    }
    ret = result(connect(fd, addr, bytes));
    undo = set_nonblock(fd, false);
    return ret == -EINTR ? -EINPROGRESS : ret ? ret : undo;
}

static int posix_connect_result(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes)) {
        return -errno;
    }
    return -error;
}

static int posix_local_address(int fd, struct sockaddr_storage *addr)
{
    socklen_t bytes = sizeof(*addr);

    return result(getsockname(fd, (struct sockaddr *)addr, &bytes));
}

static int posix_set_option(int fd, int level, int option, int value)
{
    return result(setsockopt(fd, level, option, &value, sizeof(value)));
}

static void posix_shutdown(int fd)
{
    shutdown(fd, SHUT_RDWR);
}

static int posix_resolve(const char *host, const char *port,
                         const struct addrinfo *hints, struct addrinfo **found)
{
    return getaddrinfo(host, port, hints, found);
}

static void posix_resolve_free(struct addrinfo *found)
{
    freeaddrinfo(found);
}

static int posix_unix_probe(const char *path)
{
    struct stat st;

    if (lstat(path, &st)) {
        return -errno;
    }
    return S_ISREG(st.st_mode) && st.st_size;
}

static int posix_unlink(const char *path)
{
    return result(unlink(path));
}

static int posix_send_datagram(const struct sockaddr *addr,
                               socklen_t addr_bytes, const void *data,
                               size_t bytes)
{
    const struct timeval patience = {.tv_sec = 1};
    int fd = socket(addr->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t ret;

    if (fd < 0) {
        return -errno;
    }
    ret = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (!ret) {
        do {
            ret = sendto(fd, data, bytes, MSG_NOSIGNAL, addr, addr_bytes);
        } while (ret < 0 && errno == EINTR);
    }
    ret = ret < 0 ? -errno : 0;
    close(fd);
    return ret;
}

const ReactorSys reactor_sys_posix = {
    .now_ns = posix_now_ns,
    .wall_clock_us = posix_wall_clock_us,
    .random = posix_random,
    .open = posix_open,
    .close = posix_close,
    .in_memory = posix_in_memory,
    .memory_preadv = posix_memory_preadv,
    .memory_pwritev = posix_memory_pwritev,
    .recvmsg = posix_recvmsg,
    .sendmsg = posix_sendmsg,
    .readv = posix_readv,
    .writev = posix_writev,
    .socket = posix_socket,
    .bind = posix_bind,
    .listen = posix_listen,
    .accept = posix_accept,
    .connect = posix_connect,
    .connect_result = posix_connect_result,
    .local_address = posix_local_address,
    .set_option = posix_set_option,
    .shutdown = posix_shutdown,
    .resolve = posix_resolve,
    .resolve_free = posix_resolve_free,
    .unix_probe = posix_unix_probe,
    .unlink = posix_unlink,
    .send_datagram = posix_send_datagram,
};
