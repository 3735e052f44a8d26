/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client of the NBD server.
 *
 *     nbd_conn_start -> handshake -> transmission -> draining -> gone()
 *                           \___________ nbd_conn_disconnect ____/
 *
 * The handshake is control's. Then the connection moves by message to one of
 * its export's reactors, whose it is until it moves back to be freed.
 *
 * Two coroutines work for a connection: the reader, which owns it from start
 * to end, and the sender. Each request is a coroutine, too.
 *
 * Invariants:
 * 1. At most NBD_MAX_IN_FLIGHT requests exist; at most NBD_MAX_BUFFERS bytes
 *    of payload are held, or one request that is alone. When that is reached
 *    the reader stops reading: what a client can make us hold is bounded.
 * 2. A request exists from its header until its reply was handed to the socket
 *    (or dropped because the connection is dead).
 * 3. A dead connection still waits for its requests on the disk; it neither
 *    reads nor sends any more.
 * 4. A client's mistake ends at most this connection.
 * 5. @refs counts control's hold on it and the messages on their way to
 *    @reactor; its memory goes with the last one.
 */
#ifndef BLOCK_EXPORT_NBD_CONN_H
#define BLOCK_EXPORT_NBD_CONN_H

#include "block/export/nbd-export.h"
#include "nbd/protocol.h"
#include "util/tls/tls.h"

/* Wide enough for any client: the bytes are what counts. */
#define NBD_MAX_IN_FLIGHT 512u
#define NBD_MAX_BUFFERS (32u << 20)
/* The most data that we take of one option, in bytes. */
#define NBD_MAX_OPTION (1u << 20)
/* Extents in one context of one block status reply. */
#define NBD_MAX_EXTENTS 8192u

typedef struct NbdConn NbdConn;

/* What comes in, read ahead so that small requests share a system call. */
typedef struct NbdInput {
    uint8_t buf[128 * KiB];
    size_t start, end;
} NbdInput;

/* The metadata contexts that a client chose. They hold for the export with
 * that serial number only. */
typedef struct NbdSelection {
    uint64_t export_serial;
    GArray *ids; /* uint32_t context numbers, ascending */
} NbdSelection;

/* What the server decided for all its connections, which it outlives. */
typedef struct NbdConnSettings {
    int64_t handshake_timeout_ns; /* 0: none */
    TlsCreds *tls_creds; /* NULL: without TLS; else nothing goes without it */
    char *tls_authz;     /* the object that says who may connect; NULL: all */
} NbdConnSettings;

struct NbdConn {
    /* CONST */
    int fd;
    const NbdConnSettings *settings;
    void (*gone)(NbdConn *conn);

    /* ATOMIC */
    int refs;

    /* CONTROL */
    Reactor *reactor; /* where it is served */
    ListLink in_server;
    ListLink in_export;

    /* CONTROL in the handshake, then of @reactor */
    NbdExport *e; /* chosen; we hold a reference to e->exp */
    NbdSelection selection;
    TlsSession *tls; /* all bytes go through it from STARTTLS on */
    bool fixed;      /* client flags */
    bool no_zeroes;
    bool structured;
    bool extended; /* headers; implies structured */
    bool dead;
    bool over;  /* served; on its way back to control */
    bool ended; /* the reader has no more work for the sender */
    bool sender_running;
    Timer handshake_timer;
    NbdInput input;
    unsigned in_flight;
    size_t buffer_bytes;
    int64_t turn_end_ns; /* of the reader: then others have theirs */
    CoQueue freed;       /* the reader: a request or the sender is gone */
    CoQueue out_ready;   /* the sender: replies, or the end */
    ListLink out;        /* NbdRequest.in_out: replies to be sent */
};

/* How long a connection that always has something to take or to send does so
 * before others of its thread have their turn: one that moves megabytes does
 * not make one wait that wants a sector. */
#define NBD_TURN_NS (100 * INT64_C(1000))

#define NBD_CHUNK_HEADER_MAX sizeof(NbdExtChunkHeader)

/* A chunk of a read's reply, before its data: header, offset, length of a
 * hole. */
typedef struct NbdReadChunk {
    uint8_t b[NBD_CHUNK_HEADER_MAX + sizeof(Be64) + sizeof(Be32)];
} NbdReadChunk;

/* One request and its reply. */
typedef struct NbdRequest {
    NbdConn *conn;
    uint16_t command;
    uint16_t flags;
    Be64 cookie;
    uint64_t offset_bytes;
    uint64_t bytes;
    void *buf;           /* payload, from nbd_buffer_alloc */
    size_t buffer_bytes; /* counted in conn->buffer_bytes */
    Iov reply;           /* into @head, @heads and @buf */
    union {
        NbdSimpleReply simple;
        NbdReadChunk chunk;
    } head;
    void *heads; /* more of the reply, from g_malloc */
    ListLink in_out;
} NbdRequest;

/* --- nbd-reply.c: chunk headers ------------------------------------------ */

/* Writes a chunk's header in the form that was negotiated to @at (of
 * NBD_CHUNK_HEADER_MAX bytes); its length. @bytes counts what follows it. */
