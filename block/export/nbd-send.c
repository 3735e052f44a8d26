/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending replies: one coroutine a connection, which takes all that are ready
 * in one system call. A request that finishes only queues its reply, so
 * replies that become ready in the same turn leave together.
 *
 * Invariants: only the sender writes to the socket during transmission, so
 * replies never mix; a reply's memory lives until the socket took all of it.
 */
#include "block/export/nbd-buffer.h"
#include "block/export/nbd-conn.h"

#include <limits.h>

void nbd_send_queue(NbdRequest *req)
{
    list_append(&req->conn->out, &req->in_out);
    coqueue_wake_one(&req->conn->out_ready);
}

static void request_free(NbdRequest *req)
{
    NbdConn *conn = req->conn;

    conn->in_flight--;
    conn->buffer_bytes -= req->buffer_bytes;
    coqueue_wake_all(&conn->freed);
    nbd_buffer_free(req->buf, req->buffer_bytes);
    iov_free(&req->reply);
    g_free(req->heads);
    g_free(req);
}

static void free_batch(ListLink *batch)
{
    ListLink *link;

    while ((link = list_pop(batch))) {
        request_free(LIST_ENTRY(link, NbdRequest, in_out));
    }
}

/* Moves all replies that are ready to @batch and lists their areas. */
static void take_batch(NbdConn *conn, ListLink *batch, Iov *iov)
{
    ListLink *link;

    while ((link = list_pop(&conn->out))) {
        NbdRequest *req = LIST_ENTRY(link, NbdRequest, in_out);

        list_append(batch, link);
        iov_add_slice(iov, &req->reply, 0, req->reply.bytes);
    }
}

/* Uses @iov up. */
COROUTINE_ONLY
static int co_send_iov(NbdConn *conn, Iov *iov)
{
    struct iovec *v = iov->v;
    unsigned n = iov->n;

    if (conn->tls) {
        return co_tls_send(conn->tls, v, n);
    }
    while (n) {
        unsigned k = MIN(n, IOV_MAX);
        ssize_t sent = co_io_sendv(conn->fd, v, k, k < n);

        if (sent < 0) {
            return sent;
        }
        for (; n && (size_t)sent >= v->iov_len; v++, n--) {
            sent -= v->iov_len;
        }
        if (sent) {
            v->iov_base = (char *)v->iov_base + sent;
            v->iov_len -= sent;
        }
    }
    return 0;
}

COROUTINE_ONLY
static void co_send_batch(NbdConn *conn)
{
    ListLink batch;
    Iov iov;

    list_init(&batch);
    iov_init(&iov);
    take_batch(conn, &batch, &iov);
    if (!conn->dead && co_send_iov(conn, &iov)) {
        /* Nobody hears us: no use in taking further requests. */
        nbd_conn_hang_up(conn);
    }
    iov_free(&iov);
    free_batch(&batch);
}

void co_nbd_sender(void *opaque)
{
    NbdConn *conn = opaque;

    while (true) {
        while (list_empty(&conn->out) && !conn->ended) {
            co_queue_wait(&conn->out_ready);
        }
        if (list_empty(&conn->out)) {
            break;
        }
        co_send_batch(conn);
    }
    conn->sender_running = false;
    coqueue_wake_all(&conn->freed);
}
