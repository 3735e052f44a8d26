/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at certificates before they are used, so that the user is told of a
 * wrong one at once and not by clients that cannot connect.
 *
 * Invariant: every list from GnuTLS is freed on every way out.
 */
#include "util/tls/tls-int.h"

#include "util/reactor/reactor.h"

#define MAX_CERTIFICATE_FILE (16u << 20)

typedef struct CertList {
    gnutls_x509_crt_t *v;
    unsigned n;
} CertList;

static void cert_list_clear(CertList *list)
{
    for (unsigned i = 0; i < list->n; i++) {
        gnutls_x509_crt_deinit(list->v[i]);
    }
    gnutls_free(list->v);
    *list = (CertList){0};
}

/* The first of them by itself: GnuTLS says more of what is wrong with it. */
static int try_first(const gnutls_datum_t *data)
{
    gnutls_x509_crt_t cert;
    int code = gnutls_x509_crt_init(&cert);

    if (code >= 0) {
        code = gnutls_x509_crt_import(cert, data, GNUTLS_X509_FMT_PEM);
        gnutls_x509_crt_deinit(cert);
    }
    return code;
}

/* Reads all certificates of a file; what GnuTLS says, in *@code. */
static bool cert_list_read(CertList *list, const char *path, int *code)
{
    g_autofree char *text = NULL;
    gsize bytes;
    gnutls_datum_t data;

    *code = GNUTLS_E_FILE_ERROR;
    if (!g_file_get_contents(path, &text, &bytes, NULL) ||
        bytes > MAX_CERTIFICATE_FILE) {
        return false;
    }
    data = (gnutls_datum_t){(unsigned char *)text, bytes};
    *code = try_first(&data);
    if (*code >= 0) {
        *code = gnutls_x509_crt_list_import2(&list->v, &list->n, &data,
                                             GNUTLS_X509_FMT_PEM, 0);
    }
    return *code >= 0;
}

const char *tls_status_text(unsigned status)
{
    static const struct {
        unsigned bit;
        const char *text;
    } table[] = {
        {GNUTLS_CERT_REVOKED, "The certificate has been revoked"},
        {GNUTLS_CERT_SIGNER_NOT_FOUND,
         "The certificate hasn't got a known issuer"},
        {GNUTLS_CERT_INSECURE_ALGORITHM,
         "The certificate uses an insecure algorithm"},
        {GNUTLS_CERT_NOT_ACTIVATED, "The certificate is not yet activated"},
        {GNUTLS_CERT_EXPIRED, "The certificate has expired"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (status & table[i].bit) {
            return table[i].text;
        }
    }
    return status ? "Invalid certificate" : NULL;
}

/* @what: "server", "client", "CA". */
static bool check_times(gnutls_x509_crt_t cert, const char *path,
                        const char *what, Error **errp)
{
    int64_t now = reactor_wall_clock_us() / G_USEC_PER_SEC;

    if (gnutls_x509_crt_get_expiration_time(cert) < now) {
        error_set(errp, "The %s certificate %s has expired", what, path);
        return false;
    }
    if (gnutls_x509_crt_get_activation_time(cert) > now) {
        error_set(errp, "The %s certificate %s is not yet active", what, path);
        return false;
    }
    return true;
}

static bool check_constraints(gnutls_x509_crt_t cert, const char *path,
                              bool server, bool is_ca, Error **errp)
{
    int shows_ca =
        gnutls_x509_crt_get_basic_constraints(cert, NULL, NULL, NULL);

    if (is_ca && shows_ca <= 0) {
        error_set(errp, "The certificate %s basic constraints do not show a CA",
                  path);
        return false;
    }
    if (!is_ca && shows_ca > 0) {
        error_set(errp,
                  "The certificate %s basic constraints show a CA, but we "
                  "need one for a %s",
                  path, server ? "server" : "client");
        return false;
    }
    return true;
}

/* A certificate that says nothing of its use may be used for anything. */
static bool check_ca_usage(gnutls_x509_crt_t cert, const char *path,
                           Error **errp)
{
    unsigned usage = 0, critical = 0;

    if (gnutls_x509_crt_get_key_usage(cert, &usage, &critical) >= 0 &&
        critical && !(usage & GNUTLS_KEY_KEY_CERT_SIGN)) {
        error_set(errp,
                  "Certificate %s usage does not permit certificate signing",
                  path);
        return false;
    }
    return true;
}

static bool check_each(const CertList *list, const char *path, bool server,
                       bool is_ca, Error **errp)
{
    const char *what = is_ca ? "CA" : server ? "server" : "client";

    /* Behind our own come those of its issuers. */
    for (unsigned i = 0; i < (is_ca ? list->n : MIN(list->n, 1)); i++) {
        if (!check_times(list->v[i], path, what, errp) ||
            !check_constraints(list->v[i], path, server, is_ca, errp) ||
            (is_ca && !check_ca_usage(list->v[i], path, errp))) {
            return false;
        }
    }
    return true;
}

static bool check_chain(const CertList *own, const CertList *ca,
                        const char *cert_path, const char *ca_path,
                        Error **errp)
{
    unsigned status = 0;

    if (gnutls_x509_crt_list_verify(own->v, own->n, ca->v, ca->n, NULL, 0, 0,
                                    &status) < 0) {
        error_set(errp, "Unable to verify certificate %s against %s", cert_path,
                  ca_path);
        return false;
    }
    if (status) {
        error_set(errp,
                  "Our own certificate %s failed validation against %s: %s",
                  cert_path, ca_path, tls_status_text(status));
        return false;
    }
    return true;
}

static bool check_lists(CertList *own, CertList *ca, const char *ca_path,
                        const char *cert_path, bool server, Error **errp)
{
    int code;

    if (cert_path && !cert_list_read(own, cert_path, &code)) {
        error_set(errp, "Unable to import %s certificate %s: %s",
                  server ? "server" : "client", cert_path,
                  gnutls_strerror(code));
        return false;
    }
    if (!cert_list_read(ca, ca_path, &code)) {
        error_set(errp, "Unable to import CA certificate list %s", ca_path);
        return false;
    }
    return (!cert_path || check_each(own, cert_path, server, false, errp)) &&
           check_each(ca, ca_path, server, true, errp) &&
           (!cert_path || check_chain(own, ca, cert_path, ca_path, errp));
}

bool tls_check_certificates(const char *ca_path, const char *cert_path,
                            bool server, Error **errp)
{
    CertList own = {0}, ca = {0};
    bool ok = check_lists(&own, &ca, ca_path, cert_path, server, errp);

    cert_list_clear(&own);
    cert_list_clear(&ca);
    return ok;
}
