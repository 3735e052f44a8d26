/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of one NBD connection and its input. Invariants: see nbd-conn.h.
 */
#include "block/export/nbd-buffer.h"
#include "block/export/nbd-conn.h"
#include "util/log.h"

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
COROUTINE_ONLY
static ssize_t co_receive(NbdConn *conn, void *buf, size_t bytes)
{
    NbdInput *in = &conn->input;
    struct iovec v[] = {{buf, bytes}, {in->buf, sizeof(in->buf)}};
    ssize_t n;

    /* What can be answered leaves before more is taken. */
    if (!list_empty(&conn->out) || reactor_now_ns() > conn->turn_end_ns) {
        co_reschedule();
    }
    if (conn->dead) {
        return -ECANCELED;
    }
    in->start = in->end = 0;
    n = co_nbd_conn_recvv(conn, v, 2);
    conn->turn_end_ns = reactor_now_ns() + NBD_TURN_NS;
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

static void conn_unref(NbdConn *conn)
{
    if (__atomic_sub_fetch(&conn->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        g_free(conn);
    }
}

void nbd_conn_hang_up(NbdConn *conn)
{
    if (conn->dead || conn->over) {
        return;
    }
    conn->dead = true;
    /* The shutdown ends what comes later, the cancel what waits now. */
    io_shutdown(conn->fd);
    io_cancel_fd(conn->fd);
    coqueue_wake_all(&conn->freed);
    coqueue_wake_all(&conn->out_ready);
}

static void hang_up_there(void *opaque)
{
    NbdConn *conn = opaque;

    nbd_conn_hang_up(conn);
    conn_unref(conn);
}

void nbd_conn_disconnect(NbdConn *conn)
{
    if (conn->reactor == reactor_current()) {
        nbd_conn_hang_up(conn);
    } else {
        __atomic_add_fetch(&conn->refs, 1, __ATOMIC_RELAXED);
        reactor_post(conn->reactor, hang_up_there, conn);
    }
}

static void handshake_timeout(void *opaque)
{
    log_bounded(LOG_LEVEL_INFO,
                "an NBD client did not finish its handshake in time");
    nbd_conn_hang_up(opaque);
}

/* On control: nothing of it is left but this. */
CONTROL_ONLY
static void conn_end(void *opaque)
{
    NbdConn *conn = opaque;

    log_bounded(LOG_LEVEL_DEBUG, "an NBD client has gone");
    if (conn->e) {
        list_remove(&conn->in_export);
        export_unref(conn->e->exp);
    }
    tls_session_free(conn->tls);
    io_close(conn->fd);
    conn->gone(conn);
    g_array_unref(conn->selection.ids);
    conn_unref(conn);
}

CONTROL_ONLY
static void co_serve_entry(void *opaque)
{
    NbdConn *conn = opaque;

    coroutine_assert();
    nbd_buffers_begin();
    co_nbd_serve(conn);
    nbd_buffers_end();
    if (conn->tls && !conn->dead) {
        co_tls_bye(conn->tls);
    }
    conn->over = true;
    /* The last touch from here. */
    reactor_dispatch(reactor_control(), conn_end, conn);
}

static void start_serving(void *opaque)
{
    coroutine_start(co_serve_entry, opaque);
}

static void co_handshake_entry(void *opaque)
{
    NbdConn *conn = opaque;
    bool chosen;

    coroutine_assert();
    control_assert();
    chosen = co_nbd_handshake(conn);
    timer_cancel(&conn->handshake_timer);
    if (!chosen) {
        conn->over = true;
        conn_end(conn);
        return;
    }
    log_bounded(LOG_LEVEL_DEBUG, "an NBD client uses export '%s'",
                conn->e->name);
    conn->reactor = export_next_reactor(conn->e->exp);
    if (conn->reactor == reactor_current()) {
        co_serve_entry(conn);
    } else {
        reactor_post(conn->reactor, start_serving, conn);
    }
}

NbdConn *nbd_conn_start(int fd, const NbdConnSettings *settings,
                        void (*gone)(NbdConn *conn))
{
    NbdConn *conn = g_new0(NbdConn, 1);

    conn->refs = 1;
    conn->reactor = reactor_current();
    conn->fd = fd;
    conn->settings = settings;
    conn->gone = gone;
    conn->selection.ids = g_array_new(false, false, sizeof(uint32_t));
    coqueue_init(&conn->freed);
    coqueue_init(&conn->out_ready);
    list_init(&conn->out);
    timer_init(&conn->handshake_timer, handshake_timeout, conn);
    coroutine_wake(coroutine_create(co_handshake_entry, conn));
    return conn;
}
