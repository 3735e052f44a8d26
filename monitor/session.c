/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A QMP session's coroutines: see session.h. */
#include "monitor/session.h"

#include "monitor/control.h"
#include "monitor/dispatch.h"
#include "monitor/output.h"
#include "objects/fd-set.h"
#include "objects/received-fd.h"
#include "util/json/json-parse.h"
#include "util/json/json-print.h"
#include "util/list.h"
#include "util/reactor/recv-fds.h"

#define READ_BYTES (16 * KiB)
/* The parser gets this much at a time, which bounds how many tiny requests
 * come at once. */
#define SLICE_BYTES KiB
/* At the end of the program: how long a client may take to read the rest. */
#define END_GRACE_NS INT64_C(1000000000)

typedef struct Request {
    json_object *doc; /* NULL is JSON's null, unless @err */
    Error *err;       /* it was no JSON */
} Request;

typedef struct Session {
    /* CONST */
    bool pretty;
    JsonParser *parser;
    /* CONTROL */
    unsigned refs; /* of co_session_run and of those who wait on it */
    QmpState state;
    Output output;
    GQueue requests; /* Request * */
    bool ending;     /* co_sessions_end: requests are dropped */
    bool input_ended;
    bool executing;
    bool executor_ended;
    CoQueue changed;
    ListLink link;
} Session;

/* CONTROL */
static ListLink sessions = LIST_INIT(sessions);

static void session_send(Session *s, json_object *answer)
{
    GString *text;

    if (!answer) {
        return;
    }
    text = json_print(answer, s->pretty);
    output_append(&s->output, text->str, text->len);
    g_string_free(text, true);
    json_object_put(answer);
}

/* --- executor ------------------------------------------------------------ */

static void request_free(Request *request)
{
    json_object_put(request->doc);
    error_free(request->err);
    g_free(request);
}

COROUTINE_ONLY CONTROL_ONLY static void co_execute(Session *s, Request *request)
{
    if (request->err) {
        session_send(s, dispatch_error_answer(request->err));
        request->err = NULL;
    } else {
        session_send(s, co_dispatch(&s->state, request->doc));
    }
}

