/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader's input: bytes off a connection, through one buffer or, where they
 * are many, to their place at once. */
#include "block/net/nbd-client.h"

/* Payloads from this size on go from the socket to their place at once. */
#define DIRECT_BYTES (NBD_INPUT_BYTES / 4)

COROUTINE_ONLY
static int co_fill(NbdLink *l)
{
    NbdInput *in = l->input;
    ssize_t n;

    if (l->state != NBD_LINK_UP) {
        return -ECANCELED;
    }
    in->start = in->end = 0;
    n = co_nbd_recv(&l->session, in->buf, sizeof(in->buf));
    if (n <= 0) {
        return n < 0 ? n : -EPIPE;
    }
    in->end = n;
    return 0;
}

int co_nbd_take(NbdLink *l, void *buf, size_t bytes)
{
    NbdInput *in = l->input;
    uint8_t *to = buf;

    while (true) {
        size_t n = MIN(bytes, in->end - in->start);
        int ret;

        if (n && to) {
            memcpy(to, in->buf + in->start, n);
            to += n;
        }
        in->start += n;
        bytes -= n;
        if (!bytes) {
            return 0;
        }
        ret = co_fill(l);
        if (ret) {
            return ret;
        }
    }
}

int co_nbd_skip(NbdLink *l, uint32_t bytes)
{
    return bytes > NBD_SKIP_MAX ? -EINVAL : co_nbd_take(l, NULL, bytes);
}

/* Straight from the socket into a part of @iov. */
COROUTINE_ONLY
static int co_take_direct(NbdLink *l, const Iov *iov, size_t at, size_t bytes)
{
    while (bytes) {
        ssize_t n;
        Iov part;

        if (l->state != NBD_LINK_UP) {
            return -ECANCELED;
        }
        iov_init_slice(&part, iov, at, bytes);
        n = co_nbd_recvv(&l->session, part.v, MIN(part.n, IOV_MAX));
        iov_free(&part);
        if (n <= 0) {
            return n < 0 ? n : -EPIPE;
        }
        at += n;
        bytes -= n;
    }
    return 0;
}

int co_nbd_take_data(NbdLink *l, NbdCall *call, size_t at, size_t bytes)
{
    NbdInput *in = l->input;

    while (bytes) {
        size_t n = MIN(bytes, in->end - in->start);
        int ret;

        iov_from_buf(&call->data, at, in->buf + in->start, n);
        in->start += n;
        at += n;
        bytes -= n;
        if (bytes >= DIRECT_BYTES) {
            return co_take_direct(l, &call->data, at, bytes);
        }
        if (bytes && (ret = co_fill(l))) {
            return ret;
        }
    }
    return 0;
}
