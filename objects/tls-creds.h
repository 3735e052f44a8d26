/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS credentials as objects: tls-creds-x509, tls-creds-psk, tls-creds-anon.
 * Their state is a TlsCreds.
 */
#ifndef OBJECTS_TLS_CREDS_H
#define OBJECTS_TLS_CREDS_H

#include "objects/object.h"
#include "util/tls/tls.h"

extern const ObjectClass object_tls_creds_anon, object_tls_creds_psk,
    object_tls_creds_x509;

/* A reference to the credentials called @id, for that side of connections;
 * NULL with @errp. Control thread. */
TlsCreds *tls_creds_find(const char *id, bool server, Error **errp);

#endif
