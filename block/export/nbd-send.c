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

/* One system call takes no more, so that one looks at the time. */
#define SEND_STEP_BYTES (192 * KiB)
/* From here on copying it into the socket takes longer than having another
 * thread do it. */
#define SEND_APART_BYTES (512 * KiB)

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

/* Areas that are still to be sent. */
typedef struct Rest {
    struct iovec *v;
    unsigned n;
    size_t bytes;
} Rest;

static void rest_skip(Rest *rest, size_t sent)
{
    rest->bytes -= sent;
    for (; rest->n && sent >= rest->v->iov_len; rest->v++, rest->n--) {
        sent -= rest->v->iov_len;
    }
    if (sent) {
        rest->v->iov_base = (char *)rest->v->iov_base + sent;
        rest->v->iov_len -= sent;
    }
}

/* One system call, of SEND_STEP_BYTES at most. */
COROUTINE_ONLY
static ssize_t co_send_step(int fd, const Rest *rest)
{
    struct iovec *last = rest->v;
    size_t bytes = last->iov_len, cut;
    ssize_t sent;

    while (bytes < SEND_STEP_BYTES && last + 1 < rest->v + rest->n &&
           last + 1 < rest->v + IOV_MAX) {
        bytes += (++last)->iov_len;
    }
    cut = bytes > SEND_STEP_BYTES ? bytes - SEND_STEP_BYTES : 0;
    last->iov_len -= cut;
    sent =
        co_io_sendv(fd, rest->v, last + 1 - rest->v, bytes - cut < rest->bytes);
    last->iov_len += cut;
    return sent;
}

/* Sends for a while, or all there is. Much of it is left to another thread. */
COROUTINE_ONLY
static ssize_t co_send_turn(int fd, Rest *rest)
{
    int64_t end_ns = reactor_now_ns() + NBD_TURN_NS;
    ssize_t sent;

    do {
        sent = rest->bytes >= SEND_APART_BYTES
                   ? co_io_sendv_apart(fd, rest->v, MIN(rest->n, IOV_MAX))
                   : co_send_step(fd, rest);
        if (sent >= 0) {
            rest_skip(rest, sent);
        }
    } while (sent >= 0 && rest->n && reactor_now_ns() < end_ns);
    return sent;
}

/* Uses @iov up. Who takes as fast as we send does not keep others waiting. */
COROUTINE_ONLY
static int co_send_iov(NbdConn *conn, Iov *iov)
{
    Rest rest = {iov->v, iov->n, iov->bytes};

    if (conn->tls) {
        return co_tls_send(conn->tls, iov->v, iov->n);
    }
    while (rest.n) {
        ssize_t sent = co_send_turn(conn->fd, &rest);

        if (sent < 0) {
            return sent;
        }
        if (rest.n) {
            co_reschedule();
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
