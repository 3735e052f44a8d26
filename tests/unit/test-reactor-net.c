/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening, connecting, addresses, and the texts of what goes wrong. */
#include "tests/unit/reactor-cases.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir, *path;

/* Takes @err, which must read @text. */
static void check_error(Error *err, const char *text)
{
    g_assert_nonnull(err);
    g_assert_cmpstr(error_text(err), ==, text);
    error_free(err);
}

/* --- unix ---------------------------------------------------------------- */

typedef struct Server {
    int fd;
    CoCount left;
} Server;

static void serves_one(void *opaque)
{
    Server *s = opaque;
    int fd = co_io_accept(s->fd);
    char byte;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
    g_assert_cmpint(co_io_recv_all(fd, &byte, 1), ==, 0);
    g_assert_cmpint(co_io_send_all(fd, &byte, 1), ==, 0);
    io_close(fd);
    cocount_dec(&s->left);
}

static void server_start(Server *s, int fd)
{
    s->fd = fd;
    cocount_init(&s->left);
    cocount_inc(&s->left);
    coroutine_start(serves_one, s);
}

/* Talks to the server on the connection @fd and ends both. */
static void talk(Server *s, int fd)
{
    char byte = 'x', end;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(co_io_send_all(fd, &byte, 1), ==, 0);
    g_assert_cmpint(co_io_recv_all(fd, &byte, 1), ==, 0);
    g_assert_cmpint(byte, ==, 'x');
    g_assert_cmpint(co_io_recv_all(fd, &end, 1), ==, 1);
    co_count_wait_zero(&s->left);
    io_close(fd);
}

static void co_unix(void *unused)
{
    int fd = io_listen_unix(path, NULL);
    char *host, *port;
    Server s;

    g_assert_cmpint(fd, >=, 0);
    for (int i = 0; i < 10; i++) {
        server_start(&s, fd);
        talk(&s, co_io_connect_unix(path, NULL));
    }
    g_assert_false(io_local_address(fd, &host, &port));
    io_close(fd);
}

static void co_unix_stale(void *unused)
{
    g_autofree char *text = g_strdup_printf(
        "Failed to bind socket to %s: Address already in use", path);
    Error *err = NULL;
    int fd = io_listen_unix(path, NULL), again;

    g_assert_cmpint(fd, >=, 0);
    /* It is replaced, also while somebody listens. */
    again = io_listen_unix(path, NULL);
    g_assert_cmpint(again, >=, 0);
    io_close(again);
    io_close(fd);
    /* Something else stays what it is, unless it is empty. */
    unlink(path);
    g_assert_true(g_file_set_contents(path, "", -1, NULL));
    again = io_listen_unix(path, NULL);
    g_assert_cmpint(again, >=, 0);
    io_close(again);
    unlink(path);
    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    g_assert_cmpint(io_listen_unix(path, &err), ==, -1);
    check_error(err, text);
    g_assert_cmpint(access(path, R_OK), ==, 0);
    unlink(path);
}

static void co_unix_errors(void *unused)
{
    char name[109];
    g_autofree char *text = NULL;
    Error *err = NULL;

    memset(name, 'a', 108);
    name[108] = 0;
    text = g_strdup_printf("UNIX socket path '%s' is too long", name);
    g_assert_cmpint(io_listen_unix(name, &err), ==, -1);
    g_assert_cmpstr(error_hint(err), ==, "Path must be less than 108 bytes\n");
    check_error(err, text);
    err = NULL;
    g_assert_cmpint(co_io_connect_unix(name, &err), ==, -1);
    check_error(err, text);
    err = NULL;
    g_assert_cmpint(io_listen_unix("/nonexist/x", &err), ==, -1);
    check_error(err, "Failed to bind socket to /nonexist/x: "
                     "No such file or directory");
    err = NULL;
    g_assert_cmpint(co_io_connect_unix("/nonexistent", &err), ==, -1);
    check_error(err, "Failed to connect to '/nonexistent': "
                     "No such file or directory");
}

/* --- inet ---------------------------------------------------------------- */

static void co_inet(void *unused)
{
    Error *err = NULL;
    int fd = io_listen_inet("127.0.0.1", "0", -1, -1, NULL), conn;
    g_autofree char *host = NULL, *port = NULL, *text = NULL;
    Server s;

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(io_local_address(fd, &host, &port));
    g_assert_cmpstr(host, ==, "127.0.0.1");
    server_start(&s, fd);
    conn = co_io_connect_inet("127.0.0.1", port, NULL);
    g_assert_cmpint(io_set_nodelay(conn), ==, 0);
    talk(&s, conn);
    g_assert_cmpint(io_listen_inet("127.0.0.1", port, -1, -1, &err), ==, -1);
    check_error(err, "Failed to find an available port: "
                     "Address already in use");
    io_close(fd);
    err = NULL;
    g_assert_cmpint(co_io_connect_inet("127.0.0.1", port, &err), ==, -1);
    text = g_strdup_printf("Failed to connect to '127.0.0.1:%s': "
                           "Connection refused",
                           port);
    check_error(err, text);
}

