/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of util/tls share. */
#ifndef UTIL_TLS_TLS_INT_H
#define UTIL_TLS_TLS_INT_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "util/tls/tls.h"

struct TlsCreds {
    /* CONST */
    TlsKind kind;
    bool server;
    bool verify_peer;
    char *priority; /* NULL: the default */
    union {
        gnutls_certificate_credentials_t x509;
        gnutls_psk_server_credentials_t psk_server;
        gnutls_psk_client_credentials_t psk_client;
        gnutls_anon_server_credentials_t anon_server;
        gnutls_anon_client_credentials_t anon_client;
    } u;
    gnutls_dh_params_t dh_params; /* ANON, server: of its file; NULL */
    /* ATOMIC */
    gint refs;
};

/* The certificate files are valid now, and the one of our own (@cert_path;
 * NULL: there is none) is issued by those of the CA. */
bool tls_check_certificates(const char *ca_path, const char *cert_path,
                            bool server, Error **errp);

/* What a certificate's verification found wrong; NULL if nothing. */
const char *tls_status_text(unsigned status);

#endif
