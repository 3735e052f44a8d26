/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS by GnuTLS: credentials, and one encrypted connection over a socket.
 *
 * Invariants:
 * 1. Credentials never change once made, but that a server's file of keys
 *    (PSK) is read again at each handshake; sessions hold references, so an
 *    object that is deleted stays good for the connections it opened.
 * 2. GnuTLS never waits: it reads from and writes to memory, and the co_
 *    functions move that memory to and from the socket. So one coroutine may
 *    receive while another sends.
 * 3. Memory of a session is bounded: one buffer of input, at most
 *    TLS_OUT_MAX bytes and a record of output.
 * Texts are QEMU 7.2's. All on the thread of the socket's reactor.
 */
#ifndef UTIL_TLS_TLS_H
#define UTIL_TLS_TLS_H

#include <sys/uio.h>

#include "util/coroutine/sync.h"
#include "util/error.h"

/* --- credentials --------------------------------------------------------- */

typedef enum TlsKind {
    TLS_X509, /* certificates */
    TLS_ANON, /* nothing: encrypted, but nobody knows with whom */
    TLS_PSK,  /* keys known to both sides, each with a user's name */
} TlsKind;

typedef struct TlsCredsConfig {
    TlsKind kind;
    bool server;              /* else for a client */
    const char *dir;          /* where the files lie; ANON: may be NULL */
    bool verify_peer;         /* X509: the other side needs a certificate */
    bool sanity_check;        /* X509: refuse certificates that cannot work */
    const char *priority;     /* of algorithms, as GnuTLS writes them; NULL */
    const char *key_password; /* X509: for an encrypted key file; NULL */
    const char *username;     /* PSK, client: NULL is "qemu" */
} TlsCredsConfig;

typedef struct TlsCreds TlsCreds;

/* Reads the files in config->dir: ca-cert.pem, ca-crl.pem, server-cert.pem and
 * server-key.pem or client-cert.pem and client-key.pem; keys.psk; a server
 * without proofs reads dh-params.pem, if there is one. Does not yield. One
 * reference. */
TlsCreds *tls_creds_new(const TlsCredsConfig *config, Error **errp);
TlsCreds *tls_creds_ref(TlsCreds *creds);
void tls_creds_unref(TlsCreds *creds); /* NULL is fine */
bool tls_creds_for_server(const TlsCreds *creds);

/* --- a connection -------------------------------------------------------- */

#define TLS_OUT_MAX (256u << 10)

typedef struct TlsSession TlsSession;

/* For the socket @fd, which stays the caller's. @hostname: a client that
 * verifies the server's certificate checks that it is for that name; NULL for
 * servers, and where nothing is verified. */
TlsSession *tls_session_new(TlsCreds *creds, int fd, const char *hostname,
                            Error **errp);
/* Nobody uses it any more. NULL is fine. */
void tls_session_free(TlsSession *s);

/* The handshake, and the check of the other side's certificate where the
 * credentials ask for it. */
bool co_tls_handshake(TlsSession *s, Error **errp) COROUTINE_ONLY;

/* Who the other side proved to be: the distinguished name of its certificate
 * if that was verified, or the user's name of its key. NULL if it proved
 * nothing. After the handshake; valid as long as @s. */
const char *tls_session_peer(const TlsSession *s);

/* As co_io_recv: bytes, 0 after the other side said good-bye, -errno; a
 * connection cut without a good-bye is -ECONNRESET. */
ssize_t co_tls_recv(TlsSession *s, void *buf, size_t bytes) COROUTINE_ONLY;
/* Sends all of it: 0 or -errno. */
int co_tls_send(TlsSession *s, const struct iovec *v,
                unsigned n) COROUTINE_ONLY;
/* Says good-bye; does not wait for an answer. */
void co_tls_bye(TlsSession *s) COROUTINE_ONLY;

#endif
