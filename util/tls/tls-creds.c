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

/* --- nothing ------------------------------------------------------------- */

/* The parameters of Diffie and Hellman in the file @path. */
static bool load_dh_params(TlsCreds *creds, const char *path, Error **errp)
{
    g_autofree char *text = NULL;
    GError *failure = NULL;
    gnutls_datum_t data;
    gsize bytes;
    int ret;

    if (!g_file_get_contents(path, &text, &bytes, &failure)) {
        error_set(errp, "%s", failure->message);
        g_error_free(failure);
        return false;
    }
    data = (gnutls_datum_t){(unsigned char *)text, bytes};
    ret = gnutls_dh_params_init(&creds->dh_params);
    if (ret >= 0) {
        ret = gnutls_dh_params_import_pkcs3(creds->dh_params, &data,
                                            GNUTLS_X509_FMT_PEM);
    }
    if (ret < 0) {
        error_set(errp, "Unable to load DH parameters from %s: %s", path,
                  gnutls_strerror(ret));
    }
    return ret >= 0;
}

static bool load_anon_server(TlsCreds *creds, const char *dir, Error **errp)
{
    g_autofree char *path = NULL;
    Error *err = NULL;

    gnutls_anon_allocate_server_credentials(&creds->u.anon_server);
    if (dir) {
        path = find_file(dir, "dh-params.pem", false, &err);
    }
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    if (!path) {
        gnutls_anon_set_server_known_dh_params(creds->u.anon_server,
                                               GNUTLS_SEC_PARAM_MEDIUM);
        return true;
    }
    if (!load_dh_params(creds, path, errp)) {
        return false;
    }
    gnutls_anon_set_server_dh_params(creds->u.anon_server, creds->dh_params);
    return true;
}

static bool load_anon(TlsCreds *creds, const TlsCredsConfig *config,
                      Error **errp)
{
    if (config->server) {
        return load_anon_server(creds, config->dir, errp);
    }
    gnutls_anon_allocate_client_credentials(&creds->u.anon_client);
    return true;
}

/* --- life ---------------------------------------------------------------- */

/* What one kind of credentials does. */
typedef struct Kind {
    bool (*load)(TlsCreds *creds, const TlsCredsConfig *config, Error **errp);
    void (*free)(TlsCreds *creds); /* also of what was loaded in part */
} Kind;

static void free_x509(TlsCreds *creds)
{
    gnutls_certificate_free_credentials(creds->u.x509);
}

static void free_psk(TlsCreds *creds)
{
    if (creds->server && creds->u.psk_server) {
        gnutls_psk_free_server_credentials(creds->u.psk_server);
    } else if (!creds->server && creds->u.psk_client) {
        gnutls_psk_free_client_credentials(creds->u.psk_client);
    }
}

static void free_anon(TlsCreds *creds)
{
    if (creds->server) {
        gnutls_anon_free_server_credentials(creds->u.anon_server);
    } else {
        gnutls_anon_free_client_credentials(creds->u.anon_client);
    }
    if (creds->dh_params) {
        gnutls_dh_params_deinit(creds->dh_params);
    }
}

static const Kind kinds[] = {
    [TLS_X509] = {load_x509, free_x509},
    [TLS_PSK] = {load_psk, free_psk},
    [TLS_ANON] = {load_anon, free_anon},
};

static void creds_free(TlsCreds *creds)
{
    kinds[creds->kind].free(creds);
    g_free(creds->priority);
    g_free(creds);
}

TlsCreds *tls_creds_new(const TlsCredsConfig *config, Error **errp)
{
    TlsCreds *creds;

    if (!config->dir && config->kind != TLS_ANON) {
        error_set(errp, "Missing 'dir' property value");
        return NULL;
    }
    creds = g_new0(TlsCreds, 1);
    creds->kind = config->kind;
    creds->server = config->server;
    creds->verify_peer = config->verify_peer;
    creds->priority = g_strdup(config->priority);
    creds->refs = 1;
    if (!kinds[creds->kind].load(creds, config, errp)) {
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
