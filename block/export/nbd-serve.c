/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transmission: reads requests off the stream, admits them and starts them.
 *
 * Invariants: the stream is at a request header whenever a request has got its
 * payload or been refused with it skipped; what breaks that ends the
 * connection. Admission is the only place where a client is made to wait.
 */
#include "block/export/nbd-buffer.h"
#include "block/export/nbd-conn.h"
#include "util/sim.h"

static bool may_admit(const NbdConn *conn, size_t buffer_bytes)
{
    if (conn->in_flight >= NBD_MAX_IN_FLIGHT ||
        (conn->in_flight && CHANCE("nbd-full"))) {
        return false;
    }
    return !conn->buffer_bytes ||
           conn->buffer_bytes + buffer_bytes <= NBD_MAX_BUFFERS;
}

/* Waits until the request fits; it counts from then on. */
COROUTINE_ONLY
static void co_admit(NbdRequest *req, size_t buffer_bytes)
{
    NbdConn *conn = req->conn;

    while (!conn->dead && !may_admit(conn, buffer_bytes)) {
        co_queue_wait(&conn->freed);
    }
    conn->in_flight++;
    conn->buffer_bytes += buffer_bytes;
    req->buffer_bytes = buffer_bytes;
}

/* What follows the request's header in the stream. */
static uint64_t payload_bytes(const NbdRequest *req)
{
    bool has_payload = req->conn->extended
                           ? req->flags & NBD_CMD_FLAG_PAYLOAD_LEN
                           : req->command == NBD_CMD_WRITE;

    return has_payload ? req->bytes : 0;
}

/* Answers without running it. The stream is kept in sync if that is
 * possible; else false. */
COROUTINE_ONLY
static bool co_refuse(NbdRequest *req, int os_errno, Error *err)
{
    uint64_t bytes = payload_bytes(req);
    bool in_sync =
        bytes <= NBD_MAX_PAYLOAD && !co_nbd_conn_skip(req->conn, bytes);

    nbd_reply_error(req, os_errno, err);
    nbd_send_queue(req);
    return in_sync;
}

COROUTINE_ONLY
static void co_request_entry(void *opaque)
{
    NbdRequest *req = opaque;

    co_nbd_request_run(req);
    nbd_send_queue(req);
}

/* Takes the payload and starts the request; false ends the connection. */
COROUTINE_ONLY
static bool co_start(NbdRequest *req)
{
    NbdConn *conn = req->conn;

    if (req->buffer_bytes) {
        req->buf = nbd_buffer_alloc(conn->e->memory_align, req->buffer_bytes);
        if (!req->buf) {
            return co_refuse(req, ENOMEM, NULL);
        }
    }
    if (req->command == NBD_CMD_WRITE &&
        co_nbd_conn_read(conn, req->buf, req->bytes)) {
        /* Half a request is none: nothing of it is written. */
        nbd_reply_error(req, EIO, NULL);
        nbd_send_queue(req);
        return false;
    }
    coroutine_start(co_request_entry, req);
    return true;
}

static NbdRequest *request_new(NbdConn *conn, const NbdRequestHeader *head)
{
    NbdRequest *req = g_new0(NbdRequest, 1);

    req->conn = conn;
    req->command = be16_get(head->command);
    req->flags = be16_get(head->flags);
    req->cookie = head->cookie;
    req->offset_bytes = be64_get(head->offset_bytes);
    req->bytes = be32_get(head->bytes);
    iov_init(&req->reply);
    return req;
}

/* The next request; NULL when there will be no more. */
COROUTINE_ONLY
static NbdRequest *co_next_request(NbdConn *conn)
{
    /* The two forms differ in the magic and in the length at the end. */
    union {
        NbdRequestHeader compact;
        NbdExtRequestHeader extended;
    } head;
    size_t bytes =
        conn->extended ? sizeof(head.extended) : sizeof(head.compact);
    uint32_t magic = conn->extended ? NBD_MAGIC_EXT_REQUEST : NBD_MAGIC_REQUEST;
    NbdRequest *req;

    if (co_nbd_conn_read(conn, &head, bytes) ||
        be32_get(head.compact.magic) != magic ||
        be16_get(head.compact.command) == NBD_CMD_DISC) {
        return NULL;
    }
    req = request_new(conn, &head.compact);
    if (conn->extended) {
        req->bytes = be64_get(head.extended.bytes);
    }
    return req;
}

/* Serves one request; false when there will be no more. */
COROUTINE_ONLY
static bool co_serve_one(NbdConn *conn)
{
    NbdRequest *req = co_next_request(conn);
    Error *err = NULL;

    if (!req) {
        return false;
    }
    if (!nbd_request_check(req, &err)) {
        co_admit(req, 0);
        return co_refuse(req, EINVAL, err);
    }
    co_admit(req, nbd_request_buffer_bytes(req));
    return co_start(req);
}

/* Everything that was asked for gets done, and its reply sent if anybody
 * still listens. */
COROUTINE_ONLY
static void co_drain(NbdConn *conn)
{
    while (conn->in_flight) {
        co_queue_wait(&conn->freed);
    }
    conn->ended = true;
    coqueue_wake_all(&conn->out_ready);
    while (conn->sender_running) {
        co_queue_wait(&conn->freed);
    }
}

void co_nbd_serve(NbdConn *conn)
{
    conn->sender_running = true;
    coroutine_start(co_nbd_sender, conn);
    while (!conn->dead && co_serve_one(conn)) {
        if (reactor_now_ns() > conn->turn_end_ns) {
            co_reschedule();
            conn->turn_end_ns = reactor_now_ns() + NBD_TURN_NS;
        }
    }
    co_drain(conn);
}
