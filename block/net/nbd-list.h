/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a server has to offer, as a whole. */
#ifndef BLOCK_NET_NBD_LIST_H
#define BLOCK_NET_NBD_LIST_H

#include "nbd/client.h"
#include "util/reactor/reactor.h"
#include "util/tls/tls.h"

/* The most that is listed of one server. */
#define NBD_LIST_MAX 65536u

typedef struct NbdListed {
    char *name;
    char *description;   /* NULL: none */
    NbdExportInfo info;  /* flags 0: the server does not tell */
    GPtrArray *contexts; /* of char * */
} NbdListed;

/*
 * Asks the server at @address for all its exports, in its order, as NbdListed;
 * the caller frees the array. NULL with QEMU's text, also if it does not
 * answer. @creds NULL: in the clear; @hostname: what its certificate must be
 * for, or NULL.
 */
GPtrArray *co_nbd_list(const IoAddress *address, TlsCreds *creds,
                       const char *hostname, Error **errp) COROUTINE_ONLY;

#endif