COROUTINE_ONLY
static Request *co_next_request(Session *s)
{
    for (;;) {
        if (g_queue_is_empty(&s->requests)) {
            if (s->input_ended) {
                return NULL;
            }
            co_queue_wait(&s->changed);
        } else if (!output_has_room(&s->output)) {
            /* Meanwhile the reader may take requests out of the queue. */
            co_output_wait_room(&s->output);
        } else {
            return g_queue_pop_head(&s->requests);
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_executor(void *opaque)
{
    Session *s = opaque;
    Request *request;

    while ((request = co_next_request(s))) {
        s->executing = true;
        coqueue_wake_all(&s->changed);
        if (!s->ending) {
            co_execute(s, request);
        }
        request_free(request);
        s->executing = false;
        coqueue_wake_all(&s->changed);
    }
    s->executor_ended = true;
    coqueue_wake_all(&s->changed);
}

/* --- reader -------------------------------------------------------------- */

static void receive(void *opaque, json_object *doc, Error *err)
{
    Session *s = opaque;
    Request *request = g_new0(Request, 1);

    request->doc = doc;
    request->err = err;
    g_queue_push_tail(&s->requests, request);
}

/* Runs what may overtake the requests in front of it. */
COROUTINE_ONLY CONTROL_ONLY static void co_run_oob(Session *s)
{
    GList *item = s->requests.head;

    while (item) {
        GList *next = item->next;
        Request *request = item->data;

        if (!request->err && dispatch_is_oob(&s->state, request->doc)) {
            g_queue_delete_link(&s->requests, item);
            co_execute(s, request);
            request_free(request);
            /* The executor may have taken others while that one ran. */
            next = s->requests.head;
        }
        item = next;
    }
}

COROUTINE_ONLY CONTROL_ONLY static void
co_take_slice(Session *s, const char *buf, size_t bytes)
{
    json_parser_feed(s->parser, buf, bytes, receive, s);
    co_run_oob(s);
    coqueue_wake_all(&s->changed);
    while (!s->ending && !s->output.dead &&
           s->requests.length >= SESSION_MAX_REQUESTS) {
        co_queue_wait(&s->changed);
    }
    /* Answers to what overtakes the queue are not to pile up either. */
    co_output_wait_room(&s->output);
}

COROUTINE_ONLY CONTROL_ONLY static void co_read_all(Session *s)
{
    char *buf = g_malloc(READ_BYTES);
    ssize_t n;

    while (!s->ending && !s->output.dead &&
           (n = co_io_recv_fds(s->output.stream.in_fd, buf, READ_BYTES,
                               received_fd_add)) > 0) {
        for (ssize_t done = 0; done < n; done += SLICE_BYTES) {
            co_take_slice(s, buf + done, MIN(n - done, (ssize_t)SLICE_BYTES));
        }
    }
    received_fds_drop();
    g_free(buf);
}

COROUTINE_ONLY
static void co_sender(void *opaque)
{
    co_output_run(&((Session *)opaque)->output);
}

CONTROL_ONLY
static Session *session_new(const Stream *stream, bool pretty)
{
    Session *s = g_new0(Session, 1);

    s->refs = 1;
    s->pretty = pretty;
    s->parser = json_parser_new(JSON_MAX_DOC_BYTES, JSON_MAX_DEPTH);
    g_queue_init(&s->requests);
    coqueue_init(&s->changed);
    output_init(&s->output, stream);
    list_append(&sessions, &s->link);
    fd_sets_client_came();
    return s;
}

static void session_unref(Session *s)
{
    if (--s->refs) {
        return;
    }
    output_free(&s->output);
    json_parser_free(s->parser);
    g_free(s);
}

/* Standard input that ended is no client that left: what happens is still
 * told on standard output. */
COROUTINE_ONLY
static void co_wait_for_output(Session *s)
{
    bool is_pair = s->output.stream.in_fd != s->output.stream.out_fd;

    while (is_pair && !s->output.dead) {
        co_queue_wait(&s->output.changed);
    }
}

void co_session_run(const Stream *stream, bool pretty)
{
    Session *s = session_new(stream, pretty);

    session_send(s, control_greeting());
    coroutine_start(co_sender, s);
    coroutine_start(co_executor, s);
    co_read_all(s);
    s->input_ended = true;
    coqueue_wake_all(&s->changed);
    while (!s->executor_ended) {
        co_queue_wait(&s->changed);
    }
    fd_sets_client_left();
    co_wait_for_output(s);
    co_output_close(&s->output);
    list_remove(&s->link);
    session_unref(s);
}

/* --- all sessions -------------------------------------------------------- */

void sessions_broadcast(json_object *event)
{
    GString *text[2] = {NULL, NULL};

    LIST_FOREACH(s, &sessions, Session, link) {
        GString **t = &text[s->pretty];

        if (!s->state.negotiated) {
            continue;
        }
        *t = *t ? *t : json_print(event, s->pretty);
        output_append_event(&s->output, (*t)->str, (*t)->len);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(text); i++) {
        if (text[i]) {
            g_string_free(text[i], true);
        }
    }
}

/* One whose client is still there, or NULL. */
static Session *first_alive(void)
{
    LIST_FOREACH(s, &sessions, Session, link) {
        if (!s->output.dead) {
            return s;
        }
    }
    return NULL;
}

void co_sessions_end(void)
{
    int64_t deadline_ns = reactor_now_ns() + END_GRACE_NS;
    Session *s;

    LIST_FOREACH(each, &sessions, Session, link) {
        each->ending = true;
        coqueue_wake_all(&each->changed);
    }
    while ((s = first_alive())) {
        s->refs++;
        while (s->executing) {
            co_queue_wait(&s->changed);
        }
        co_output_wait_sent(&s->output, deadline_ns);
        output_kill(&s->output);
        session_unref(s);
    }
}
