/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of one NBD connection and its input. Invariants: see nbd-conn.h.
 */
#include "block/export/nbd-conn.h"

/* --- input --------------------------------------------------------------- */

static size_t input_take(NbdInput *in, void *buf, size_t bytes)
{
    size_t n = MIN(bytes, in->end - in->start);

    if (n) { /* @buf is NULL for a payload of no bytes */
        memcpy(buf, in->buf + in->start, n);
    }
    in->start += n;
    return n;
}

/* Receives more into the empty buffer: bytes, 0 at the end, -errno. */
static ssize_t co_input_fill(NbdConn *conn)
{
    NbdInput *in = &conn->input;
    ssize_t n;

    if (conn->dead) {
        return -ECANCELED;
    }
    in->start = in->end = 0;
    n = co_io_recv(conn->fd, in->buf, sizeof(in->buf));
    if (n > 0) {
        in->end = n;
    }
    return n;
}

int co_nbd_conn_read(NbdConn *conn, void *buf, size_t bytes)
{
    size_t got = input_take(&conn->input, buf, bytes);

    while (got < bytes) {
        size_t left = bytes - got;
        ssize_t n;

        if (left >= sizeof(conn->input.buf)) {
            n = conn->dead ? -ECANCELED
                           : co_io_recv(conn->fd, (char *)buf + got, left);
        } else {
            n = co_input_fill(conn);
        }
        if (n <= 0) {
            return n < 0 ? n : got ? -EPIPE : 1;
        }
        got += left >= sizeof(conn->input.buf)
                   ? n
                   : input_take(&conn->input, (char *)buf + got, left);
    }
    return 0;
}

int co_nbd_conn_skip(NbdConn *conn, size_t bytes)
{
    NbdInput *in = &conn->input;

    while (bytes > in->end - in->start) {
        ssize_t n;

        bytes -= in->end - in->start;
        n = co_input_fill(conn);
        if (n <= 0) {
            return n < 0 ? n : -EPIPE;
        }
    }
    in->start += bytes;
    return 0;
}

/* --- life ---------------------------------------------------------------- */

void nbd_conn_attach(NbdConn *conn, NbdExport *e)
{
    assert(!conn->e);
    export_ref(e->exp);
    conn->e = e;
    list_append(&e->clients, &conn->in_export);
}

void nbd_conn_disconnect(NbdConn *conn)
{
    if (conn->dead) {
        return;
    }
    conn->dead = true;
    /* The shutdown ends what comes later, the cancel what waits now. */
    io_shutdown(conn->fd);
    io_cancel_fd(conn->fd);
    coqueue_wake_all(&conn->freed);
    coqueue_wake_all(&conn->out_ready);
}

static void handshake_timeout(void *opaque)
{
    nbd_conn_disconnect(opaque);
}

static void conn_free(NbdConn *conn)
{
    if (conn->e) {
        list_remove(&conn->in_export);
        export_unref(conn->e->exp);
    }
    io_close(conn->fd);
    conn->gone(conn);
    g_array_unref(conn->selection.ids);
    g_free(conn);
}

static void co_conn_entry(void *opaque)
{
    NbdConn *conn = opaque;

    if (co_nbd_handshake(conn)) {
        co_nbd_serve(conn);
    }
    timer_cancel(&conn->handshake_timer);
    conn_free(conn);
}

NbdConn *nbd_conn_start(int fd, const NbdConnSettings *settings,
                        void (*gone)(NbdConn *conn))
{
    NbdConn *conn = g_new0(NbdConn, 1);

    conn->fd = fd;
    conn->settings = settings;
    conn->gone = gone;
    conn->selection.ids = g_array_new(false, false, sizeof(uint32_t));
    coqueue_init(&conn->freed);
    coqueue_init(&conn->out_ready);
    list_init(&conn->out);
    timer_init(&conn->handshake_timer, handshake_timeout, conn);
    coroutine_wake(coroutine_create(co_conn_entry, conn));
    return conn;
}
