/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP sessions over socket pairs, with a small table of commands of our own in
 * place of the generated one. */
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/control.h"
#include "monitor/dispatch.h"
#include "monitor/output.h"
#include "monitor/session.h"
#include "qapi/command.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

#define GREETING                                                        \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, " \
    "\"major\": 7}, \"package\": \"tidemark-" TIDEMARK_VERSION "\"}, "  \
    "\"capabilities\": [\"oob\"]}}"
#define NEGOTIATE "{\"execute\": \"qmp_capabilities\"}"
#define NEGOTIATE_OOB                                     \
    "{\"execute\": \"qmp_capabilities\", \"arguments\": " \
    "{\"enable\": [\"oob\"]}}"
#define DONE "{\"return\": {}}"
#define GENERIC(text) ERROR_LINE("GenericError", text)
#define ERROR_LINE(class, text) \
    "{\"error\": {\"class\": \"" class "\", \"desc\": \"" text "\"}}"

/* --- commands ------------------------------------------------------------ */

static CoQueue gate; /* "slow" waits here */
static unsigned runs;

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
    runs++;
    *ret = args ? json_object_get(args) : json_object_new_object();
    return true;
}

static bool run_slow(json_object *args, json_object **ret, Error **errp)
{
    co_queue_wait(&gate);
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

    runs++;
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

typedef struct Client {
    int fd, server_fd;
    bool pretty, ended;
    CoQueue end;
    GString *in;
} Client;

static void co_serve(void *opaque)
{
    Client *c = opaque;
    Stream stream = {c->server_fd, c->server_fd, SIZE_MAX};

    co_session_run(&stream, c->pretty);
    c->ended = true;
    io_close(c->server_fd);
    coqueue_wake_all(&c->end);
}

static void co_connect(Client *c, bool pretty)
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

static void co_send(Client *c, const char *text)
{
    g_assert_cmpint(co_io_send_all(c->fd, text, strlen(text)), ==, 0);
}

/* The next line without its end; NULL at the end of the stream. */
static char *co_line(Client *c)
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

static void co_expect(Client *c, const char *expected)
{
    char *line = co_line(c);

    g_assert_cmpstr(line, ==, expected);
    g_free(line);
}

static void co_open(Client *c)
{
    co_connect(c, false);
    co_expect(c, GREETING);
    co_send(c, NEGOTIATE);
    co_expect(c, DONE);
}

static void co_wait_end(Client *c)
{
    while (!c->ended) {
        co_queue_wait(&c->end);
    }
    g_string_free(c->in, true);
}

static void co_leave(Client *c)
{
    io_close(c->fd);
    co_wait_end(c);
}

/* Lets everything that can run do so. */
static void co_settle(void)
{
    for (int i = 0; i < 50; i++) {
        co_reschedule();
    }
}

static void co_ask(Client *c, const char *request, const char *answer)
{
    co_send(c, request);
    co_expect(c, answer);
}

/* --- tests --------------------------------------------------------------- */

static void co_negotiation(void *opaque)
{
    Client c;

    co_connect(&c, false);
    co_expect(&c, GREETING);
    co_ask(&c, "{\"execute\": \"echo\"}",
           ERROR_LINE("CommandNotFound", "Expecting capabilities negotiation "
                                         "with 'qmp_capabilities'"));
    co_ask(&c, "{\"execute\": \"nosuch\"}",
           ERROR_LINE("CommandNotFound", "Expecting capabilities negotiation "
                                         "with 'qmp_capabilities'"));
    co_ask(&c, NEGOTIATE, DONE);
    co_ask(&c, NEGOTIATE,
           ERROR_LINE("CommandNotFound", "Capabilities negotiation is already "
                                         "complete, command ignored"));
    co_ask(
        &c, "{\"execute\": \"nosuch\"}",
        ERROR_LINE("CommandNotFound", "The command nosuch has not been found"));
    co_ask(&c, "{\"execute\": \"fail\"}",
           ERROR_LINE("DeviceNotFound", "nothing there"));
    co_leave(&c);
}

static void co_form(void *opaque)
{
    Client c;

    co_open(&c);
    co_ask(&c, "[]", GENERIC("QMP input must be a JSON object"));
    co_ask(&c, "null ", GENERIC("QMP input must be a JSON object"));
    co_ask(&c, "{}", GENERIC("QMP input lacks member 'execute'"));
    co_ask(&c, "{\"execute\": 1}",
           GENERIC("QMP input member 'execute' must be a string"));
    co_ask(&c, "{\"execute\": \"echo\", \"arguments\": []}",
           GENERIC("QMP input member 'arguments' must be an object"));
    co_ask(&c, "{\"execute\": \"echo\", \"arguments\": null}",
           GENERIC("QMP input member 'arguments' must be an object"));
    co_ask(&c, "{\"exec-oob\": \"echo\"}",
           GENERIC("QMP input member 'exec-oob' is unexpected"));
    co_ask(&c, "{\"execute\": \"echo\", \"foo\": 1, \"id\": 7}",
           "{\"id\": 7, \"error\": {\"class\": \"GenericError\", \"desc\": "
           "\"QMP input member 'foo' is unexpected\"}}");
    co_ask(&c, "{\"execute\": \"echo\", \"id\": null}",
           "{\"return\": {}, \"id\": null}");
    co_ask(&c, "{'execute': 'echo', 'id': [1, {'a': 'b'}]}",
           "{\"return\": {}, \"id\": [1, {\"a\": \"b\"}]}");
    /* No answer to the first, one to the second. */
    co_ask(&c, "{'execute': 'quiet'}{'execute': 'echo', 'id': 2}",
           "{\"return\": {}, \"id\": 2}");
    co_leave(&c);
}

static void co_split(void *opaque)
{
    const char *text = "{'execute': 'echo',\n 'arguments': {'k': 'v}{'}}";
    char all[40 * 60] = "";
    Client c;

    co_open(&c);
    for (const char *p = text; *p; p++) {
        char one[2] = {*p, 0};

        co_send(&c, one);
        co_settle();
    }
    co_expect(&c, "{\"return\": {\"k\": \"v}{\"}}");
    for (int i = 0; i < 40; i++) {
        g_snprintf(all + strlen(all), sizeof(all) - strlen(all),
                   "{'execute': 'echo', 'id': %d}", i);
    }
    co_send(&c, all);
    for (int i = 0; i < 40; i++) {
        char expected[60];

        g_snprintf(expected, sizeof(expected), "{\"return\": {}, \"id\": %d}",
                   i);
        co_expect(&c, expected);
    }
    co_leave(&c);
}

static void co_oob(void *opaque)
{
    Client c;

    co_connect(&c, false);
    co_expect(&c, GREETING);
    co_ask(&c, NEGOTIATE_OOB, DONE);
    co_ask(&c, "{'exec-oob': 'echo', 'id': 3}",
           "{\"id\": 3, \"error\": {\"class\": \"GenericError\", \"desc\": "
           "\"The command echo does not support OOB\"}}");
    co_ask(&c, "{'exec-oob': 'now', 'execute': 'now'}",
           GENERIC("QMP input member 'execute' clashes with 'exec-oob'"));
    co_send(&c, "{'execute': 'slow', 'id': 1}{'execute': 'echo', 'id': 2}");
    co_ask(&c, "{'exec-oob': 'now', 'id': 3}", "{\"return\": {}, \"id\": 3}");
    coqueue_wake_one(&gate);
    co_expect(&c, "{\"return\": {}, \"id\": 1}");
    co_expect(&c, "{\"return\": {}, \"id\": 2}");
    co_leave(&c);
}

/* Commands of all sessions run one at a time, in order of arrival. */
static void co_two_sessions(void *opaque)
{
    Client a, b;

    co_open(&a);
    co_open(&b);
    co_send(&a, "{'execute': 'slow'}");
    co_settle();
    co_send(&b, "{'execute': 'echo'}");
    co_settle();
    g_assert_cmpuint(runs, ==, 0);
    coqueue_wake_one(&gate);
    co_expect(&b, DONE);
    co_expect(&a, DONE);
    co_leave(&a);
    co_leave(&b);
}

static void broadcast(const char *text)
{
    json_object *event = json_object_new_object();

    json_object_object_add(event, "event", json_object_new_string(text));
    sessions_broadcast(event);
    json_object_put(event);
}

static void co_skip_to(Client *c, const char *wanted)
{
    char *line;

    while (strcmp(line = co_line(c), wanted)) {
        g_assert_null(strstr(line, "event"));
        g_free(line);
    }
    g_free(line);
}

static void co_events(void *opaque)
{
    Client a, b;

    co_open(&a);
    co_connect(&b, true);
    broadcast("E");
    co_expect(&a, "{\"event\": \"E\"}");
    co_expect(&b, "{");
    co_expect(&b, "    \"QMP\": {");
    co_send(&b, NEGOTIATE);
    co_skip_to(&b, "    \"return\": {");
    co_expect(&b, "    }");
    co_expect(&b, "}");
    broadcast("E");
    co_expect(&b, "{");
    co_expect(&b, "    \"event\": \"E\"");
    co_expect(&b, "}");
    co_leave(&a);
    co_leave(&b);
}

/* A client that does not read: its requests stop being read, what waits for
 * it stays bounded, and others are served. */
static void co_no_reader(void *opaque)
{
    GString *many = g_string_new(NULL);
    Client a, b;

    co_open(&a);
    co_open(&b);
    for (int i = 0; i < 500; i++) {
        g_string_append(many, "{'execute': 'big'}");
    }
    co_send(&a, many->str);
    co_settle();
    g_assert_cmpuint(runs, <, 50);
    co_ask(&b, "{'execute': 'echo'}", DONE);
    for (int i = 0; i < 500; i++) {
        char *line = co_line(&a);

        g_assert_cmpuint(strlen(line), >, 64 * KiB);
        g_free(line);
    }
    co_ask(&a, "{'execute': 'echo'}", DONE);
    g_string_free(many, true);
    co_leave(&a);
    co_leave(&b);
}

static void co_flood(void *opaque)
{
    char *text = g_strnfill(60 * KiB, 'e');
    Client a, b;

    co_open(&a);
    co_open(&b);
    /* That it is disconnected is told on stderr. */
    for (uint64_t sent = 0; !a.ended; sent += strlen(text)) {
        char *line;

        g_assert_cmpuint(sent, <, 2 * OUTPUT_HARD_BYTES);
        broadcast(text);
        line = co_line(&b);
        g_assert_cmpuint(strlen(line), >, strlen(text));
        g_free(line);
    }
    g_free(text);
    co_leave(&a);
    co_leave(&b);
}

static void co_garbage(void *opaque)
{
    Client c;

    co_open(&c);
    for (int i = 0; i < 2000; i++) {
        co_send(&c, "}@% \xff \"\n");
    }
    co_settle();
    co_leave(&c);
    co_open(&c);
    co_ask(&c, "{'execute': 'echo'}", DONE);
    co_leave(&c);
}

/* What was received whole is run, although the client has left. */
static void co_gone(void *opaque)
{
    Client c;

    co_open(&c);
    co_send(&c, "{'execute': 'slow'}{'execute': 'echo'}{'execute': 'echo'");
    co_settle();
    io_close(c.fd);
    co_settle();
    coqueue_wake_one(&gate);
    co_wait_end(&c);
    g_assert_cmpuint(runs, ==, 2);
}

static void co_end_task(void *opaque)
{
    bool *ended = opaque;

    co_sessions_end();
    *ended = true;
}

/* The program's end: the command that runs is answered, those behind it are
 * dropped. */
static void co_end(void *opaque)
{
    bool ended = false;
    Client a, b;

    co_open(&a);
    co_open(&b);
    co_send(&a, "{'execute': 'slow', 'id': 1}{'execute': 'echo', 'id': 2}");
    co_send(&b, "{'execute': 'echo', 'id': 3}");
    co_settle();
    dispatch_close();
    coroutine_start(co_end_task, &ended);
    co_settle();
    g_assert_false(ended);
    coqueue_wake_one(&gate);
    co_expect(&a, "{\"return\": {}, \"id\": 1}");
    g_assert_null(co_line(&b));
    co_leave(&a);
    co_leave(&b);
    co_settle();
    g_assert_true(ended);
    g_assert_cmpuint(runs, ==, 1);
}

/* --- main ---------------------------------------------------------------- */

static void run_test(const void *co_test)
{
    Error *err = NULL;
    Reactor *r = reactor_new(REACTOR_AUTO, &err);

    g_assert_nonnull(r);
    runs = 0;
    coqueue_init(&gate);
    dispatch_init();
    reactor_run_coroutine((CoroutineEntry *)co_test, NULL);
    reactor_free(r);
    g_assert_cmpuint(coroutine_count(), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/monitor/negotiation", co_negotiation, run_test);
    g_test_add_data_func("/monitor/form", co_form, run_test);
    g_test_add_data_func("/monitor/split", co_split, run_test);
    g_test_add_data_func("/monitor/oob", co_oob, run_test);
    g_test_add_data_func("/monitor/two-sessions", co_two_sessions, run_test);
    g_test_add_data_func("/monitor/events", co_events, run_test);
    g_test_add_data_func("/monitor/no-reader", co_no_reader, run_test);
    g_test_add_data_func("/monitor/event-flood", co_flood, run_test);
    g_test_add_data_func("/monitor/garbage", co_garbage, run_test);
    g_test_add_data_func("/monitor/client-gone", co_gone, run_test);
    g_test_add_data_func("/monitor/end", co_end, run_test);
    return g_test_run();
}