size_t nbd_chunk_put(const NbdRequest *req, void *at, uint16_t flags,
                     uint16_t type, uint64_t bytes);

/* --- nbd-conn.c ---------------------------------------------------------- */

/* Serves the client at @fd, which is closed at the end; then calls @gone as
 * the last thing before @conn is freed. @settings stay valid until then. */
NbdConn *nbd_conn_start(int fd, const NbdConnSettings *settings,
                        void (*gone)(NbdConn *conn));

/* Ends the connection soon: nothing that its client does or leaves undone
 * holds it up. Does not yield; again does nothing. */
void nbd_conn_disconnect(NbdConn *conn) CONTROL_ONLY;
/* The same, of the connection itself, where it is served. */
void nbd_conn_hang_up(NbdConn *conn);

/* --- nbd-tls.c ----------------------------------------------------------- */

/* As co_io_recvv and co_io_send_all, by way of TLS if there is. */
ssize_t co_nbd_conn_recvv(NbdConn *conn, const struct iovec *v,
                          unsigned n) COROUTINE_ONLY;
int co_nbd_conn_send(NbdConn *conn, const void *buf,
                     size_t bytes) COROUTINE_ONLY;
/* Goes over to TLS and checks who the client is; false ends the connection.
 * The reply to STARTTLS was sent. */
bool co_nbd_conn_start_tls(NbdConn *conn) COROUTINE_ONLY;

/* Chooses the export: holds a reference to it until the end. */
void nbd_conn_attach(NbdConn *conn, NbdExport *e) CONTROL_ONLY;

/* Reads all of @bytes. 0, 1 on a clean end before the first byte, -errno. */
int co_nbd_conn_read(NbdConn *conn, void *buf, size_t bytes) COROUTINE_ONLY;
/* Reads and drops. */
int co_nbd_conn_skip(NbdConn *conn, size_t bytes) COROUTINE_ONLY;

/* --- nbd-handshake.c ----------------------------------------------------- */

/* True when the client has chosen an export (conn->e). */
bool co_nbd_handshake(NbdConn *conn) COROUTINE_ONLY CONTROL_ONLY;

/* --- nbd-option.c -------------------------------------------------------- */

typedef enum NbdOptionResult {
    NBD_OPTION_NEXT,     /* send @out, go on with the next option */
    NBD_OPTION_TRANSMIT, /* send @out, an export is chosen */
    NBD_OPTION_STARTTLS, /* send @out, go over to TLS */
    NBD_OPTION_CLOSE,    /* send @out, close */
} NbdOptionResult;

/* Answers one option: appends replies to @out. Does not yield. */
NbdOptionResult nbd_option_handle(NbdConn *conn, uint32_t option,
                                  const void *data, uint32_t bytes,
                                  GByteArray *out) CONTROL_ONLY;
void nbd_option_reply(GByteArray *out, uint32_t option, uint32_t type,
                      const void *data, size_t bytes);
/* An error reply; frees @err. */
void nbd_option_error(GByteArray *out, uint32_t option, uint32_t type,
                      Error *err);
/* There is no export @name, of which only the beginning is told if it is
 * long. */
void nbd_option_no_export(GByteArray *out, uint32_t option, const char *name);

/* --- nbd-meta.c ---------------------------------------------------------- */

void nbd_option_meta(NbdConn *conn, uint32_t option, const void *data,
                     uint32_t bytes, GByteArray *out);
/* The selection holds for the chosen export; else it is emptied. */
void nbd_selection_settle(NbdConn *conn);

/* --- nbd-serve.c --------------------------------------------------------- */

/* Serves requests until the client leaves or errs, or the connection is dead.
 * All requests are done when it returns. */
void co_nbd_serve(NbdConn *conn) COROUTINE_ONLY;

/* --- nbd-request.c ------------------------------------------------------- */

/* Checks what needs no disk. The error is EINVAL for the client. */
bool nbd_request_check(const NbdRequest *req, Error **errp);
/* Bytes of memory that it needs for payload; the request is well-formed. */
size_t nbd_request_buffer_bytes(const NbdRequest *req);
/* Does it and makes its reply. */
void co_nbd_request_run(NbdRequest *req) COROUTINE_ONLY;

/* --- nbd-status.c -------------------------------------------------------- */

/* Makes the reply of a block status request; 0 or -errno. */
int co_nbd_status(NbdRequest *req) COROUTINE_ONLY;

/* --- nbd-reply.c --------------------------------------------------------- */

/* Each makes req->reply; none sends. */
void nbd_reply_done(NbdRequest *req);
void nbd_reply_read(NbdRequest *req);
/* @os_errno is positive; frees @err, which may be NULL. */
void nbd_reply_error(NbdRequest *req, int os_errno, Error *err);

/* --- nbd-send.c ---------------------------------------------------------- */

/* Queues a finished reply; the sender frees the request. */
void nbd_send_queue(NbdRequest *req);
/* The sender's coroutine. */
void co_nbd_sender(void *opaque) COROUTINE_ONLY;

#endif
