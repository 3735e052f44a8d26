/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a connection, plain or by TLS, and the step from one to the
 * other.
 *
 * Invariants: nothing that came in before the step is taken for something
 * that came after it; once TLS is on, nothing goes past it. Who must be
 * allowed and has not proved who they are is denied.
 */
#include "block/export/nbd-conn.h"
#include "objects/authz.h"
#include "util/log.h"

ssize_t co_nbd_conn_recvv(NbdConn *conn, const struct iovec *v, unsigned n)
{
    if (LIKELY(!conn->tls)) {
        return co_io_recvv(conn->fd, v, n);
    }
    /* A record is decrypted for one area at a time. */
    while (n > 1 && !v->iov_len) {
        v++;
        n--;
    }
    return co_tls_recv(conn->tls, v->iov_base, v->iov_len);
}

int co_nbd_conn_send(NbdConn *conn, const void *buf, size_t bytes)
{
    struct iovec v = {.iov_base = (void *)buf, .iov_len = bytes};

    return conn->tls ? co_tls_send(conn->tls, &v, 1)
                     : co_io_send_all(conn->fd, buf, bytes);
}

static bool check_authz(const NbdConn *conn, Error **errp)
{
    const char *authz = conn->settings->tls_authz;
    const char *peer = tls_session_peer(conn->tls);

    if (authz && !peer) {
        error_set(errp, "TLS authz check needs a client that proves who it "
                        "is, by verify-peer");
        return false;
    }
    return !authz || authz_allows(authz, peer, errp);
}

COROUTINE_ONLY
static bool co_secure(NbdConn *conn, Error **errp)
{
    TlsSession *tls;

    if (conn->input.start < conn->input.end) {
        error_set(errp, "Data before the TLS handshake");
        return false;
    }
    tls = tls_session_new(conn->settings->tls_creds, conn->fd, NULL, errp);
    if (!tls) {
        return false;
    }
    conn->tls = tls;
    return co_tls_handshake(tls, errp) && check_authz(conn, errp);
}

bool co_nbd_conn_start_tls(NbdConn *conn)
{
    Error *err = NULL;

    if (co_secure(conn, &err)) {
        return true;
    }
    if (!conn->dead) {
        log_bounded(LOG_LEVEL_ERROR, "option negotiation failed: %s",
                    error_text(err));
    }
    error_free(err);
    return false;
}
