/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Socket chardevs: checks the options, listens, accepts, connects. */
#include "monitor/chardev-int.h"

#include "util/log.h"

/* A listening socket that cannot accept (no descriptors left) is tried again
 * after this. */
#define ACCEPT_RETRY_NS (100 * 1000 * 1000)
#define NS_PER_S INT64_C(1000000000)

static const ChardevSocketOptions *socket_options(const Chardev *chr)
{
    return &chr->options->u.socket;
}

static bool is_server(const ChardevSocketOptions *o)
{
    return o->has_server && o->server;
}

/* --- checks -------------------------------------------------------------- */

static bool check_address(const ChardevSocketOptions *o, Error **errp)
{
    if (!!o->path + !!o->host + !!o->fd > 1) {
        error_set(errp,
                  "None or one of 'path', 'fd' or 'host' option required.");
        return false;
    }
    if (o->host && !o->port) {
        error_set(errp, "chardev: socket: no port given");
        return false;
    }
    if (!o->path && !o->host && !o->fd) {
        error_set(errp, "Unable to parse FD number ");
        return false;
    }
    if (o->has_abstract && o->abstract) {
        error_set(errp, "Abstract unix sockets are not supported");
        return false;
    }
    if (o->has_to) {
        error_set(errp, "Option 'to' is not supported");
        return false;
    }
    return true;
}

static bool check_options(const ChardevSocketOptions *o, Error **errp)
{
    bool reconnect = o->has_reconnect && o->reconnect;

    if (!check_address(o, errp)) {
        return false;
    }
    if (is_server(o) && o->has_reconnect) {
        error_set(errp, "'reconnect' option is incompatible with socket in "
                        "server listen mode");
        return false;
    }
    if (!is_server(o) && o->has_wait) {
        error_set(errp, "'wait' option is incompatible with socket in client "
                        "connect mode");
        return false;
    }
    if (reconnect && (o->reconnect < 0 || o->reconnect > 24 * 3600)) {
        error_set(errp, "Option 'reconnect' must be between 0 and 86400");
        return false;
    }
    if (reconnect && o->fd) {
        error_set(errp, "'reconnect' option is incompatible with 'fd'");
        return false;
    }
    return true;
}

/* --- clients ------------------------------------------------------------- */

static void set_nodelay(const Chardev *chr, int fd)
{
    const ChardevSocketOptions *o = socket_options(chr);

    if (o->host && o->has_nodelay && o->nodelay) {
        io_set_nodelay(fd);
    }
}

COROUTINE_ONLY
static int co_dial(Chardev *chr, Error **errp)
{
    const ChardevSocketOptions *o = socket_options(chr);

    if (o->path) {
        return co_io_connect_unix(o->path, errp);
    }
    if (o->host) {
        return co_io_connect_inet(o->host, o->port, errp);
    }
    return io_inherited_socket(o->fd, errp);
}

COROUTINE_ONLY
static bool co_open_client(Chardev *chr, Error **errp)
{
    const ChardevSocketOptions *o = socket_options(chr);

    if (o->has_reconnect && o->reconnect) {
        return true; /* connected when somebody wants to use it */
    }
    chr->next_fd = co_dial(chr, errp);
    return chr->next_fd >= 0;
}

/* Sleeps, but not beyond a stop. */
COROUTINE_ONLY
static void co_stoppable_sleep(Chardev *chr, int64_t delay_ns)
{
    if (!chr->stopped) {
        co_queue_wait_until(&chr->stop_queue, reactor_now_ns() + delay_ns);
    }
}

COROUTINE_ONLY
static int co_reconnect(Chardev *chr)
{
    const ChardevSocketOptions *o = socket_options(chr);
    int fd = -1;

    if (!o->has_reconnect || !o->reconnect) {
        return -1;
    }
    if (chr->had_connection) {
        co_stoppable_sleep(chr, o->reconnect * NS_PER_S);
    }
    while (!chr->stopped && (fd = co_dial(chr, NULL)) < 0) {
        co_stoppable_sleep(chr, o->reconnect * NS_PER_S);
    }
    return fd;
}

/* --- servers ------------------------------------------------------------- */

static int tristate(bool given, bool value)
{
    return given ? value : -1;
}

static bool listen_at(Chardev *chr, Error **errp)
{
    const ChardevSocketOptions *o = socket_options(chr);

    if (o->path) {
        chr->listen_fd = io_listen_unix(o->path, errp);
        if (chr->listen_fd >= 0) {
            /* Absolute, since a daemon changes its directory. */
            chr->unlink_path = g_canonicalize_filename(o->path, NULL);
        }
    } else if (o->host) {
        chr->listen_fd =
            io_listen_inet(o->host, o->port, tristate(o->has_ipv4, o->ipv4),
                           tristate(o->has_ipv6, o->ipv6), errp);
    } else {
        chr->listen_fd = io_listen_fd(o->fd, errp);
    }
    return chr->listen_fd >= 0;
}

COROUTINE_ONLY
static int co_accept(Chardev *chr)
{
    while (!chr->stopped) {
        int fd = co_io_accept(chr->listen_fd);

        if (fd >= 0) {
            return fd;
        }
        if (fd != -ECANCELED) {
            log_bounded(LOG_LEVEL_WARNING,
                        "a client of chardev '%s' could not be let in: %s",
                        chr->id, strerror(-fd));
            co_stoppable_sleep(chr, ACCEPT_RETRY_NS);
        }
    }
    return -1;
}

static void tell_waiting(const ChardevSocketOptions *o)
{
    if (o->path) {
        error_report("info: waiting for connection on: "
                     "disconnected:unix:%s,server=on",
                     o->path);
    } else if (o->host) {
        error_report("info: waiting for connection on: "
                     "disconnected:tcp:%s:%s,server=on",
                     o->host, o->port);
    } else {
        error_report("info: waiting for connection on descriptor %s", o->fd);
    }
}

COROUTINE_ONLY
static bool co_open_server(Chardev *chr, Error **errp)
{
    const ChardevSocketOptions *o = socket_options(chr);

    if (!listen_at(chr, errp)) {
        return false;
    }
    log_say(LOG_LEVEL_INFO, "chardev '%s' listens", chr->id);
    if (o->has_wait && !o->wait) {
        return true;
    }
    tell_waiting(o);
    chr->next_fd = co_accept(chr);
    if (chr->next_fd < 0) {
        error_set(errp, "Interrupted while waiting for a client");
        return false;
    }
    return true;
}

/* --- interface ----------------------------------------------------------- */

bool co_chardev_socket_open(Chardev *chr, Error **errp)
{
    const ChardevSocketOptions *o = socket_options(chr);

    if (!check_options(o, errp)) {
        return false;
    }
    return is_server(o) ? co_open_server(chr, errp) : co_open_client(chr, errp);
}

int co_chardev_socket_connect(Chardev *chr)
{
    int fd = chr->next_fd;

    if (fd >= 0) {
        chr->next_fd = -1;
    } else if (chr->listen_fd >= 0) {
        fd = co_accept(chr);
    } else {
        fd = co_reconnect(chr);
    }
    if (fd >= 0) {
        set_nodelay(chr, fd);
    }
    return fd;
}
