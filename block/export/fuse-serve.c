/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the requests of a FUSE session and starts them. All but the entry
 * points of control: on the export's reactor.
 *
 * Invariant: one coroutine reads; it is gone, and so are all requests, before
 * control is told that the export has stopped.
 */
#include <poll.h>

#include "block/export/fuse-int.h"
#include "block/io/io.h"

static unsigned in_flight(const FuseExport *e)
{
    return __atomic_load_n(&e->in_flight, __ATOMIC_RELAXED);
}

static void set_in_flight(FuseExport *e, unsigned n)
{
    __atomic_store_n(&e->in_flight, n, __ATOMIC_RELAXED);
}

/* --- requests ------------------------------------------------------------ */

static void request_entry(void *opaque)
{
    FuseRequest *r = opaque;
    FuseExport *e = r->e;

    coroutine_assert();
    r->co_run(r);
    if (r->buf) {
        e->buffer_bytes -= r->bytes;
    }
    io_buffer_free(r->buf);
    g_free(r);
    set_in_flight(e, in_flight(e) - 1);
    coqueue_wake_all(&e->freed);
}

void fuse_request_start(const FuseRequest *r)
{
    FuseExport *e = r->e;

    set_in_flight(e, in_flight(e) + 1);
    if (r->buf) {
        e->buffer_bytes += r->bytes;
    }
    coroutine_start(request_entry, g_memdup2(r, sizeof(*r)));
}

/* --- the reader ---------------------------------------------------------- */

/* Waits until one more request may be read. */
COROUTINE_ONLY static void co_admit(FuseExport *e)
{
    while (!e->stopping && (in_flight(e) >= FUSE_MAX_IN_FLIGHT ||
                            e->buffer_bytes >= FUSE_MAX_BUFFERS)) {
        co_queue_wait(&e->freed);
    }
}

/* Takes and starts one request. False when there will be no more: somebody
 * has unmounted it, or ended the connection. */
COROUTINE_ONLY static bool co_serve_one(FuseExport *e)
{
    int ret = co_io_poll(e->fd, POLLIN);

    if (ret < 0) {
        return ret == -EINTR;
    }
    if (e->stopping) {
        return false;
    }
    ret = fuse_session_receive_buf(e->session, &e->input);
    if (ret > 0) {
        fuse_session_process_buf(e->session, &e->input);
    }
    return !fuse_session_exited(e->session) &&
           (ret > 0 || ret == -EAGAIN || ret == -EINTR);
}

static void tell_stopped(void *opaque)
{
    control_assert();
    fuse_serve_stopped(opaque);
}

static void reader_entry(void *opaque)
{
    FuseExport *e = opaque;

    coroutine_assert();
    do {
        co_admit(e);
    } while (!e->stopping && co_serve_one(e));
    /* That nobody can reach it any more does not end an export. */
    while (!e->stopping || in_flight(e)) {
        co_queue_wait(&e->freed);
    }
    reactor_post(reactor_control(), tell_stopped, e);
}

static void start(void *opaque)
{
    coroutine_start(reader_entry, opaque);
}

void fuse_serve_start(FuseExport *e)
{
    reactor_post(e->reactor, start, e);
}

static void stop(void *opaque)
{
    FuseExport *e = opaque;

    e->stopping = true;
    io_cancel_fd(e->fd);
    coqueue_wake_all(&e->freed);
}

void fuse_serve_stop(FuseExport *e)
{
    reactor_post(e->reactor, stop, e);
}
