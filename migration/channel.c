/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection between source and destination. What a URI says of it, uri.c
 * reads.
 */
#include "migration/migration-int.h"

#include <poll.h>
#include <sys/ioctl.h>

/* How often it is looked whether a command has taken what was written, and how
 * often at most: one that neither reads nor ends holds nobody up. */
#define DRAIN_LOOK_NS INT64_C(1000000)
#define DRAIN_LOOKS 1000

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
                         .ipv4 = -1, /* any address will do, as in QEMU */
                         .ipv6 = -1,
                         .keep_alive = c->keep_alive};

    if (c->command) {
        return start_command(c, true, errp);
    }
    if (c->fd < 0) {
        c->fd = co_io_connect(&address, &c->pending, errp);
        c->write_fd = c->fd;
    }
    return c->fd >= 0;
}

/* A pipe takes all of a short stream, whether its reader is there or not. */
bool co_channel_drain(Channel *c, Error **errp)
{
    struct pollfd end = {.fd = c->write_fd, .events = 0};
    int left;

    for (unsigned i = 0; c->command && i < DRAIN_LOOKS &&
                         !ioctl(c->write_fd, FIONREAD, &left) && left;
         i++) {
        if (poll(&end, 1, 0) > 0 && (end.revents & POLLERR)) {
            error_set_errno(errp, EPIPE, "Unable to write to command");
            return false;
        }
        co_sleep_ns(DRAIN_LOOK_NS);
    }
    return true;
}

/* --- in ------------------------------------------------------------------ */

static SocketAddress *listened_address(const Channel *c)
{
    SocketAddress *address = g_new0(SocketAddress, 1);
    InetSocketAddress *inet = &address->u.inet;

    if (c->path) {
        address->type = SOCKET_ADDRESS_TYPE_UNIX;
        address->u.q_unix.path = g_strdup(c->path);
        return address;
    }
    address->type = SOCKET_ADDRESS_TYPE_INET;
    if (io_local_address(c->listen_fd, &inet->host, &inet->port)) {
        bool v6 = strchr(inet->host, ':');

        inet->has_ipv4 = inet->ipv4 = !v6;
        inet->has_ipv6 = inet->ipv6 = v6;
    } else {
        inet->host = g_strdup(c->host);
        inet->port = g_strdup(c->port);
    }
    return address;
}

/* At the first port that is free, of those that will do. */
static int listen_inet(const Channel *c, Error **errp)
{
    unsigned long port = strtoul(c->port, NULL, 10);

    for (;; port++) {
        g_autofree char *text = g_strdup_printf("%lu", port);
        Error *err = NULL;
        int fd = io_listen_inet(c->host, c->to ? text : c->port, c->ipv4,
                                c->ipv6, &err);

        if (fd >= 0 || port >= c->to) {
            error_propagate(errp, err);
            return fd;
        }
        error_free(err);
    }
}

bool channel_listen(Channel *c, Error **errp)
{
    if (c->fd >= 0) {
        return true;
    }
    if (c->command) {
        return start_command(c, false, errp);
    }
    c->listen_fd =
        c->path ? io_listen_unix(c->path, errp) : listen_inet(c, errp);
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
