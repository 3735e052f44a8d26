/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection between source and destination, as a URI says it.
 */
#include "migration/migration-int.h"

#include <sys/socket.h>

#include "objects/named-fd.h"

/* --- what is asked for --------------------------------------------------- */

static bool parse_inet(Channel *c, const char *text, Error **errp)
{
    const char *colon = strrchr(text, ':');

    if (!colon || !colon[1]) {
        error_set(errp, "error parsing address '%s'", text);
        return false;
    }
    c->host = *text == '[' && colon > text && colon[-1] == ']'
                  ? g_strndup(text + 1, colon - text - 2)
                  : g_strndup(text, colon - text);
    c->port = g_strndup(colon + 1, strcspn(colon + 1, ","));
    return true;
}

static bool take_fd(Channel *c, const char *name, Error **errp)
{
    int type;
    socklen_t length = sizeof(type);

    c->fd = named_fd_param(name, errp);
    c->write_fd = c->fd;
    c->both_ways = false;
    if (c->fd >= 0 &&
        getsockopt(c->fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 &&
        errno != ENOTSOCK) {
        error_set_errno(errp, errno, "Unable to use descriptor '%s'", name);
        channel_close(c);
    }
    return c->fd >= 0;
}

bool channel_parse(Channel *c, const char *uri, const char *bad, Error **errp)
{
    *c = (Channel){.fd = -1, .write_fd = -1, .listen_fd = -1, .pending.fd = -1};
    if (g_str_has_prefix(uri, "unix:")) {
        c->path = g_strdup(uri + strlen("unix:"));
        c->both_ways = true;
        return true;
    }
    if (g_str_has_prefix(uri, "tcp:")) {
        c->both_ways = true;
        return parse_inet(c, uri + strlen("tcp:"), errp);
    }
    if (g_str_has_prefix(uri, "exec:")) {
        c->command = g_strdup(uri + strlen("exec:"));
        return true;
    }
    if (g_str_has_prefix(uri, "fd:")) {
        return take_fd(c, uri + strlen("fd:"), errp);
    }
    error_set(errp, bad, uri);
    return false;
}

/* --- exec: --------------------------------------------------------------- */

/* Its standard input is what is written, its standard output what is read. */
static bool start_command(Channel *c, bool write, Error **errp)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", c->command, NULL};
    g_autoptr(GError) error = NULL;

    if (!g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                                  NULL, write ? &c->write_fd : NULL,
                                  write ? NULL : &c->fd, NULL, &error)) {
        error_set(errp, "Unable to run '%s': %s", c->command, error->message);
        return false;
    }
    return true;
}

/* --- out ----------------------------------------------------------------- */

bool co_channel_connect(Channel *c, Error **errp)
{
    IoAddress address = {.path = c->path,
                         .host = c->host,
                         .port = c->port,
                         .ipv4 = -1,
                         .ipv6 = -1};

    if (c->command) {
        return start_command(c, true, errp);
    }
    if (c->fd < 0) {
        c->fd = co_io_connect(&address, &c->pending, errp);
        c->write_fd = c->fd;
    }
    return c->fd >= 0;
}

/* --- in ------------------------------------------------------------------ */

static SocketAddress *listened_address(const Channel *c)
{
    SocketAddress *address = g_new0(SocketAddress, 1);

    if (c->path) {
        address->type = SOCKET_ADDRESS_TYPE_UNIX;
        address->u.q_unix.path = g_strdup(c->path);
        return address;
    }
    address->type = SOCKET_ADDRESS_TYPE_INET;
    if (!io_local_address(c->listen_fd, &address->u.inet.host,
                          &address->u.inet.port)) {
        address->u.inet.host = g_strdup(c->host);
        address->u.inet.port = g_strdup(c->port);
    }
    return address;
}

bool channel_listen(Channel *c, Error **errp)
{
    if (c->fd >= 0) {
        return true;
    }
    if (c->command) {
        return start_command(c, false, errp);
    }
    c->listen_fd = c->path ? io_listen_unix(c->path, errp)
                           : io_listen_inet(c->host, c->port, -1, -1, errp);
    if (c->listen_fd < 0) {
        return false;
    }
    c->unlink = g_strdup(c->path);
    c->address = listened_address(c);
    return true;
}

static void stop_listening(Channel *c)
{
    if (c->listen_fd >= 0) {
        io_close(c->listen_fd);
        c->listen_fd = -1;
    }
    if (c->unlink) {
        io_unlink(c->unlink);
        g_clear_pointer(&c->unlink, g_free);
    }
}

bool co_channel_accept(Channel *c, Error **errp)
{
    int fd;

    if (c->fd >= 0) {
        return true;
    }
    fd = co_io_accept(c->listen_fd);
    stop_listening(c);
    if (fd < 0) {
        error_set_errno(errp, -fd, "Unable to accept a connection");
        return false;
    }
    c->fd = fd;
    c->write_fd = fd;
    return true;
}

/* --- the end ------------------------------------------------------------- */

void channel_give_up(Channel *c)
{
    io_give_up(&c->pending);
    if (c->listen_fd >= 0) {
        io_cancel_fd(c->listen_fd);
    }
    if (c->fd >= 0) {
        io_cancel_fd(c->fd);
    }
    if (c->write_fd >= 0 && c->write_fd != c->fd) {
        io_cancel_fd(c->write_fd);
    }
}

void channel_close(Channel *c)
{
    stop_listening(c);
    if (c->write_fd >= 0 && c->write_fd != c->fd) {
        io_close(c->write_fd);
    }
    if (c->fd >= 0) {
        io_close(c->fd);
    }
    SocketAddress_free(c->address);
    g_free(c->path);
    g_free(c->host);
    g_free(c->port);
    g_free(c->command);
    *c = (Channel){.fd = -1, .write_fd = -1, .listen_fd = -1, .pending.fd = -1};
}
