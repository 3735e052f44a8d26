/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What could stand where a line ends: see hmp_complete(). */
#include "block/backend/backend.h"
#include "block/graph/node.h"
#include "monitor/hmp/hmp-int.h"

static void offer(GPtrArray *words, const char *word, const char *begun)
{
    if (*word && g_str_has_prefix(word, begun)) {
        g_ptr_array_add(words, g_strdup(word));
    }
}

static void offer_commands(GPtrArray *words, const HmpCommand *const *list,
                           const char *begun)
{
    for (; *list; list++) {
        g_auto(GStrv) names = g_strsplit((*list)->name, "|", -1);

        for (char **name = names; *name; name++) {
            offer(words, *name, begun);
        }
    }
}

CONTROL_ONLY
static void offer_devices(GPtrArray *words, const char *begun)
{
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        offer(words, backend_name(b), begun);
    }
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        offer(words, node_name(node), begun);
    }
}

/* The argument that word number @n of @command is, flags left out. */
static const HmpArg *argument(const HmpCommand *command, unsigned n)
{
    for (const HmpArg *arg = command->args; arg->type; arg++) {
        if (arg->type != HMP_FLAG && arg->type != HMP_FLAG_STRING && n-- == 0) {
            return arg;
        }
    }
    return NULL;
}

CONTROL_ONLY
static void offer_argument(GPtrArray *words, const HmpCommand *command,
                           char **rest, const char *begun)
{
    unsigned n = 0;
    const HmpArg *arg;

    for (; *rest; rest++) {
        n += **rest && **rest != '-';
    }
    arg = argument(command, n);
    if (arg && arg->type == HMP_DEVICE) {
        offer_devices(words, begun);
    }
}

GPtrArray *hmp_complete(const char *line)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    const HmpCommand *const *list = hmp_commands;
    g_auto(GStrv) all = g_strsplit(line, " ", -1);
    guint n = g_strv_length(all), i;
    g_autofree char *begun = g_strdup(n ? all[n - 1] : "");
    const HmpCommand *command = NULL;

    if (n) {
        all[n - 1][0] = '\0';
    }
    for (i = 0; i + 1 < n && list; i++) {
        if (!*all[i]) {
            continue;
        }
        command = !strcmp(all[i], "help") && list == hmp_commands
                      ? NULL
                      : hmp_find(list, all[i]);
        if (!command && strcmp(all[i], "help")) {
            return words;
        }
        list = command ? command->sub : hmp_commands;
    }
    if (list) {
        offer_commands(words, list, begun);
    } else {
        offer_argument(words, command, all + i, begun);
    }
    return words;
}
