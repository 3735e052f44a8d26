/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses, and listening on them, with the error texts of
 * qemu-storage-daemon 7.2 (found by running it). connect.c connects.
 */
#include "util/reactor/net-int.h"
#include "util/reactor/service.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

/* What the kernel cuts to its own limit. */
#define BACKLOG 4096
/* A peer that is gone: a minute of silence, then four questions. */
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_PROBES 4

/* --- unix --------------------------------------------------------------- */

bool net_unix_address(const char *path, struct sockaddr_un *addr, Error **errp)
{
    if (strlen(path) >= sizeof(addr->sun_path)) {
        error_set(errp, "UNIX socket path '%s' is too long", path);
        error_append_hint(errp, "Path must be less than %zu bytes\n",
                          sizeof(addr->sun_path));
        return false;
    }
    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(addr->sun_path, path);
    return true;
}

/* A new socket takes the place of one that is there, as QEMU's do: who listens
 * on that may be about to end. Files with something in them stay. */
static int unlink_old(const char *path)
{
    const ReactorSys *sys = reactor_sys();
    int ret = sys->unix_probe(path);

    return ret == 0 ? sys->unlink(path) : 0;
}

int io_listen_unix(const char *path, Error **errp)
{
    const ReactorSys *sys = reactor_sys();
    struct sockaddr_un addr;
    int fd, ret;

    if (!net_unix_address(path, &addr, errp)) {
        return -1;
    }
    ret = unlink_old(path);
    if (ret) {
        error_set_errno(errp, -ret, "Failed to unlink socket %s", path);
        return -1;
    }
    fd = sys->socket(AF_UNIX);
    if (fd < 0) {
        error_set_errno(errp, -fd, "Failed to create Unix socket");
        return -1;
    }
    ret = sys->bind(fd, (struct sockaddr *)&addr, sizeof(addr));
    if (ret) {
        error_set_errno(errp, -ret, "Failed to bind socket to %s", path);
    } else if ((ret = sys->listen(fd, BACKLOG))) {
        error_set_errno(errp, -ret, "Failed to listen on socket");
    } else {
        return fd;
    }
    sys->close(fd);
    return -1;
}

int io_listen_abstract(const char *name, bool padded, Error **errp)
{
    const ReactorSys *sys = reactor_sys();
    struct sockaddr_un addr;
    socklen_t bytes;
    int fd, ret;

    if (!net_unix_address(name, &addr, errp)) {
        return -1;
    }
    bytes = net_make_abstract(&addr, name, padded);
    fd = sys->socket(AF_UNIX);
    if (fd < 0) {
        error_set_errno(errp, -fd, "Failed to create Unix socket");
        return -1;
    }
    ret = sys->bind(fd, (struct sockaddr *)&addr, bytes);
    if (ret) {
        error_set_errno(errp, -ret, "Failed to bind socket to %s", name);
    } else if ((ret = sys->listen(fd, BACKLOG))) {
        error_set_errno(errp, -ret, "Failed to listen on socket");
    } else {
        return fd;
    }
    sys->close(fd);
    return -1;
}

/* By number, or by name if a service manager has passed sockets. */
static bool inherited_fd(const char *text, gint64 *fd, Error **errp)
{
    if (g_ascii_string_to_signed(text, 10, INT32_MIN, INT32_MAX, fd, NULL)) {
        return true;
    }
    if (!service_has_sockets()) {
        error_set(errp, "Unable to parse FD number %s", text);
        return false;
    }
    *fd = service_find_socket(text, errp);
    return *fd >= 0;
}

int io_inherited_socket(const char *text, Error **errp)
{
    struct stat st;
    gint64 fd;

    if (!inherited_fd(text, &fd, errp)) {
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode)) {
        error_set(errp, "File descriptor '%s' is not a socket", text);
        return -1;
    }
    service_socket_taken(fd);
    return fd;
}

int io_listen_fd(const char *text, Error **errp)
{
    int fd = io_inherited_socket(text, errp), ret;

    if (fd < 0) {
        return -1;
    }
    ret = reactor_sys()->listen(fd, BACKLOG);
    if (ret) {
        error_set_errno(errp, -ret, "Failed to listen on fd socket");
        return -1;
    }
    return fd;
}

void io_unlink(const char *path)
{
    reactor_sys()->unlink(path);
}

/* --- inet: resolving ---------------------------------------------------- */

/* The C library takes any number as a port and keeps its low 16 bits. */
static bool port_fits(const char *port)
{
    char *end;
    guint64 n = g_ascii_strtoull(port, &end, 10);

    return *end || end == port || n <= 65535;
}

