/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP sessions: negotiation, form of requests and replies, order. */
#include "session-client.h"

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
    coqueue_wake_one(&session_gate);
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
    g_assert_cmpuint(session_runs, ==, 0);
    coqueue_wake_one(&session_gate);
    co_expect(&b, DONE);
    co_expect(&a, DONE);
    co_leave(&a);
    co_leave(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/monitor/negotiation", co_negotiation, session_test);
    g_test_add_data_func("/monitor/form", co_form, session_test);
    g_test_add_data_func("/monitor/split", co_split, session_test);
    g_test_add_data_func("/monitor/oob", co_oob, session_test);
    g_test_add_data_func("/monitor/two-sessions", co_two_sessions,
                         session_test);
    return g_test_run();
}
