/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients of QMP sessions over socket pairs, with a small table of commands of
 * our own in place of the generated one: "echo", "slow", "fail", "big",
 * "quiet", "now".
 */
#ifndef TESTS_UNIT_SESSION_CLIENT_H
#define TESTS_UNIT_SESSION_CLIENT_H

#include "util/coroutine/sync.h"

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

/* Where "slow" waits, and how many commands ran. */
extern CoQueue session_gate;
extern unsigned session_runs;

typedef struct Client {
    int fd, server_fd;
    bool pretty, ended;
    CoQueue end;
    GString *in;
} Client;

/* A session of its own for the client; co_open also reads the greeting and
 * negotiates. */
void co_connect(Client *c, bool pretty);
void co_open(Client *c);
void co_send(Client *c, const char *text);
/* The next line without its end, the caller's; NULL at the end. */
char *co_line(Client *c);
void co_expect(Client *c, const char *expected);
/* Sends one line and expects the other. */
void co_ask(Client *c, const char *request, const char *answer);
/* Closes the client's side; waits for the session's end. */
void co_leave(Client *c);
void co_wait_end(Client *c);
/* Lets everything that can run do so. */
void co_settle(void);

/* A GTestDataFunc: runs the CoroutineEntry @co_test with nothing run yet; no
 * coroutine may be left. */
void session_test(const void *co_test);

#endif
