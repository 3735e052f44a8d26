/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talks to a monitor: see client.h. */
#include "tools/monitor/client.h"

#include "util/coroutine/sync.h"
#include "util/json/json-parse.h"
#include "util/json/json-print.h"
#include "util/reactor/reactor.h"

#define READ_BYTES 16384
#define MAX_DOC_BYTES (64 * MiB)
#define MAX_DEPTH 1024
#define PROMPT "(qemu) "

struct Client {
    int fd;
    bool is_qmp, known; /* known: the greeting has begun */
    bool closed, reader_ended;
    bool quits;         /* quit has been sent, and was not refused */
    GString *text;      /* HMP: what has come */
    JsonParser *parser; /* QMP */
    GQueue replies;     /* json_object *; the greeting is one */
    ClientEventFn *event;
    void *opaque;
    CoQueue changed;
};

bool client_is_qmp(const Client *client)
{
    return client->is_qmp;
}

bool client_closed(const Client *client)
{
    return client->closed || client->quits;
}

/* --- reading ------------------------------------------------------------- */

static void take_document(void *opaque, json_object *doc, Error *err)
{
    Client *c = opaque;

    if (err) {
        error_report("the monitor sent what is no JSON: %s", error_text(err));
        error_free(err);
        return;
    }
    if (json_object_object_get_ex(doc, "event", NULL)) {
        if (c->event) {
            c->event(c->opaque, doc);
        }
        json_object_put(doc);
        return;
    }
    g_queue_push_tail(&c->replies, doc);
}

static void take_bytes(Client *c, const char *bytes, size_t n)
{
    if (!c->known) {
        c->known = true;
        c->is_qmp = bytes[0] == '{';
    }
    if (c->is_qmp) {
        json_parser_feed(c->parser, bytes, n, take_document, c);
    } else {
        g_string_append_len(c->text, bytes, n);
    }
    coqueue_wake_all(&c->changed);
}

COROUTINE_ONLY
static void co_reader(void *opaque)
{
    Client *c = opaque;
    g_autofree char *bytes = g_malloc(READ_BYTES);
    ssize_t n;

    while ((n = co_io_recv(c->fd, bytes, READ_BYTES)) > 0) {
        take_bytes(c, bytes, n);
    }
    c->closed = true;
    c->reader_ended = true;
    coqueue_wake_all(&c->changed);
}

/* --- waiting for an answer ----------------------------------------------- */

COROUTINE_ONLY
static json_object *co_next_reply(Client *c, Error **errp)
{
    while (!c->closed && g_queue_is_empty(&c->replies)) {
        co_queue_wait(&c->changed);
    }
    if (g_queue_is_empty(&c->replies)) {
        error_set(errp, "the monitor has closed the connection");
    }
    return g_queue_pop_head(&c->replies);
}

/* Up to the next prompt; what came before it, the echo of the line included.
 * NULL if the connection ended before. */
COROUTINE_ONLY
static char *co_next_text(Client *c)
{
    GString *text = c->text;

    while (!g_str_has_suffix(text->str, "\n" PROMPT) && !c->closed) {
        co_queue_wait(&c->changed);
    }
    if (!g_str_has_suffix(text->str, "\n" PROMPT)) {
        return NULL;
    }
    g_string_truncate(text, text->len - strlen(PROMPT));
    c->text = g_string_new(NULL);
    return g_string_free(text, false);
}

/* --- commands ------------------------------------------------------------ */

json_object *co_client_qmp(Client *c, json_object *request, Error **errp)
{
    GString *text = json_print(request, false);
    int ret;

    json_object_put(request);
    g_string_append_c(text, '\n');
    ret = co_io_send_all(c->fd, text->str, text->len);
    g_string_free(text, true);
    if (ret < 0) {
        error_set_errno(errp, -ret, "the monitor cannot be written to");
        return NULL;
    }
    return co_next_reply(c, errp);
}

static json_object *human_request(const char *line)
{
    json_object *request = json_object_new_object();
    json_object *args = json_object_new_object();

    json_object_object_add(args, "command-line", json_object_new_string(line));
    json_object_object_add(request, "execute",
                           json_object_new_string("human-monitor-command"));
    json_object_object_add(request, "arguments", args);
    return request;
}

