/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line becomes a request: see request.h. */
#include "tools/monitor/request.h"

#include <glib.h>

#include "util/json/json-parse.h"

static json_object *parse_value(const char *text)
{
    json_object *value = NULL;

    /* What begins no JSON is not tried: strings are the most. */
    if (*text && (strchr("{[\"-", *text) || g_ascii_isdigit(*text) ||
                  !strcmp(text, "true") || !strcmp(text, "false"))) {
        Error *err = NULL;

        value = json_parse_string(text, &err);
        error_free(err);
    }
    return value ? value : json_object_new_string(text);
}

/* Puts @value under "a.b.c", which it takes. */
static void put(json_object *object, const char *key, json_object *value)
{
    const char *dot;

    while ((dot = strchr(key, '.'))) {
        g_autofree char *name = g_strndup(key, dot - key);
        json_object *inner;

        if (!json_object_object_get_ex(object, name, &inner) ||
            !json_object_is_type(inner, json_type_object)) {
            inner = json_object_new_object();
            json_object_object_add(object, name, inner);
        }
        object = inner;
        key = dot + 1;
    }
    json_object_object_add(object, key, value);
}

static json_object *parse_words(char **words, Error **errp)
{
    json_object *request = json_object_new_object();
    json_object *args = json_object_new_object();

    json_object_object_add(request, "execute",
                           json_object_new_string(words[0]));
    json_object_object_add(request, "arguments", args);
    for (char **word = words + 1; *word; word++) {
        char *equals = strchr(*word, '=');

        if (!equals || equals == *word) {
            error_set(errp, "'%s' is not KEY=VALUE", *word);
            json_object_put(request);
            return NULL;
        }
        *equals = '\0';
        put(args, *word, parse_value(equals + 1));
    }
    return request;
}

json_object *request_parse(const char *line, Error **errp)
{
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) broken = NULL;

    line += strspn(line, " \t");
    if (*line == '{') {
        return json_parse_string(line, errp);
    }
    if (!g_shell_parse_argv(line, NULL, &words, &broken)) {
        error_set(errp, "%s", broken->message);
        return NULL;
    }
    return parse_words(words, errp);
}
