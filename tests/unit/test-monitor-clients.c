/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP sessions: events, and clients that do not read, send garbage or go. */
#include "monitor/dispatch.h"
#include "monitor/output.h"
#include "monitor/session.h"
#include "session-client.h"
#include "util/reactor/reactor.h"

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
    g_assert_cmpuint(session_runs, <, 50);
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
    coqueue_wake_one(&session_gate);
    co_wait_end(&c);
    g_assert_cmpuint(session_runs, ==, 2);
}

static void co_end_task(void *opaque)
{
    bool *ended = opaque;

    co_sessions_end();
    *ended = true;
}

/* The program's end: the command that session_runs is answered, those behind it
 * are dropped. */
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
    coqueue_wake_one(&session_gate);
    co_expect(&a, "{\"return\": {}, \"id\": 1}");
    g_assert_null(co_line(&b));
    co_leave(&a);
    co_leave(&b);
    co_settle();
    g_assert_true(ended);
    g_assert_cmpuint(session_runs, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/monitor/events", co_events, session_test);
    g_test_add_data_func("/monitor/no-reader", co_no_reader, session_test);
    g_test_add_data_func("/monitor/event-flood", co_flood, session_test);
    g_test_add_data_func("/monitor/garbage", co_garbage, session_test);
    g_test_add_data_func("/monitor/client-gone", co_gone, session_test);
    g_test_add_data_func("/monitor/end", co_end, session_test);
    return g_test_run();
}
