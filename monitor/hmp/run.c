/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the command of a line and runs it; help. */
#include <stdio.h>

#include "devices/about.h"
#include "monitor/hmp/hmp-int.h"

/* Whether @word is one of the names in @name, which '|' separates. */
static bool name_is(const char *name, const char *word)
{
    size_t n = strlen(word);

    for (;;) {
        if (!strncmp(name, word, n) && (!name[n] || name[n] == '|')) {
            return n > 0;
        }
        name = strchr(name, '|');
        if (!name) {
            return false;
        }
        name++;
    }
}

const HmpCommand *hmp_find(const HmpCommand *const *list, const char *word)
{
    for (; *list; list++) {
        if (name_is((*list)->name, word)) {
            return *list;
        }
    }
    return NULL;
}

/* --- help ---------------------------------------------------------------- */

static void help_one(Hmp *hmp, const HmpCommand *command, const char *prefix)
{
    hmp_printf(hmp, "%s%s %s -- %s\n", prefix, command->name, command->params,
               command->help);
}

static void help_list(Hmp *hmp, const HmpCommand *const *list,
                      const char *prefix)
{
    for (; *list; list++) {
        help_one(hmp, *list, prefix);
    }
}

void hmp_help(Hmp *hmp, const char *topic)
{
    const HmpCommand *const *list = hmp_commands;
    g_autoptr(GString) prefix = g_string_new(NULL);
    const HmpCommand *command;
    char *word;

    if (!topic || !*topic) {
        help_list(hmp, list, "");
        return;
    }
    while ((word = hmp_take_word(&topic))) {
        command = list ? hmp_find(list, word) : NULL;
        if (!command) {
            hmp_printf(hmp, "unknown command: '%s%s'\n", prefix->str, word);
            g_free(word);
            return;
        }
        g_free(word);
        list = command->sub;
        if (!list) {
            help_one(hmp, command, prefix->str);
            return;
        }
        g_string_append_printf(prefix, "%s ", command->name);
    }
    help_list(hmp, list, prefix->str);
}

/* --- running ------------------------------------------------------------- */

/* What is said without doing anything. */
CONTROL_ONLY
static void answer(Hmp *hmp, const HmpCommand *command)
{
    const char *said =
        machine_cpus() || !command->bare ? command->answer : command->bare;

    if (said) {
        hmp_printf(hmp, "%s", said);
    } else {
        hmp_printf(hmp, "Error: %.*s: %s\n", (int)strcspn(command->name, "|"),
                   command->name, command->refused);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void
co_run_command(Hmp *hmp, const HmpCommand *command, json_object *args)
{
    if (command->qmp) {
        co_hmp_call(hmp, command->qmp, json_object_get(args), NULL);
    } else if (command->co_run) {
        command->co_run(hmp, args);
    } else {
        answer(hmp, command);
    }
}

/* The command's name ends at a blank, or at the format of a number. */
static char *take_name(const char **p)
{
    const char *begin;

    while (g_ascii_isspace(**p)) {
        ++*p;
    }
    begin = *p;
    while (**p && !g_ascii_isspace(**p) && **p != '/') {
        ++*p;
    }
    return g_strndup(begin, *p - begin);
}

static const HmpCommand *find_command(Hmp *hmp, const char *line,
                                      const char **p)
{
    const HmpCommand *const *list = hmp_commands;
    const HmpCommand *command = NULL;

    while (list) {
        g_autofree char *word = take_name(p);

        if (!*word && command) {
            return command; /* "info" alone */
        }
        command = hmp_find(list, word);
        if (!command) {
            hmp_printf(hmp, "unknown command: '%.*s'\n", (int)(*p - line),
                       line);
            return NULL;
        }
        list = command->sub;
    }
    return command;
}

GString *co_hmp_run(const char *line)
{
    return co_hmp_run_in_session(line, NULL);
}

GString *co_hmp_run_in_session(const char *line, bool *waits)
{
    Hmp hmp = {g_string_new(NULL), waits};
    const HmpCommand *command;
    json_object *args = NULL;
    const char *p;

    p = line;
    command =
        line[strspn(line, " \t\r\n")] ? find_command(&hmp, line, &p) : NULL;
    if (command) {
        args = hmp_parse(&hmp, command, line, p);
    }
    if (args) {
        co_run_command(&hmp, command, args);
        json_object_put(args);
    }
    fflush(stdout);
    return hmp.out;
}
