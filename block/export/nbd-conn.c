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

/*
 * Receives into @buf (of @bytes, may be 0), what comes beyond it into the
 * empty input buffer: a payload is not copied, and many requests share a
 * system call. Bytes, 0 at the end, -errno.
 */
static ssize_t co_receive(NbdConn *conn, void *buf, size_t bytes)
{
    NbdInput *in = &conn->input;
    struct iovec v[] = {{buf, bytes}, {in->buf, sizeof(in->buf)}};
    ssize_t n;

    if (!list_empty(&conn->out)) {
        /* What can be answered leaves before more is taken. */
        co_reschedule();
    }
    if (conn->dead) {
        return -ECANCELED;
    }
    in->start = in->end = 0;
    n = co_nbd_conn_recvv(conn, v, 2);
    if (n > (ssize_t)bytes) {
        in->end = n - bytes;
    }
    return n;
}

int co_nbd_conn_read(NbdConn *conn, void *buf, size_t bytes)
{
    size_t got = input_take(&conn->input, buf, bytes);

    while (got < bytes) {
        ssize_t n = co_receive(conn, (char *)buf + got, bytes - got);

        if (n <= 0) {
            return n < 0 ? n : got ? -EPIPE : 1;
        }
        got += MIN((size_t)n, bytes - got);
    }
    return 0;
}

int co_nbd_conn_skip(NbdConn *conn, size_t bytes)
{
    NbdInput *in = &conn->input;

    while (bytes > in->end - in->start) {
        ssize_t n;

        bytes -= in->end - in->start;
        n = co_receive(conn, NULL, 0);
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
    tls_session_free(conn->tls);
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
    if (conn->tls && conn->e && !conn->dead) {
        co_tls_bye(conn->tls);
    }
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