int64_t net_resolve_run(void *arg)
{
    NetResolve *res = arg;

    res->error =
        port_fits(res->port)
            ? res->sys->resolve(res->host, res->port, &res->hints, &res->found)
            : EAI_SERVICE;
    return 0;
}

bool net_resolve_check(const NetResolve *res, const char *host,
                       const char *port, Error **errp)
{
    if (res->error) {
        error_set(errp, "address resolution failed for %s:%s: %s", host, port,
                  gai_strerror(res->error));
    }
    return !res->error;
}

bool net_choose_family(int ipv4, int ipv6, int *family, Error **errp)
{
    if (ipv4 == 0 && ipv6 == 0) {
        error_set(errp, "Cannot disable IPv4 and IPv6 at same time");
        return false;
    }
    if (ipv6 == 0 || (ipv4 == 1 && ipv6 != 1)) {
        *family = AF_INET;
    } else if (ipv4 == 0 || (ipv6 == 1 && ipv4 != 1)) {
        *family = AF_INET6;
    } else {
        *family = AF_UNSPEC;
    }
    return true;
}

/* --- inet: listening ---------------------------------------------------- */

/* A bound and listening socket, or -errno; *@created: the failure
 * came after there was a socket. */
static int listen_on(const struct addrinfo *ai, bool v6_only, bool *created)
{
    const ReactorSys *sys = reactor_sys();
    int fd = sys->socket(ai->ai_family), ret = 0;

    if (fd < 0) {
        return fd;
    }
    *created = true;
    ret = sys->set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!ret && ai->ai_family == AF_INET6) {
        ret = sys->set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only);
    }
    if (!ret) {
        ret = sys->bind(fd, ai->ai_addr, ai->ai_addrlen);
    }
    if (!ret) {
        ret = sys->listen(fd, BACKLOG);
    }
    if (ret) {
        sys->close(fd);
        return ret;
    }
    return fd;
}

static void listen_error(int ret, bool created, Error **errp)
{
    if (!created) {
        error_set_errno(errp, -ret, "Failed to create a socket");
    } else if (ret == -EADDRINUSE) {
        error_set_errno(errp, -ret, "Failed to find an available port");
    } else {
        error_set_errno(errp, -ret, "Failed to bind socket");
    }
}

/* Tries the addresses of one family; an fd or -errno. */
static int listen_family(const struct addrinfo *list, int family, bool v6_only,
                         int ret, bool *created)
{
    for (const struct addrinfo *ai = list; ai && ret < 0; ai = ai->ai_next) {
        if (ai->ai_family == family) {
            ret = listen_on(ai, v6_only, created);
        }
    }
    return ret;
}

int io_listen_inet(const char *host, const char *port, int ipv4, int ipv6,
                   Error **errp)
{
    const ReactorSys *sys = reactor_sys();
    NetResolve res = {
        .sys = sys,
        .host = host && *host ? host : NULL,
        .port = port && *port ? port : "0",
        .hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM},
    };
    bool created = false;
    int fd;

    if (!net_choose_family(ipv4, ipv6, &res.hints.ai_family, errp)) {
        return -1;
    }
    net_resolve_run(&res);
    if (!net_resolve_check(&res, host ? host : "", port ? port : "", errp)) {
        return -1;
    }
    /* IPv6 first: without a host its wildcard serves IPv4 as well. */
    fd = listen_family(res.found, AF_INET6, ipv4 == 0, -EAFNOSUPPORT, &created);
    fd = listen_family(res.found, AF_INET, false, fd, &created);
    sys->resolve_free(res.found);
    if (fd < 0) {
        listen_error(fd, created, errp);
        return -1;
    }
    return fd;
}

bool io_local_address(int fd, char **host, char **port)
{
    struct sockaddr_storage addr;
    char h[NI_MAXHOST], p[8];
    socklen_t bytes;

    if (reactor_sys()->local_address(fd, &addr)) {
        return false;
    }
    if (addr.ss_family == AF_INET) {
        bytes = sizeof(struct sockaddr_in);
    } else if (addr.ss_family == AF_INET6) {
        bytes = sizeof(struct sockaddr_in6);
    } else {
        return false;
    }
    if (getnameinfo((struct sockaddr *)&addr, bytes, h, sizeof(h), p, sizeof(p),
                    NI_NUMERICHOST | NI_NUMERICSERV)) {
        return false;
    }
    *host = g_strdup(h);
    *port = g_strdup(p);
    return true;
}

int io_set_nodelay(int fd)
{
    return reactor_sys()->set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void io_set_keepalive(int fd)
{
    const ReactorSys *sys = reactor_sys();

    /* Each is a favour: who is gone is noticed later without. */
    sys->set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    sys->set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    sys->set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    sys->set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}
