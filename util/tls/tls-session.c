/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One encrypted connection. Invariants: see tls.h.
 */
#include "util/tls/tls-int.h"

#include "util/reactor/reactor.h"

#define IN_BYTES (64u << 10)
#define RECORD_BYTES (16u << 10)

struct TlsSession {
    /* CONST */
    TlsCreds *creds;
    gnutls_session_t gnutls;
    int fd;
    char *hostname;
    /* HOME */
    char *peer;
    uint8_t *in; /* IN_BYTES: received, not decrypted yet */
    size_t in_start, in_end;
    bool in_eof;
    GByteArray *out;  /* encrypted, not sent yet */
    CoMutex out_lock; /* held while some of it is being sent */
    int out_error;    /* -errno: sending has failed for good */
    uint8_t *staging; /* RECORD_BYTES: data of the record being made */
};

/* --- between GnuTLS and memory ------------------------------------------- */

static ssize_t pull(gnutls_transport_ptr_t opaque, void *buf, size_t bytes)
{
    TlsSession *s = opaque;
    size_t n = MIN(bytes, s->in_end - s->in_start);

    if (!n && !s->in_eof) {
        gnutls_transport_set_errno(s->gnutls, EAGAIN);
        return -1;
    }
    if (n) {
        memcpy(buf, s->in + s->in_start, n);
        s->in_start += n;
    }
    return n;
}

static int pull_timeout(gnutls_transport_ptr_t opaque, unsigned ms)
{
    TlsSession *s = opaque;

    return s->in_end > s->in_start || s->in_eof;
}

static ssize_t push(gnutls_transport_ptr_t opaque, const void *buf,
                    size_t bytes)
{
    TlsSession *s = opaque;

    g_byte_array_append(s->out, buf, bytes);
    return bytes;
}

/* --- between memory and the socket --------------------------------------- */

/* Sends all output that there is; waits for who is sending already, so that
 * records leave in their order. 0 or -errno. */
COROUTINE_ONLY
static int co_flush(TlsSession *s)
{
    co_mutex_lock(&s->out_lock);
    while (s->out->len && !s->out_error) {
        GByteArray *batch = s->out;

        s->out = g_byte_array_new();
        s->out_error = co_io_send_all(s->fd, batch->data, batch->len);
        g_byte_array_unref(batch);
    }
    comutex_unlock(&s->out_lock);
    return s->out_error;
}

/* Receives more into the empty buffer; 0 or -errno. */
COROUTINE_ONLY
static int co_fill(TlsSession *s)
{
    ssize_t n = co_io_recv(s->fd, s->in, IN_BYTES);

    if (n < 0) {
        return n;
    }
    s->in_start = 0;
    s->in_end = n;
    s->in_eof = n == 0;
    return 0;
}

/* --- life ---------------------------------------------------------------- */

static int set_priority(TlsSession *s)
{
    static const char *const more[] = {
        [TLS_X509] = "",
        [TLS_PSK] = ":+ECDHE-PSK:+DHE-PSK:+PSK",
        [TLS_ANON] = ":+ANON-DH",
    };
    const char *base = s->creds->priority ? s->creds->priority : "NORMAL";
    g_autofree char *all = g_strconcat(base, more[s->creds->kind], NULL);

    return gnutls_priority_set_direct(s->gnutls, all, NULL);
}

static int set_credentials(TlsSession *s)
{
    TlsCreds *creds = s->creds;

    if (creds->kind == TLS_PSK) {
        return gnutls_credentials_set(s->gnutls, GNUTLS_CRD_PSK,
                                      creds->server
                                          ? (void *)creds->u.psk_server
                                          : (void *)creds->u.psk_client);
    }
    if (creds->kind == TLS_ANON) {
        return gnutls_credentials_set(s->gnutls, GNUTLS_CRD_ANON,
                                      creds->server
                                          ? (void *)creds->u.anon_server
                                          : (void *)creds->u.anon_client);
    }
    if (creds->server && creds->verify_peer) {
        gnutls_certificate_server_set_request(s->gnutls, GNUTLS_CERT_REQUEST);
    }
    return gnutls_credentials_set(s->gnutls, GNUTLS_CRD_CERTIFICATE,
                                  creds->u.x509);
}

