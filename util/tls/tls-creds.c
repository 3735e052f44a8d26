/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credentials from files. Invariants: see tls.h.
 */
#include <unistd.h>

#include <glib/gstdio.h>

#include "util/tls/tls-int.h"

/* "DIR/NAME" of a file that can be read. NULL: it cannot; if it does not
 * exist and is not @required, that is no error. */
static char *find_file(const char *dir, const char *name, bool required,
                       Error **errp)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    if (g_access(path, R_OK) == 0) {
        return g_steal_pointer(&path);
    }
    if (required || errno != ENOENT) {
        error_set_errno(errp, errno, "Unable to access credentials %s", path);
    }
    return NULL;
}

/* --- certificates -------------------------------------------------------- */

typedef struct X509Files {
    char *ca, *crl, *cert, *key;
} X509Files;

static bool find_x509_files(X509Files *f, const TlsCredsConfig *config,
                            Error **errp)
{
    const char *role = config->server ? "server" : "client";
    g_autofree char *cert = g_strconcat(role, "-cert.pem", NULL);
    g_autofree char *key = g_strconcat(role, "-key.pem", NULL);
    Error *err = NULL;

    f->ca = find_file(config->dir, "ca-cert.pem", true, &err);
    if (!err) {
        f->crl = find_file(config->dir, "ca-crl.pem", false, &err);
    }
    if (!err) {
        f->cert = find_file(config->dir, cert, config->server, &err);
    }
    if (!err) {
        f->key = find_file(config->dir, key, config->server, &err);
    }
    error_propagate(errp, err);
    return !err;
}

static void free_x509_files(X509Files *f)
{
    g_free(f->ca);
    g_free(f->crl);
    g_free(f->cert);
    g_free(f->key);
}

static bool load_own(TlsCreds *creds, const X509Files *f,
                     const char *key_password, Error **errp)
{
    int ret = gnutls_certificate_set_x509_key_file2(
        creds->u.x509, f->cert, f->key, GNUTLS_X509_FMT_PEM, key_password, 0);

    if (ret < 0) {
        error_set(errp, "Cannot load certificate '%s' & key '%s': %s", f->cert,
                  f->key, gnutls_strerror(ret));
    }
    return ret >= 0;
}

static bool load_trust(TlsCreds *creds, const X509Files *f, Error **errp)
{
    int ret = gnutls_certificate_set_x509_trust_file(creds->u.x509, f->ca,
                                                     GNUTLS_X509_FMT_PEM);

    if (ret < 0) {
        error_set(errp, "Cannot load CA certificate '%s': %s", f->ca,
                  gnutls_strerror(ret));
        return false;
    }
    if (!f->crl) {
        return true;
    }
    ret = gnutls_certificate_set_x509_crl_file(creds->u.x509, f->crl,
                                               GNUTLS_X509_FMT_PEM);
    if (ret < 0) {
        error_set(errp, "Cannot load CRL '%s': %s", f->crl,
                  gnutls_strerror(ret));
    }
    return ret >= 0;
}

static bool load_x509(TlsCreds *creds, const TlsCredsConfig *config,
                      Error **errp)
{
    X509Files f = {0};
    bool ok;

    gnutls_certificate_allocate_credentials(&creds->u.x509);
    ok = find_x509_files(&f, config, errp) &&
         (!config->sanity_check ||
          tls_check_certificates(f.ca, f.cert, config->server, errp)) &&
         load_trust(creds, &f, errp) &&
         (!f.cert || !f.key || load_own(creds, &f, config->key_password, errp));
    free_x509_files(&f);
    return ok;
}

/* --- keys known to both -------------------------------------------------- */

/* The key (in hexadecimal) of @username in the file's text: "NAME:KEY" lines.
 * NULL if there is none. */
static char *find_psk(const char *text, const char *username)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *start = g_strconcat(username, ":", NULL);

    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, start)) {
            return g_strdup(g_strstrip(*line + strlen(start)));
        }
    }
    return NULL;
}

static bool load_psk_client(TlsCreds *creds, const char *path,
                            const char *username, Error **errp)
{
    g_autofree char *text = NULL, *key = NULL;
    GError *failure = NULL;
    gnutls_datum_t data;
    int ret;

    gnutls_psk_allocate_client_credentials(&creds->u.psk_client);
    if (!g_file_get_contents(path, &text, NULL, &failure)) {
        error_set(errp, "Cannot open PSK file %s: %s", path, failure->message);
        g_error_free(failure);
        return false;
    }
    key = find_psk(text, username);
    if (!key) {
        error_set(errp, "Username %s not found in PSK file %s", username, path);
        return false;
    }
    data = (gnutls_datum_t){(unsigned char *)key, strlen(key)};
    ret = gnutls_psk_set_client_credentials(creds->u.psk_client, username,
                                            &data, GNUTLS_PSK_KEY_HEX);
    if (ret < 0) {
        error_set(errp, "Cannot use the key of %s in PSK file %s: %s", username,
                  path, gnutls_strerror(ret));
    }
    return ret >= 0;
}

static bool load_psk_server(TlsCreds *creds, const char *path, Error **errp)
{
    int ret;

    gnutls_psk_allocate_server_credentials(&creds->u.psk_server);
    ret = gnutls_psk_set_server_credentials_file(creds->u.psk_server, path);
    if (ret < 0) {
        error_set(errp, "Cannot use PSK file %s: %s", path,
                  gnutls_strerror(ret));
    }
    return ret >= 0;
}

static bool load_psk(TlsCreds *creds, const TlsCredsConfig *config,
                     Error **errp)
{
    g_autofree char *path = NULL;

    if (config->server && config->username) {
        error_set(errp, "username should not be set when endpoint=server");
        return false;
    }
    path = find_file(config->dir, "keys.psk", true, errp);
    if (!path) {
        return false;
    }
    return config->server
               ? load_psk_server(creds, path, errp)
               : load_psk_client(creds, path,
                                 config->username ? config->username : "qemu",
                                 errp);
}

/* --- life ---------------------------------------------------------------- */

static void creds_free(TlsCreds *creds)
{
    if (creds->kind == TLS_X509) {
        gnutls_certificate_free_credentials(creds->u.x509);
    } else if (creds->server && creds->u.psk_server) {
        gnutls_psk_free_server_credentials(creds->u.psk_server);
    } else if (!creds->server && creds->u.psk_client) {
        gnutls_psk_free_client_credentials(creds->u.psk_client);
    }
    g_free(creds->priority);
    g_free(creds);
}

TlsCreds *tls_creds_new(const TlsCredsConfig *config, Error **errp)
{
    TlsCreds *creds;
    bool ok;

    if (!config->dir) {
        error_set(errp, "Missing 'dir' property value");
        return NULL;
    }
    creds = g_new0(TlsCreds, 1);
    creds->kind = config->kind;
    creds->server = config->server;
    creds->verify_peer = config->verify_peer;
    creds->priority = g_strdup(config->priority);
    creds->refs = 1;
    ok = creds->kind == TLS_X509 ? load_x509(creds, config, errp)
                                 : load_psk(creds, config, errp);
    if (!ok) {
        creds_free(creds);
        return NULL;
    }
    return creds;
}

TlsCreds *tls_creds_ref(TlsCreds *creds)
{
    g_atomic_int_inc(&creds->refs);
    return creds;
}

void tls_creds_unref(TlsCreds *creds)
{
    if (creds && g_atomic_int_dec_and_test(&creds->refs)) {
        creds_free(creds);
    }
}

bool tls_creds_for_server(const TlsCreds *creds)
{
    return creds->server;
}
