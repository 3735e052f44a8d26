/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS credentials as objects: from options to util/tls. */
#include "objects/tls-creds.h"

#include "objects/secret.h"

static void free_creds(void *state)
{
    tls_creds_unref(state);
}

static void *create_x509(const ObjectOptions *options, Error **errp)
{
    const TlsCredsX509Properties *o = &options->u.tls_creds_x509;
    TlsCredsConfig config = {
        .kind = TLS_X509,
        .server = o->endpoint == TLS_CREDS_ENDPOINT_SERVER,
        .dir = o->dir,
        .verify_peer = !o->has_verify_peer || o->verify_peer,
        .sanity_check = !o->has_sanity_check || o->sanity_check,
        .priority = o->priority,
    };
    char *password = NULL;
    TlsCreds *creds;

    if (o->passwordid) {
        password = secret_lookup_text(o->passwordid, errp);
        if (!password) {
            return NULL;
        }
        config.key_password = password;
    }
    creds = tls_creds_new(&config, errp);
    secret_text_free(password);
    return creds;
}

static void *create_psk(const ObjectOptions *options, Error **errp)
{
    const TlsCredsPskProperties *o = &options->u.tls_creds_psk;
    TlsCredsConfig config = {
        .kind = TLS_PSK,
        .server = o->endpoint == TLS_CREDS_ENDPOINT_SERVER,
        .dir = o->dir,
        .priority = o->priority,
        .username = o->username,
    };

    return tls_creds_new(&config, errp);
}

static void *create_anon(const ObjectOptions *options, Error **errp)
{
    const TlsCredsAnonProperties *o = &options->u.tls_creds_anon;
    TlsCredsConfig config = {
        .kind = TLS_ANON,
        .server = o->endpoint == TLS_CREDS_ENDPOINT_SERVER,
        .dir = o->dir,
        .priority = o->priority,
    };

    return tls_creds_new(&config, errp);
}

/* The members that all kinds have, by the same names. */
#define COMPLETE_COMMON(o)                    \
    do {                                      \
        if (!(o)->has_verify_peer) {          \
            (o)->verify_peer = true;          \
        }                                     \
        (o)->has_verify_peer = true;          \
        (o)->has_endpoint = true;             \
        object_complete_text(&(o)->dir);      \
        object_complete_text(&(o)->priority); \
    } while (0)

static void complete_x509(ObjectOptions *options)
{
    TlsCredsX509Properties *o = &options->u.tls_creds_x509;

    COMPLETE_COMMON(o);
    if (!o->has_sanity_check) {
        o->sanity_check = true;
    }
    o->has_sanity_check = true;
    object_complete_text(&o->passwordid);
}

static void complete_psk(ObjectOptions *options)
{
    TlsCredsPskProperties *o = &options->u.tls_creds_psk;

    COMPLETE_COMMON(o);
    object_complete_text(&o->username);
}

static void complete_anon(ObjectOptions *options)
{
    TlsCredsAnonProperties *o = &options->u.tls_creds_anon;

    COMPLETE_COMMON(o);
}

static const ObjectProperty x509_properties[] = {
    {"endpoint", "QCryptoTLSCredsEndpoint", PROPERTY_FIXED},
    {"dir", "string", PROPERTY_FIXED},
    {"verify-peer", "bool", PROPERTY_FIXED},
    {"priority", "string", PROPERTY_FIXED},
    {"sanity-check", "bool", PROPERTY_FIXED},
    {"passwordid", "string", PROPERTY_FIXED},
    {"loaded", "bool", PROPERTY_READ_ONLY},
    {}};

static const ObjectProperty psk_properties[] = {
    {"endpoint", "QCryptoTLSCredsEndpoint", PROPERTY_FIXED},
    {"dir", "string", PROPERTY_FIXED},
    {"verify-peer", "bool", PROPERTY_FIXED},
    {"priority", "string", PROPERTY_FIXED},
    {"username", "string", PROPERTY_FIXED},
    {"loaded", "bool", PROPERTY_READ_ONLY},
    {}};

static const ObjectProperty anon_properties[] = {
    {"endpoint", "QCryptoTLSCredsEndpoint", PROPERTY_FIXED},
    {"dir", "string", PROPERTY_FIXED},
    {"verify-peer", "bool", PROPERTY_FIXED},
    {"priority", "string", PROPERTY_FIXED},
    {"loaded", "bool", PROPERTY_READ_ONLY},
    {}};

const ObjectClass object_tls_creds_x509 = {
    .type = OBJECT_TYPE_TLS_CREDS_X509,
    .co_create = create_x509,
    .co_free = free_creds,
    .properties = x509_properties,
    .complete = complete_x509,
};

const ObjectClass object_tls_creds_psk = {
    .type = OBJECT_TYPE_TLS_CREDS_PSK,
    .co_create = create_psk,
    .co_free = free_creds,
    .properties = psk_properties,
    .complete = complete_psk,
};

const ObjectClass object_tls_creds_anon = {
    .type = OBJECT_TYPE_TLS_CREDS_ANON,
    .co_create = create_anon,
    .co_free = free_creds,
    .properties = anon_properties,
    .complete = complete_anon,
};

static bool is_creds(const Object *obj)
{
    return obj->class == &object_tls_creds_x509 ||
           obj->class == &object_tls_creds_psk ||
           obj->class == &object_tls_creds_anon;
}

TlsCreds *tls_creds_find(const char *id, bool server, Error **errp)
{
    const Object *obj = object_find(id);

    if (!obj) {
        error_set(errp, "No TLS credentials with id '%s'", id);
        return NULL;
    }
    if (!is_creds(obj)) {
        error_set(errp, "Object with id '%s' is not TLS credentials", id);
        return NULL;
    }
    if (tls_creds_for_server(obj->state) != server) {
        error_set(errp, "Expected TLS credentials for a %s endpoint",
                  server ? "server" : "client");
        return NULL;
    }
    return tls_creds_ref(obj->state);
}