static bool session_init(TlsSession *s, Error **errp)
{
    int ret = gnutls_init(&s->gnutls,
                          (s->creds->server ? GNUTLS_SERVER : GNUTLS_CLIENT) |
                              GNUTLS_NONBLOCK);

    if (ret < 0) {
        error_set(errp, "Cannot initialize TLS session: %s",
                  gnutls_strerror(ret));
        return false;
    }
    ret = set_priority(s);
    if (ret < 0) {
        error_set(errp, "Cannot set default TLS session priority %s: %s",
                  s->creds->priority ? s->creds->priority : "NORMAL",
                  gnutls_strerror(ret));
        return false;
    }
    ret = set_credentials(s);
    if (ret < 0) {
        error_set(errp, "Cannot set session credentials: %s",
                  gnutls_strerror(ret));
        return false;
    }
    gnutls_transport_set_ptr(s->gnutls, s);
    gnutls_transport_set_pull_function(s->gnutls, pull);
    gnutls_transport_set_pull_timeout_function(s->gnutls, pull_timeout);
    gnutls_transport_set_push_function(s->gnutls, push);
    return true;
}

TlsSession *tls_session_new(TlsCreds *creds, int fd, const char *hostname,
                            Error **errp)
{
    TlsSession *s = g_new0(TlsSession, 1);

    s->creds = tls_creds_ref(creds);
    s->fd = fd;
    s->hostname = g_strdup(hostname);
    s->in = g_malloc(IN_BYTES);
    s->staging = g_malloc(RECORD_BYTES);
    s->out = g_byte_array_new();
    comutex_init(&s->out_lock);
    if (!session_init(s, errp)) {
        tls_session_free(s);
        return NULL;
    }
    return s;
}

void tls_session_free(TlsSession *s)
{
    if (s) {
        if (s->gnutls) {
            gnutls_deinit(s->gnutls);
        }
        tls_creds_unref(s->creds);
        g_byte_array_unref(s->out);
        g_free(s->hostname);
        g_free(s->peer);
        g_free(s->in);
        g_free(s->staging);
        g_free(s);
    }
}

/* --- handshake ----------------------------------------------------------- */

COROUTINE_ONLY
static bool co_shake(TlsSession *s, Error **errp)
{
    int code, ret = 0;

    do {
        code = gnutls_handshake(s->gnutls);
        /* Also after a failure: an alert says why. */
        ret = co_flush(s);
        if (code == GNUTLS_E_AGAIN && !ret) {
            ret = co_fill(s);
        }
    } while (!ret && code < 0 && !gnutls_error_is_fatal(code));
    if (ret) {
        error_set_errno(errp, -ret, "TLS handshake failed");
    } else if (code < 0) {
        gnutls_alert_send_appropriate(s->gnutls, code);
        co_flush(s);
        error_set(errp, "TLS handshake failed: %s", gnutls_strerror(code));
    }
    return !ret && code >= 0;
}

/* The name in the peer's certificate, which was found good. */
static bool take_x509_name(TlsSession *s, gnutls_x509_crt_t cert, Error **errp)
{
    gnutls_datum_t name;
    int ret = gnutls_x509_crt_get_dn3(cert, &name, GNUTLS_X509_DN_FLAG_COMPAT);

    if (ret < 0) {
        error_set(errp, "Cannot get client distinguished name: %s",
                  gnutls_strerror(ret));
        return false;
    }
    s->peer = g_strndup((char *)name.data, name.size);
    gnutls_free(name.data);
    if (!s->hostname && !s->creds->server) {
        error_set(errp, "No hostname for certificate validation");
        return false;
    }
    if (s->hostname && !gnutls_x509_crt_check_hostname(cert, s->hostname)) {
        error_set(errp, "Certificate does not match the hostname %s",
                  s->hostname);
        return false;
    }
    return true;
}