static char *without_returns(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);

    return g_strjoinv("\n", lines);
}

/* The text of the answer to human-monitor-command, or of its error. */
COROUTINE_ONLY CONTROL_ONLY static char *
co_hmp_by_qmp(Client *c, const char *line, Error **errp)
{
    json_object *reply = co_client_qmp(c, human_request(line), errp);
    json_object *value, *desc;
    char *text = NULL;

    if (!reply) {
        return NULL;
    }
    if (json_object_object_get_ex(reply, "return", &value)) {
        text = without_returns(json_object_get_string(value));
    } else if (json_object_object_get_ex(reply, "error", &value) &&
               json_object_object_get_ex(value, "desc", &desc)) {
        text = g_strdup_printf("Error: %s\n", json_object_get_string(desc));
    }
    json_object_put(reply);
    return text;
}

COROUTINE_ONLY CONTROL_ONLY static char *
co_hmp_direct(Client *c, const char *line, Error **errp)
{
    g_autofree char *sent = g_strconcat(line, "\n", NULL);
    g_autofree char *text = NULL;
    int ret = co_io_send_all(c->fd, sent, strlen(sent));
    const char *answer;

    if (ret < 0) {
        error_set_errno(errp, -ret, "the monitor cannot be written to");
        return NULL;
    }
    text = co_next_text(c);
    if (!text) {
        error_set(errp, "the monitor has closed the connection");
        return NULL;
    }
    /* The echo is one line. */
    answer = strchr(text, '\n');
    return without_returns(answer ? answer + 1 : "");
}

static bool is_quit(const char *line)
{
    g_autofree char *word = g_strstrip(g_strdup(line));

    return !strcmp(word, "quit") || !strcmp(word, "q");
}

char *co_client_hmp(Client *c, const char *line, Error **errp)
{
    Error *err = NULL;
    char *text =
        c->is_qmp ? co_hmp_by_qmp(c, line, &err) : co_hmp_direct(c, line, &err);

    if (is_quit(line) && (!text || !*text)) {
        c->quits = true;
        error_free(err);
        return text ? text : g_strdup("");
    }
    error_propagate(errp, err);
    return text;
}

/* --- life ---------------------------------------------------------------- */

static json_object *negotiation(void)
{
    json_object *request = json_object_new_object();

    json_object_object_add(request, "execute",
                           json_object_new_string("qmp_capabilities"));
    return request;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_greet(Client *c, Error **errp)
{
    json_object *reply;
    char *banner;

    while (!c->known && !c->closed) {
        co_queue_wait(&c->changed);
    }
    if (!c->is_qmp) {
        banner = co_next_text(c);
        if (!banner) {
            error_set(errp, "there is no monitor: no greeting came");
        }
        g_free(banner);
        return banner;
    }
    reply = co_next_reply(c, errp);
    json_object_put(reply);
    if (reply) {
        reply = co_client_qmp(c, negotiation(), errp);
        json_object_put(reply);
    }
    return reply;
}

Client *co_client_open(const char *path, ClientEventFn *event, void *opaque,
                       Error **errp)
{
    int fd = co_io_connect_unix(path, errp);
    Client *c;

    if (fd < 0) {
        return NULL;
    }
    c = g_new0(Client, 1);
    c->fd = fd;
    c->event = event;
    c->opaque = opaque;
    c->text = g_string_new(NULL);
    c->parser = json_parser_new(MAX_DOC_BYTES, MAX_DEPTH);
    g_queue_init(&c->replies);
    coqueue_init(&c->changed);
    coroutine_start(co_reader, c);
    if (!co_greet(c, errp)) {
        co_client_close(c);
        return NULL;
    }
    return c;
}

void co_client_close(Client *c)
{
    json_object *reply;

    io_cancel_fd(c->fd);
    while (!c->reader_ended) {
        co_queue_wait(&c->changed);
    }
    io_close(c->fd);
    while ((reply = g_queue_pop_head(&c->replies))) {
        json_object_put(reply);
    }
    json_parser_free(c->parser);
    g_string_free(c->text, true);
    g_free(c);
}
