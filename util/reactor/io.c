/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The co_io_ functions: files go straight to the back end; sockets are tried
 * without waiting first, since under load the data is mostly there.
 *
 * What is not a socket (pipe, terminal, /dev/null) is waited for with a poll
 * and then read or written directly.
 */
#include "util/reactor/backend.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* --- files -------------------------------------------------------------- */

COROUTINE_ONLY
static int64_t co_file_op(IoOp *op)
{
    int64_t ret;

    do {
        op->done = false;
        ret = co_io_op(op);
    } while (ret == -EINTR && !op->cancel_asked);
    return ret == -EINTR ? -ECANCELED : ret;
}

COROUTINE_ONLY
static ssize_t co_rw(IoKind kind, int fd, const struct iovec *v, unsigned n,
                     uint64_t offset_bytes, bool fua)
{
    IoOp op = {
        .kind = kind,
        .fd = fd,
        .u.rw = {.v = v, .n = n, .offset_bytes = offset_bytes, .fua = fua},
    };

    assert(n <= IOV_MAX && offset_bytes <= INT64_MAX);
    return co_file_op(&op);
}

ssize_t co_io_preadv(int fd, const struct iovec *v, unsigned n,
                     uint64_t offset_bytes)
{
    return co_rw(IO_PREADV, fd, v, n, offset_bytes, false);
}

ssize_t co_io_pwritev(int fd, const struct iovec *v, unsigned n,
                      uint64_t offset_bytes, bool fua)
{
    return co_rw(IO_PWRITEV, fd, v, n, offset_bytes, fua);
}

int co_io_fdatasync(int fd)
{
    IoOp op = {.kind = IO_FDATASYNC, .fd = fd};

    return co_file_op(&op);
}

int co_io_fallocate(int fd, int mode, uint64_t offset_bytes,
                    uint64_t length_bytes)
{
    IoOp op = {
        .kind = IO_FALLOCATE,
        .fd = fd,
        .u.fallocate = {.mode = mode,
                        .offset_bytes = offset_bytes,
                        .length_bytes = length_bytes},
    };

    assert(offset_bytes <= INT64_MAX && length_bytes <= INT64_MAX);
    return co_file_op(&op);
}

int io_open(const char *path, int flags, unsigned mode)
{
    return reactor_sys()->open(path, flags, mode);
}

void io_close(int fd)
{
    reactor_sys()->close(fd);
}

ssize_t io_read_file(const char *path, size_t max_bytes, char **text)
{
    int fd = io_open(path, O_RDONLY, 0);
    g_autofree char *buf = NULL;
    size_t have = 0;
    ssize_t n;

    if (fd < 0) {
        return fd;
    }
    buf = g_malloc(max_bytes + 1);
    do {
        n = read(fd, buf + have, max_bytes + 1 - have);
        n = n < 0 ? -errno : n;
        have += MAX(n, 0);
    } while ((n > 0 && have <= max_bytes) || n == -EINTR);
    io_close(fd);
    if (n < 0 || have > max_bytes) {
        return n < 0 ? n : -EFBIG;
    }
    buf[have] = '\0';
    *text = g_steal_pointer(&buf);
    return (ssize_t)have;
}

/* --- sockets and streams ------------------------------------------------ */

int co_io_poll(int fd, short events)
{
    IoOp op = {.kind = IO_POLL, .fd = fd, .u.events = events};
    int64_t ret = co_file_op(&op);

    /* Also when it became ready just then: who finds nothing there after all
     * would wait again, and nobody asks a second time. */
    return op.cancel_asked ? -ECANCELED : (int)ret;
}

static struct msghdr message(const struct iovec *v, unsigned n)
{
    return (struct msghdr){.msg_iov = (struct iovec *)v, .msg_iovlen = n};
}

/* Waits for @events on @fd; 0 or -errno. */
COROUTINE_ONLY
static int co_wait_ready(int fd, short events)
{
    int ret = co_io_poll(fd, events);

    return ret < 0 ? ret : 0;
}

/* One message operation that the back end waits for. -EAGAIN: the descriptor
 * is non-blocking and must be polled. */
COROUTINE_ONLY
static ssize_t co_message_op(IoKind kind, int fd, const struct iovec *v,
                             unsigned n, int flags)
{
    IoOp op = {
        .kind = kind,
        .fd = fd,
        .u.msg = {.hdr = message(v, n), .flags = MSG_NOSIGNAL | flags},
    };

    return co_file_op(&op);
}

