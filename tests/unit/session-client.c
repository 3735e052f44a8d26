/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See session-client.h. */
#include "session-client.h"

#include <sys/socket.h>
#include <unistd.h>

#include "monitor/dispatch.h"
#include "monitor/session.h"
#include "qapi/command.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

CoQueue session_gate;
unsigned session_runs;

/* --- commands ------------------------------------------------------------ */

static bool run_capabilities(json_object *args, json_object **ret, Error **errp)
{
    json_object *in = args ? json_object_get(args) : json_object_new_object();
    QmpQmpCapabilitiesArgs *a = QmpQmpCapabilitiesArgs_from_json(in, errp);
    bool ok = a && qmp_qmp_capabilities(a, errp);

    *ret = ok ? json_object_new_object() : NULL;
    QmpQmpCapabilitiesArgs_free(a);
    json_object_put(in);
    return ok;
}

static bool run_echo(json_object *args, json_object **ret, Error **errp)
{
    session_runs++;
    *ret = args ? json_object_get(args) : json_object_new_object();
    return true;
}

static bool run_slow(json_object *args, json_object **ret, Error **errp)
{
    co_queue_wait(&session_gate);
    return run_echo(args, ret, errp);
}

static bool run_fail(json_object *args, json_object **ret, Error **errp)
{
    error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "nothing there");
    return false;
}

static bool run_big(json_object *args, json_object **ret, Error **errp)
{
    char *text = g_strnfill(64 * KiB, 'x');

    session_runs++;
    *ret = json_object_new_string(text);
    g_free(text);
    return true;
}

static const QmpCommand commands[] = {
    {.name = "qmp_capabilities",
     .success_response = true,
     .run = run_capabilities},
    {.name = "echo", .success_response = true, .run = run_echo},
    {.name = "slow", .success_response = true, .run = run_slow},
    {.name = "fail", .success_response = true, .run = run_fail},
    {.name = "big", .success_response = true, .run = run_big},
    {.name = "quiet", .success_response = false, .run = run_echo},
    {.name = "now",
     .allow_oob = true,
     .success_response = true,
     .run = run_echo},
};

const QmpCommand *qmp_command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (!strcmp(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

const QmpCommand *qmp_commands(size_t *n)
{
    *n = ARRAY_SIZE(commands);
    return commands;
}

/* --- clients ------------------------------------------------------------- */

static void co_serve(void *opaque)
{
    Client *c = opaque;
    Stream stream = {c->server_fd, c->server_fd, SIZE_MAX};

    co_session_run(&stream, c->pretty);
    c->ended = true;
    io_close(c->server_fd);
    coqueue_wake_all(&c->end);
}

void co_connect(Client *c, bool pretty)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
    *c = (Client){.fd = fds[0],
                  .server_fd = fds[1],
                  .pretty = pretty,
                  .in = g_string_new(NULL)};
    coqueue_init(&c->end);
    coroutine_start(co_serve, c);
}

void co_send(Client *c, const char *text)
{
    g_assert_cmpint(co_io_send_all(c->fd, text, strlen(text)), ==, 0);
}

char *co_line(Client *c)
{
    char *end, *line, buf[4096];

    while (!(end = strstr(c->in->str, "\r\n"))) {
        ssize_t n = co_io_recv(c->fd, buf, sizeof(buf));

        if (n <= 0) {
            return NULL;
        }
        g_string_append_len(c->in, buf, n);
    }
    line = g_strndup(c->in->str, end - c->in->str);
    g_string_erase(c->in, 0, end + 2 - c->in->str);
    return line;
}

void co_expect(Client *c, const char *expected)
{
    char *line = co_line(c);

    g_assert_cmpstr(line, ==, expected);
    g_free(line);
}

void co_open(Client *c)
{
    co_connect(c, false);
    co_expect(c, GREETING);
    co_send(c, NEGOTIATE);
    co_expect(c, DONE);
}

void co_wait_end(Client *c)
{
    while (!c->ended) {
        co_queue_wait(&c->end);
    }
    g_string_free(c->in, true);
}

void co_leave(Client *c)
{
    io_close(c->fd);
    co_wait_end(c);
}

void co_settle(void)
{
    for (int i = 0; i < 50; i++) {
        co_reschedule();
    }
}

void co_ask(Client *c, const char *request, const char *answer)
{
    co_send(c, request);
    co_expect(c, answer);
}

void session_test(const void *co_test)
{
    Error *err = NULL;
    Reactor *r = reactor_new(REACTOR_AUTO, &err);

    g_assert_nonnull(r);
    session_runs = 0;
    coqueue_init(&session_gate);
    dispatch_init();
    reactor_run_coroutine((CoroutineEntry *)co_test, NULL);
    reactor_free(r);
    g_assert_cmpuint(coroutine_count(), ==, 0);
}