/* No host: everything that arrives at the port. */
static void co_inet_wildcard(void *unused)
{
    int fd = io_listen_inet("", "0", -1, -1, NULL);
    g_autofree char *host = NULL, *port = NULL;
    Server s;

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(io_local_address(fd, &host, &port));
    server_start(&s, fd);
    talk(&s, co_io_connect_inet("127.0.0.1", port, NULL));
    io_close(fd);
}

static void listen_fails(const char *host, const char *port, int ipv4, int ipv6,
                         const char *text)
{
    Error *err = NULL;

    g_assert_cmpint(io_listen_inet(host, port, ipv4, ipv6, &err), ==, -1);
    check_error(err, text);
}

static void co_inet_errors(void *unused)
{
    Error *err = NULL;

    listen_fails("127.0.0.1", "foo", -1, -1,
                 "address resolution failed for 127.0.0.1:foo: "
                 "Servname not supported for ai_socktype");
    listen_fails("127.0.0.1", "99999", -1, -1,
                 "address resolution failed for 127.0.0.1:99999: "
                 "Servname not supported for ai_socktype");
    listen_fails("127.0.0.1", "1", 0, -1,
                 "address resolution failed for 127.0.0.1:1: "
                 "Address family for hostname not supported");
    listen_fails("::1", "1", -1, 0,
                 "address resolution failed for ::1:1: "
                 "Address family for hostname not supported");
    listen_fails("::1", "1", 0, 0, "Cannot disable IPv4 and IPv6 at same time");
    listen_fails("192.0.2.1", "0", -1, -1,
                 "Failed to bind socket: Cannot assign requested address");
    g_assert_cmpint(co_io_connect_inet("127.0.0.1", "foo", &err), ==, -1);
    check_error(err, "address resolution failed for 127.0.0.1:foo: "
                     "Servname not supported for ai_socktype");
}

static void accepts_cancelled(void *opaque)
{
    Server *s = opaque;

    g_assert_cmpint(co_io_accept(s->fd), ==, -ECANCELED);
    cocount_dec(&s->left);
}

static void co_accept_cancel(void *unused)
{
    Server s = {.fd = io_listen_unix(path, NULL)};

    cocount_init(&s.left);
    cocount_inc(&s.left);
    coroutine_start(accepts_cancelled, &s);
    co_reschedule();
    io_cancel_fd(s.fd);
    co_count_wait_zero(&s.left);
    io_close(s.fd);
}

/* Shut down and cancelled before the back end has seen the operation: then
 * the socket is ready, for ever. */
static void co_accept_stop(void *unused)
{
    for (int turns = 0; turns < 3; turns++) {
        Server s = {.fd = io_listen_unix(path, NULL)};

        cocount_init(&s.left);
        cocount_inc(&s.left);
        coroutine_start(accepts_cancelled, &s);
        for (int i = 0; i < turns; i++) {
            co_reschedule();
        }
        io_shutdown(s.fd);
        io_cancel_fd(s.fd);
        co_count_wait_zero(&s.left);
        io_close(s.fd);
    }
}

static void accepts_nobody(void *opaque)
{
    Server *s = opaque;

    g_assert_cmpint(co_io_accept(s->fd), ==, -EINVAL);
    cocount_dec(&s->left);
}

/* As somebody does who shares the socket. */
static void co_accept_shutdown(void *unused)
{
    Server s = {.fd = io_listen_unix(path, NULL)};

    cocount_init(&s.left);
    cocount_inc(&s.left);
    coroutine_start(accepts_nobody, &s);
    co_reschedule();
    io_shutdown(s.fd);
    co_count_wait_zero(&s.left);
    io_close(s.fd);
}

static const ReactorCase cases[] = {
    {"unix", co_unix},
    {"unix-stale", co_unix_stale},
    {"unix-errors", co_unix_errors},
    {"inet", co_inet},
    {"inet-wildcard", co_inet_wildcard},
    {"inet-errors", co_inet_errors},
    {"accept-cancel", co_accept_cancel},
    {"accept-stop", co_accept_stop},
    {"accept-shutdown", co_accept_shutdown},
};

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("test-reactor-net-XXXXXX", NULL);
    path = g_build_filename(dir, "socket", NULL);
    reactor_cases_add("reactor-net", cases, ARRAY_SIZE(cases), false);
    ret = g_test_run();
    unlink(path);
    rmdir(dir);
    g_free(path);
    g_free(dir);
    return ret;
}
