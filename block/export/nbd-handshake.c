/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The talk before transmission: greeting, client flags, options until one
 * chooses an export. nbd-option.c answers the single option; here is the
 * stream.
 *
 * Invariants: the stream is in sync after every option that got a reply;
 * where it cannot be kept in sync the connection ends. The whole handshake
 * ends within the time that the server's settings allow.
 */
#include "block/export/nbd-conn.h"
#include "block/export/nbd-server.h"

COROUTINE_ONLY
static bool co_greet(NbdConn *conn)
{
    NbdGreeting greeting = {
        .magic = be64(NBD_MAGIC_INIT),
        .option_magic = be64(NBD_MAGIC_OPTION),
        .flags = be16(NBD_HANDSHAKE_FIXED | NBD_HANDSHAKE_NO_ZEROES),
    };
    Be32 wire_flags;
    uint32_t flags;

    if (co_nbd_conn_send(conn, &greeting, sizeof(greeting)) ||
        co_nbd_conn_read(conn, &wire_flags, sizeof(wire_flags))) {
        return false;
    }
    flags = be32_get(wire_flags);
    conn->fixed = flags & NBD_HANDSHAKE_FIXED;
    conn->no_zeroes = flags & NBD_HANDSHAKE_NO_ZEROES;
    return !(flags & ~(NBD_HANDSHAKE_FIXED | NBD_HANDSHAKE_NO_ZEROES));
}

/* Skips an option that is larger than any that we would take. */
COROUTINE_ONLY
static NbdOptionResult co_refuse_large(NbdConn *conn, uint32_t option,
                                       uint32_t bytes, GByteArray *out)
{
    Error *err = NULL;

    if (bytes > NBD_MAX_PAYLOAD || co_nbd_conn_skip(conn, bytes)) {
        return NBD_OPTION_CLOSE;
    }
    error_set(&err, "option '%s' is too large", nbd_option_name(option));
    nbd_option_error(out, option, NBD_REP_ERR_TOO_BIG, err);
    return NBD_OPTION_NEXT;
}

COROUTINE_ONLY CONTROL_ONLY static NbdOptionResult
co_take_option(NbdConn *conn, uint32_t option, uint32_t bytes, GByteArray *out)
{
    NbdOptionResult result = NBD_OPTION_CLOSE;
    void *data;

    /* The old way of choosing has no error reply, and clients that do not
     * speak the fixed protocol know no other option. */
    if (option == NBD_OPT_EXPORT_NAME ? bytes > NBD_MAX_STRING : !conn->fixed) {
        return NBD_OPTION_CLOSE;
    }
    if (bytes > NBD_MAX_OPTION) {
        return co_refuse_large(conn, option, bytes, out);
    }
    data = g_malloc(bytes + 1);
    if (!co_nbd_conn_read(conn, data, bytes)) {
        result = nbd_option_handle(conn, option, data, bytes, out);
    }
    g_free(data);
    return result;
}

COROUTINE_ONLY CONTROL_ONLY static NbdOptionResult co_one_option(NbdConn *conn)
{
    GByteArray *out;
    NbdOptionHeader head;
    NbdOptionResult result;

    if (co_nbd_conn_read(conn, &head, sizeof(head)) ||
        be64_get(head.magic) != NBD_MAGIC_OPTION) {
        return NBD_OPTION_CLOSE;
    }
    out = g_byte_array_new();
    result =
        co_take_option(conn, be32_get(head.option), be32_get(head.bytes), out);
    if (out->len && co_nbd_conn_send(conn, out->data, out->len)) {
        result = NBD_OPTION_CLOSE;
    }
    g_byte_array_unref(out);
    if (result == NBD_OPTION_STARTTLS) {
        result =
            co_nbd_conn_start_tls(conn) ? NBD_OPTION_NEXT : NBD_OPTION_CLOSE;
    }
    return conn->dead ? NBD_OPTION_CLOSE : result;
}

bool co_nbd_handshake(NbdConn *conn)
{
    NbdOptionResult result;

    if (conn->settings->handshake_timeout_ns) {
        timer_arm(&conn->handshake_timer,
                  reactor_now_ns() + conn->settings->handshake_timeout_ns);
    }
    if (!co_greet(conn)) {
        return false;
    }
    do {
        result = co_one_option(conn);
    } while (result == NBD_OPTION_NEXT);
    timer_cancel(&conn->handshake_timer);
    return result == NBD_OPTION_TRANSMIT;
}
