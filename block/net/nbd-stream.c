/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a connection, as they are or encrypted. Invariant: one
 * coroutine receives at a time, and one sends.
 */
#include "block/net/nbd-client.h"

ssize_t co_nbd_recv(const NbdSession *s, void *buf, size_t bytes)
{
    return s->tls ? co_tls_recv(s->tls, buf, bytes)
                  : co_io_recv(s->fd, buf, bytes);
}

ssize_t co_nbd_recvv(const NbdSession *s, const struct iovec *v, unsigned n)
{
    /* A record is decrypted to one place. */
    return s->tls ? co_tls_recv(s->tls, v->iov_base, v->iov_len)
                  : co_io_recvv(s->fd, v, n);
}

ssize_t co_nbd_sendv(const NbdSession *s, const struct iovec *v, unsigned n,
                     bool more)
{
    ssize_t bytes = 0;
    int ret;

    if (!s->tls) {
        return co_io_sendv(s->fd, v, n, more);
    }
    for (unsigned i = 0; i < n; i++) {
        bytes += v[i].iov_len;
    }
    ret = co_tls_send(s->tls, v, n);
    return ret < 0 ? ret : bytes;
}

int co_nbd_recv_all(const NbdSession *s, void *buf, size_t bytes)
{
    size_t done = 0;

    if (!s->tls) {
        return co_io_recv_all(s->fd, buf, bytes);
    }
    while (done < bytes) {
        ssize_t n = co_tls_recv(s->tls, (char *)buf + done, bytes - done);

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

int co_nbd_send_all(const NbdSession *s, const void *buf, size_t bytes)
{
    struct iovec v = {(void *)buf, bytes};

    return s->tls ? co_tls_send(s->tls, &v, 1)
                  : co_io_send_all(s->fd, buf, bytes);
}

void nbd_session_close(NbdSession *s)
{
    tls_session_free(s->tls);
    s->tls = NULL;
    io_close(s->fd);
    s->fd = -1;
}