static bool check_x509(TlsSession *s, Error **errp)
{
    unsigned status = 0, n = 0;
    int ret = gnutls_certificate_verify_peers2(s->gnutls, &status);
    const gnutls_datum_t *list;
    gnutls_x509_crt_t cert;
    bool ok;

    if (ret < 0) {
        error_set(errp, "Verify failed: %s", gnutls_strerror(ret));
        return false;
    }
    if (status) {
        error_set(errp, "%s", tls_status_text(status));
        return false;
    }
    list = gnutls_certificate_get_peers(s->gnutls, &n);
    if (!n || gnutls_x509_crt_init(&cert) < 0) {
        error_set(errp, "No certificate peers");
        return false;
    }
    ret = gnutls_x509_crt_import(cert, list, GNUTLS_X509_FMT_DER);
    if (ret < 0) {
        error_set(errp, "Cannot import certificate: %s", gnutls_strerror(ret));
    }
    ok = ret >= 0 && take_x509_name(s, cert, errp);
    gnutls_x509_crt_deinit(cert);
    return ok;
}

COROUTINE_ONLY
static bool co_check_peer(TlsSession *s, Error **errp)
{
    if (s->creds->kind == TLS_ANON) {
        return true;
    }
    if (s->creds->kind == TLS_PSK) {
        s->peer = s->creds->server
                      ? g_strdup(gnutls_psk_server_get_username(s->gnutls))
                      : NULL;
        return true;
    }
    /* A client always looks at whom it talks to, unless told not to. */
    if (!s->creds->verify_peer || check_x509(s, errp)) {
        return true;
    }
    gnutls_alert_send(s->gnutls, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
    co_flush(s);
    return false;
}

bool co_tls_handshake(TlsSession *s, Error **errp)
{
    return co_shake(s, errp) && co_check_peer(s, errp);
}

const char *tls_session_peer(const TlsSession *s)
{
    return s->peer;
}

/* --- data ---------------------------------------------------------------- */

ssize_t co_tls_recv(TlsSession *s, void *buf, size_t bytes)
{
    ssize_t code;
    int ret;

    while (true) {
        code = gnutls_record_recv(s->gnutls, buf, bytes);
        /* An answer to a change of keys, perhaps. */
        ret = s->out->len ? co_flush(s) : 0;
        if (ret) {
            return ret;
        }
        if (code >= 0) {
            return code;
        }
        if (code == GNUTLS_E_AGAIN) {
            ret = co_fill(s);
            if (ret) {
                return ret;
            }
        } else if (code == GNUTLS_E_PREMATURE_TERMINATION) {
            return -ECONNRESET;
        } else if (code == GNUTLS_E_REHANDSHAKE ||
                   gnutls_error_is_fatal(code)) {
            /* New handshakes in the middle are not offered. */
            return -EPROTO;
        }
    }
}

/* Encrypts up to one record of the areas from *@done bytes into @v[0] on. */
static int encrypt_record(TlsSession *s, const struct iovec **v, unsigned *n,
                          size_t *done)
{
    size_t bytes = 0;
    ssize_t code;

    while (*n && bytes < RECORD_BYTES) {
        size_t step = MIN((*v)->iov_len - *done, RECORD_BYTES - bytes);

        if (step) {
            memcpy(s->staging + bytes, (char *)(*v)->iov_base + *done, step);
        }
        bytes += step;
        *done += step;
        if (*done == (*v)->iov_len) {
            (*v)++;
            (*n)--;
            *done = 0;
        }
    }
    /* The other side may take smaller records than ours. */
    for (size_t at = 0; at < bytes; at += code) {
        code = gnutls_record_send(s->gnutls, s->staging + at, bytes - at);
        if (code < 0) {
            return -EPROTO;
        }
    }
    return 0;
}

int co_tls_send(TlsSession *s, const struct iovec *v, unsigned n)
{
    size_t done = 0;
    int ret = s->out_error;

    while (n && !ret) {
        ret = encrypt_record(s, &v, &n, &done);
        if (!ret && (!n || s->out->len >= TLS_OUT_MAX)) {
            ret = co_flush(s);
        }
    }
    return ret;
}

void co_tls_bye(TlsSession *s)
{
    gnutls_bye(s->gnutls, GNUTLS_SHUT_WR);
    co_flush(s);
}
