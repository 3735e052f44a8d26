/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What listening (net.c) and connecting (connect.c) share: addresses.
 */
#ifndef UTIL_REACTOR_NET_INT_H
#define UTIL_REACTOR_NET_INT_H

#include <sys/un.h>

#include "util/reactor/backend.h"

/* Fills @addr; false, with the text, if @path does not fit. */
bool net_unix_address(const char *path, struct sockaddr_un *addr, Error **errp);

/* One look-up of a host and port. */
typedef struct NetResolve {
    const ReactorSys *sys;
    const char *host, *port;
    struct addrinfo hints;
    struct addrinfo *found; /* sys->resolve_free */
    int error;              /* of getaddrinfo */
} NetResolve;

/* Makes an address of the abstract name space: a zero byte and @name, which
 * fits net_unix_address. Its length. */
socklen_t net_make_abstract(struct sockaddr_un *addr, const char *name,
                            bool padded);

/* Looks up @arg, a NetResolve. May block; fit for a worker. Returns 0. */
int64_t net_resolve_run(void *arg);
/* False, with the text, if it failed. */
bool net_resolve_check(const NetResolve *res, const char *host,
                       const char *port, Error **errp);
/* The address family for two switches of -1 unset, 0 off, 1 on. */
bool net_choose_family(int ipv4, int ipv6, int *family, Error **errp);

#endif
