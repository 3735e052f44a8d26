/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening socket and who came through it. Invariants: see nbd-server.h.
 */
#include "block/export/nbd-server.h"
#include "block/export/export.h"
#include "block/export/nbd-conn.h"
#include "objects/tls-creds.h"
#include "util/log.h"

/* How long the acceptor rests when descriptors have run out. */
#define ACCEPT_RETRY_NS (INT64_C(100) * 1000 * 1000)
#define NS_PER_SECOND (INT64_C(1000) * 1000 * 1000)

typedef struct NbdServer {
    /* CONST */
    int fd;
    char *unix_path; /* NULL: not a socket file */
    bool inherited;  /* others have the socket too, and go on using it */
    unsigned max_connections;
    NbdConnSettings settings;
    /* CONTROL */
    bool stopping;
    bool held;
    bool accepting; /* the acceptor's coroutine lives */
    unsigned n_conns;
    ListLink conns;
    CoQueue changed; /* a connection or the acceptor went away */
} NbdServer;

static NbdServer *server;

/* CONTROL: who hears of clients that went away */
static void (*watcher)(void *opaque, bool used, unsigned left);
static void *watcher_opaque;

bool nbd_server_running(void)
{
    return server && !server->stopping;
}

unsigned nbd_server_max_connections(void)
{
    return server ? server->max_connections : 0;
}

void nbd_server_hold(bool held)
{
    if (server) {
        server->held = held;
        coqueue_wake_all(&server->changed);
    }
}

void nbd_server_watch(void (*gone)(void *opaque, bool used, unsigned left),
                      void *opaque)
{
    watcher = gone;
    watcher_opaque = opaque;
}

/* --- listening ----------------------------------------------------------- */

static int tristate(bool has, bool value)
{
    return has ? value : -1;
}

static int listen_inet(const InetSocketAddress *inet, Error **errp)
{
    if (inet->has_to) {
        error_set(errp, "A range of ports ('to') is not supported");
        return -1;
    }
    return io_listen_inet(inet->host, inet->port,
                          tristate(inet->has_ipv4, inet->ipv4),
                          tristate(inet->has_ipv6, inet->ipv6), errp);
}

static int listen_unix(const UnixSocketAddress *addr, Error **errp)
{
    if (addr->abstract) {
        return io_listen_abstract(addr->path, addr->has_tight && !addr->tight,
                                  errp);
    }
    return io_listen_unix(addr->path, errp);
}

static int listen_at(const SocketAddress *addr, Error **errp)
{
    switch (addr->type) {
    case SOCKET_ADDRESS_TYPE_INET:
        return listen_inet(&addr->u.inet, errp);
    case SOCKET_ADDRESS_TYPE_UNIX:
        return listen_unix(&addr->u.q_unix, errp);
    case SOCKET_ADDRESS_TYPE_FD:
        return io_listen_fd(addr->u.fd.str, errp);
    default:
        error_set(errp, "Socket address type '%s' is not supported",
                  SocketAddressType_str(addr->type));
        return -1;
    }
}

/* --- connections --------------------------------------------------------- */

static void conn_gone(NbdConn *conn)
{
    list_remove(&conn->in_server);
    server->n_conns--;
    coqueue_wake_all(&server->changed);
    if (watcher) {
        watcher(watcher_opaque, conn->e, server->n_conns);
    }
}

static void add_conn(NbdServer *s, int fd)
{
    NbdConn *conn;

    /* Only TCP has it; a unix socket is none the worse. */
    io_set_nodelay(fd);
    io_set_keepalive(fd);
    conn = nbd_conn_start(fd, &s->settings, conn_gone);
    list_append(&s->conns, &conn->in_server);
    s->n_conns++;
}

COROUTINE_ONLY
static void co_acceptor(void *opaque)
{
    NbdServer *s = opaque;

    while (!s->stopping) {
        int fd;

        if (s->held ||
            (s->max_connections && s->n_conns >= s->max_connections)) {
            co_queue_wait(&s->changed);
            continue;
        }
        fd = co_io_accept(s->fd);
        if (fd < 0) {
            if (!s->stopping) {
                log_bounded(LOG_LEVEL_WARNING,
                            "an NBD client could not be let in: %s",
                            strerror(-fd));
                co_sleep_ns(ACCEPT_RETRY_NS);
            }
        } else if (s->stopping) {
            io_close(fd);
        } else {
            add_conn(s, fd);
        }
    }
    s->accepting = false;
    coqueue_wake_all(&s->changed);
}

