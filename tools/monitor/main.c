/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tidemark monitor`: a session with the monitor of a running program. Lines
 * come from -c, from standard input, or from a person at a terminal, who gets a
 * line editor. Exits with 1 if a command failed or the connection broke.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/monitor/client.h"
#include "tools/monitor/editor.h"
#include "tools/monitor/request.h"
#include "tools/tools.h"
#include "util/json/json-print.h"
#include "util/reactor/reactor.h"

typedef struct Monitor {
    /* CONST */
    const char *path;
    bool qmp;            /* lines are requests of QMP */
    GPtrArray *commands; /* of -c */
    bool interactive;

    Client *client;
    Editor *editor;
    EditorWords words;
    bool failed, broken, ended;
} Monitor;

static void help(void)
{
    printf(
        "Usage: tidemark monitor [OPTION]... SOCKET\n"
        "Give commands to a running daemon or machine, by the unix socket\n"
        "of one of its monitors.\n\n"
        "  --hmp              commands for people (the default)\n"
        "  --qmp              requests of QMP: JSON, or words as in\n"
        "                     block-dirty-bitmap-add node=n0 name=b0\n"
        "  -c, --cmd COMMAND  run it (again for more) and end\n"
        "  -h, --help         this\n"
        "  -V, --version      the version\n\n"
        "Without -c, lines are read from standard input: at a terminal with\n"
        "history and completion (tab). Either kind of monitor will do for\n"
        "--hmp; --qmp wants one that speaks QMP.\n"
        "The command help lists the commands.\n");
}

/* --- one line ------------------------------------------------------------ */

static void print_event(void *opaque, json_object *event)
{
    const Monitor *m = opaque;
    GString *text;

    if (m->qmp) {
        text = json_print(event, false);
        printf("%s%s\n", m->interactive ? "\r" : "", text->str);
        fflush(stdout);
        g_string_free(text, true);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_run_qmp(Monitor *m, const char *line)
{
    Error *err = NULL;
    json_object *request = request_parse(line, &err), *reply = NULL;
    GString *text;

    if (request) {
        reply = co_client_qmp(m->client, request, &err);
        m->ended |= !reply;
        m->broken |= !reply;
    }
    if (!reply) {
        error_report_err(err);
        m->failed = true;
        return;
    }
    m->failed |= json_object_object_get_ex(reply, "error", NULL);
    text = json_print(reply, true);
    printf("%s\n", text->str);
    g_string_free(text, true);
    json_object_put(reply);
}

/* The picture of a bitmap is to fill the terminal. */
static char *fit_to_terminal(const Monitor *m, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    struct winsize size;

    if (m->interactive && g_strv_length(words) == 4 &&
        !strcmp(words[0], "info") && !strcmp(words[1], "bitmaps") &&
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col) {
        return g_strdup_printf("%s %u", line, size.ws_col);
    }
    return g_strdup(line);
}

COROUTINE_ONLY CONTROL_ONLY static void co_run_hmp(Monitor *m, const char *line)
{
    g_autofree char *fitted = fit_to_terminal(m, line);
    Error *err = NULL;
    g_autofree char *text = co_client_hmp(m->client, fitted, &err);

    if (!text) {
        error_report_err(err);
        m->failed = m->broken = m->ended = true;
        return;
    }
    m->failed |= g_str_has_prefix(text, "Error: ") ||
                 g_str_has_prefix(text, "unknown command: ");
    m->ended = client_closed(m->client);
    fputs(text, stdout);
}

COROUTINE_ONLY CONTROL_ONLY static void co_run_line(Monitor *m,
                                                    const char *line)
{
    if (!line[strspn(line, " \t\r\n")]) {
        return;
    }
    if (m->qmp) {
        co_run_qmp(m, line);
    } else {
        co_run_hmp(m, line);
    }
    fflush(stdout);
}

/* --- words for completion ------------------------------------------------ */

/* Names in front of " -- " lines: "stop|s  -- ..." is two of them. */
static void add_commands(GPtrArray *words, const char *help_text,
                         const char *prefix)
{
    g_auto(GStrv) lines = g_strsplit(help_text, "\n", -1);

    for (char **line = lines; *line; line++) {
        const char *name =
            *line + (g_str_has_prefix(*line, prefix) ? strlen(prefix) : 0);
        g_autofree char *first = g_strndup(name, strcspn(name, " "));
        g_auto(GStrv) names = g_strsplit(first, "|", -1);

        for (char **n = names; *n && g_ascii_islower((*line)[0]); n++) {
            /* What stands behind info comes by itself. */
            if (strcmp(*n, "info")) {
                g_ptr_array_add(words, g_strconcat(prefix, *n, NULL));
            }
        }
    }
}

/* "n0 (#block1): a.img (raw)": what stands in front. */
static void add_names(GPtrArray *words, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        if (**line && **line != ' ' && strchr(*line, ':')) {
            g_ptr_array_add(words, g_strndup(*line, strcspn(*line, " :")));
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static char *co_ask(Monitor *m, const char *line)
{
    char *text = co_client_hmp(m->client, line, NULL);

    return text ? text : g_strdup("");
}

COROUTINE_ONLY CONTROL_ONLY static void co_learn_names(Monitor *m)
{
    g_autofree char *devices = co_ask(m, "info block");
    g_autofree char *nodes = co_ask(m, "info block -n");

    g_ptr_array_set_size(m->words.names, 0);
    add_names(m->words.names, devices);
    add_names(m->words.names, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static void co_learn_requests(Monitor *m)
{
    json_object *request = request_parse("query-commands", NULL);
    json_object *reply = co_client_qmp(m->client, request, NULL), *list, *name;

    if (reply && json_object_object_get_ex(reply, "return", &list)) {
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            json_object_object_get_ex(json_object_array_get_idx(list, i),
                                      "name", &name);
            g_ptr_array_add(m->words.commands,
                            g_strdup(json_object_get_string(name)));
        }
    }
    json_object_put(reply);
}

COROUTINE_ONLY CONTROL_ONLY static void co_learn_commands(Monitor *m)
{
    g_autofree char *all = NULL, *info = NULL;

    if (m->qmp) {
        co_learn_requests(m);
        return;
    }
    all = co_ask(m, "help");
    info = co_ask(m, "help info");
    add_commands(m->words.commands, all, "");
    add_commands(m->words.commands, info, "info ");
}

/* --- many lines ---------------------------------------------------------- */

static int64_t read_edited(void *opaque)
{
    Monitor *m = opaque;

    return (intptr_t)editor_read(m->editor);
}

COROUTINE_ONLY CONTROL_ONLY static void co_serve_person(Monitor *m)
{
    char *line;

    m->words.commands = g_ptr_array_new_with_free_func(g_free);
    m->words.names = g_ptr_array_new_with_free_func(g_free);
    m->editor = editor_new(m->qmp ? "(QMP) " : "(tidemark) ", &m->words);
    co_learn_commands(m);
    while (!m->ended) {
        if (!m->qmp) {
            co_learn_names(m);
        }
        line = (char *)(intptr_t)co_worker_run(read_edited, m);
        if (!line) {
            printf("\n");
            break;
        }
        co_run_line(m, line);
        g_free(line);
    }
    editor_free(m->editor);
    g_ptr_array_unref(m->words.commands);
    g_ptr_array_unref(m->words.names);
}

typedef struct Line {
    char *text;
    size_t capacity;
} Line;

static int64_t read_plain(void *opaque)
{
    Line *line = opaque;

    return getline(&line->text, &line->capacity, stdin);
}

COROUTINE_ONLY CONTROL_ONLY static void co_serve_input(Monitor *m)
{
    Line line = {};

    while (!m->ended && co_worker_run(read_plain, &line) >= 0) {
        g_strchomp(line.text);
        co_run_line(m, line.text);
    }
    free(line.text);
}

/* --- the program --------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool co_open(Monitor *m)
{
    Error *err = NULL;

    m->client = co_client_open(m->path, print_event, m, &err);
    if (m->client && m->qmp && !client_is_qmp(m->client)) {
        error_set(&err, "%s: that monitor speaks HMP; leave --qmp away",
                  m->path);
        co_client_close(m->client);
        m->client = NULL;
    }
    if (!m->client) {
        error_report_err(err);
    }
    return m->client;
}

COROUTINE_ONLY CONTROL_ONLY static void co_main(void *opaque)
{
    Monitor *m = opaque;

    if (!co_open(m)) {
        m->failed = true;
        return;
    }
    if (m->interactive) {
        co_serve_person(m);
        /* A person saw what failed. */
        m->failed = m->broken;
    } else if (m->commands->len) {
        for (guint i = 0; i < m->commands->len && !m->ended; i++) {
            co_run_line(m, m->commands->pdata[i]);
        }
    } else {
        co_serve_input(m);
    }
    co_client_close(m->client);
}

/* -1: go on, else the exit status. */
static int parse_arguments(Monitor *m, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, 0, 'h'},      {"version", no_argument, 0, 'V'},
        {"hmp", no_argument, 0, 'H'},       {"qmp", no_argument, 0, 'Q'},
        {"cmd", required_argument, 0, 'c'}, {},
    };
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "hVc:", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            help();
            return 0;
        case 'V':
            printf("tidemark monitor %s\n", TIDEMARK_VERSION);
            return 0;
        case 'H':
        case 'Q':
            m->qmp = option == 'Q';
            break;
        case 'c':
            g_ptr_array_add(m->commands, optarg);
            break;
        default:
            return 1;
        }
    }
    if (optind != argc - 1) {
        error_report("one socket is needed; try tidemark monitor --help");
        return 1;
    }
    m->path = argv[optind];
    return -1;
}

int tool_monitor_main(int argc, char **argv)
{
    Monitor m = {.commands = g_ptr_array_new()};
    int status = parse_arguments(&m, argc, argv);
    Error *err = NULL;

    if (status < 0) {
        m.interactive = !m.commands->len && isatty(STDIN_FILENO);
        if (reactor_new(REACTOR_AUTO, &err)) {
            reactor_run_coroutine(co_main, &m);
            reactor_free(reactor_current());
            status = m.failed ? 1 : 0;
        } else {
            error_report_err(err);
            status = 1;
        }
    }
    g_ptr_array_free(m.commands, true);
    return status;
}