COROUTINE_ONLY
static ssize_t co_stream_read(int fd, const struct iovec *v, unsigned n)
{
    ssize_t ret;

    do {
        ret = co_wait_ready(fd, POLLIN);
        if (!ret) {
            ret = reactor_sys()->readv(fd, v, n);
        }
    } while (ret == -EAGAIN);
    return ret;
}

COROUTINE_ONLY
static ssize_t co_stream_write(int fd, const struct iovec *v, unsigned n)
{
    ssize_t ret;

    do {
        ret = co_wait_ready(fd, POLLOUT);
        if (!ret) {
            ret = reactor_sys()->writev(fd, v, n);
        }
    } while (ret == -EAGAIN);
    return ret;
}

ssize_t co_io_recvv(int fd, const struct iovec *v, unsigned n)
{
    struct msghdr hdr = message(v, n);
    ssize_t ret = reactor_sys()->recvmsg(fd, &hdr);

    assert(n <= IOV_MAX);
    if (ret == -ENOTSOCK) {
        return co_stream_read(fd, v, n);
    }
    if (ret == -EAGAIN) {
        ret = co_message_op(IO_RECVMSG, fd, v, n, 0);
    }
    while (ret == -EAGAIN) {
        ret = co_wait_ready(fd, POLLIN);
        if (!ret) {
            hdr = message(v, n);
            ret = reactor_sys()->recvmsg(fd, &hdr);
        }
    }
    return ret;
}

ssize_t co_io_recv(int fd, void *buf, size_t bytes)
{
    struct iovec v = {.iov_base = buf, .iov_len = bytes};

    return co_io_recvv(fd, &v, 1);
}

ssize_t co_io_sendv(int fd, const struct iovec *v, unsigned n, bool more)
{
    struct msghdr hdr = message(v, n);
    ssize_t ret = reactor_sys()->sendmsg(fd, &hdr, more);

    assert(n <= IOV_MAX);
    if (ret == -ENOTSOCK) {
        return co_stream_write(fd, v, n);
    }
    if (ret == -EAGAIN) {
        ret = co_message_op(IO_SENDMSG, fd, v, n, more ? MSG_MORE : 0);
    }
    while (ret == -EAGAIN) {
        ret = co_wait_ready(fd, POLLOUT);
        if (!ret) {
            ret = reactor_sys()->sendmsg(fd, &hdr, more);
        }
    }
    return ret;
}

ssize_t co_io_sendv_apart(int fd, const struct iovec *v, unsigned n)
{
    IoOp op = {
        .kind = IO_SENDMSG,
        .fd = fd,
        .u.msg =
            {
                .hdr = message(v, n),
                .flags = MSG_NOSIGNAL | MSG_WAITALL,
                .apart = true,
            },
    };
    ssize_t ret = co_file_op(&op);

    assert(n <= IOV_MAX);
    /* A non-blocking descriptor, or none of a socket. */
    return ret == -EAGAIN || ret == -ENOTSOCK ? co_io_sendv(fd, v, n, false)
                                              : ret;
}

int co_io_send_all(int fd, const void *buf, size_t bytes)
{
    const char *p = buf;

    while (bytes) {
        struct iovec v = {.iov_base = (void *)p, .iov_len = bytes};
        ssize_t n = co_io_sendv(fd, &v, 1, false);

        if (n <= 0) {
            return n ? n : -EPIPE;
        }
        p += n;
        bytes -= n;
    }
    return 0;
}

int co_io_recv_all(int fd, void *buf, size_t bytes)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t n = co_io_recv(fd, (char *)buf + done, bytes - done);

        if (n < 0) {
            return n;
        }
        if (n == 0) {
            return done ? -EPIPE : 1;
        }
        done += n;
    }
    return 0;
}

int co_io_accept(int fd)
{
    int ret;

    do {
        ret = reactor_sys()->accept(fd);
        if (ret == -EAGAIN) {
            ret = co_io_poll(fd, POLLIN);
            /* A unix socket that was shut down is ready for ever, with
             * nobody to accept. */
            ret = ret < 0 ? ret : ret & POLLHUP ? -EINVAL : -EAGAIN;
        }
        /* A peer that gave up while it waited is no error of ours. */
    } while (ret == -EAGAIN || ret == -ECONNABORTED);
    return ret;
}

void io_shutdown(int fd)
{
    reactor_sys()->shutdown(fd);
}