/* --- start and stop ------------------------------------------------------ */

/* The settings of all connections; free with settings_clear. */
static bool settings_init(NbdConnSettings *settings,
                          const NbdServerOptions *options, Error **errp)
{
    *settings = (NbdConnSettings){
        .handshake_timeout_ns =
            NS_PER_SECOND * (options->has_handshake_max_seconds
                                 ? options->handshake_max_seconds
                                 : NBD_DEFAULT_HANDSHAKE_SECONDS),
    };
    if (options->tls_creds) {
        settings->tls_creds = tls_creds_find(options->tls_creds, true, errp);
        if (!settings->tls_creds) {
            return false;
        }
        settings->tls_authz = g_strdup(options->tls_authz);
    }
    return true;
}

static void settings_clear(NbdConnSettings *settings)
{
    tls_creds_unref(settings->tls_creds);
    g_free(settings->tls_authz);
}

static void say_where(const SocketAddress *addr)
{
    if (addr->type == SOCKET_ADDRESS_TYPE_INET) {
        log_say(LOG_LEVEL_INFO, "listening for NBD clients on %s:%s",
                addr->u.inet.host, addr->u.inet.port);
    } else if (addr->type == SOCKET_ADDRESS_TYPE_UNIX) {
        log_say(LOG_LEVEL_INFO, "listening for NBD clients on %s",
                addr->u.q_unix.path);
    } else {
        log_say(LOG_LEVEL_INFO, "listening for NBD clients on socket '%s'",
                addr->u.fd.str);
    }
}

bool nbd_server_start(const NbdServerOptions *options, Error **errp)
{
    NbdConnSettings settings;
    NbdServer *s;
    int fd;

    if (server) {
        error_set(errp, "NBD server already running");
        return false;
    }
    if (!settings_init(&settings, options, errp)) {
        return false;
    }
    fd = listen_at(options->addr, errp);
    if (fd < 0) {
        settings_clear(&settings);
        return false;
    }
    s = g_new0(NbdServer, 1);
    s->fd = fd;
    s->inherited = options->addr->type == SOCKET_ADDRESS_TYPE_FD;
    if (options->addr->type == SOCKET_ADDRESS_TYPE_UNIX &&
        !options->addr->u.q_unix.abstract) {
        /* Absolute, since a daemon changes its directory. */
        s->unix_path =
            g_canonicalize_filename(options->addr->u.q_unix.path, NULL);
    }
    s->max_connections = options->has_max_connections
                             ? options->max_connections
                             : NBD_DEFAULT_MAX_CONNECTIONS;
    s->settings = settings;
    s->accepting = true;
    list_init(&s->conns);
    coqueue_init(&s->changed);
    server = s;
    say_where(options->addr);
    coroutine_wake(coroutine_create(co_acceptor, s));
    return true;
}

void nbd_server_unlink(void)
{
    if (server && server->unix_path) {
        io_unlink(server->unix_path);
    }
}

COROUTINE_ONLY
static void co_stop_listening(NbdServer *s)
{
    s->stopping = true;
    if (!s->inherited) {
        io_shutdown(s->fd);
    }
    io_cancel_fd(s->fd);
    coqueue_wake_all(&s->changed);
    while (s->accepting) {
        co_queue_wait(&s->changed);
    }
    io_close(s->fd);
    if (s->unix_path) {
        io_unlink(s->unix_path);
    }
}

bool co_nbd_server_stop(Error **errp)
{
    NbdServer *s = server;

    if (!nbd_server_running()) {
        error_set(errp, "NBD server not running");
        return false;
    }
    co_stop_listening(s);
    LIST_FOREACH(conn, &s->conns, NbdConn, in_server) {
        nbd_conn_disconnect(conn);
    }
    while (s->n_conns) {
        co_queue_wait(&s->changed);
    }
    /* Nobody holds one any more, so they go in the order they came. */
    co_exports_shutdown_type(BLOCK_EXPORT_TYPE_NBD);
    server = NULL;
    settings_clear(&s->settings);
    g_free(s->unix_path);
    g_free(s);
    return true;
}
