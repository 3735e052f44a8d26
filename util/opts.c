/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flat option strings: see opts.h. */
#include "util/opts.h"

#include <stdio.h>

static void opt_free(void *opaque)
{
    Opt *opt = opaque;

    g_free(opt->name);
    g_free(opt->value);
    g_free(opt);
}

static Opts *opts_new(void)
{
    Opts *opts = g_new(Opts, 1);

    opts->list = g_ptr_array_new_with_free_func(opt_free);
    return opts;
}

void opts_free(Opts *opts)
{
    if (opts) {
        g_ptr_array_unref(opts->list);
        g_free(opts);
    }
}

static void add_taking(Opts *opts, char *name, char *value)
{
    Opt *opt = g_new(Opt, 1);

    opt->name = name;
    opt->value = value;
    g_ptr_array_add(opts->list, opt);
}

void opts_add(Opts *opts, const char *name, const char *value)
{
    add_taking(opts, g_strdup(name), g_strdup(value));
}

/* --- parsing ------------------------------------------------------------- */

/* Up to a comma that stands alone; moves *@text behind it. */
static char *take_value(const char **text)
{
    GString *value = g_string_new(NULL);
    const char *p = *text;

    for (; *p && (*p != ',' || p[1] == ','); p++) {
        p += *p == ',';
        g_string_append_c(value, *p);
    }
    *text = *p ? p + 1 : p;
    return g_string_free(value, FALSE);
}

/* The deprecated form: "flag" and "noflag". */
static void add_flag(Opts *opts, char *word, const char *where)
{
    bool off = g_str_has_prefix(word, "no");
    char *name = g_strdup(off ? word + 2 : word);
    const char *value = off ? "off" : "on";

    if (where) {
        error_report("%s%swarning: short-form boolean option '%s%s' "
                     "deprecated",
                     where, *where ? ": " : "", off ? "no" : "", name);
        fprintf(stderr, "Please use %s=%s instead\n", name, value);
    }
    add_taking(opts, name, g_strdup(value));
    g_free(word);
}

Opts *opts_parse(const char *text, const char *implied, const char *where)
{
    Opts *opts = opts_new();
    bool first = true;

    while (*text) {
        size_t length = strcspn(text, "=,");

        if (text[length] == '=') {
            char *name = g_strndup(text, length);

            text += length + 1;
            add_taking(opts, name, take_value(&text));
        } else if (first && implied) {
            add_taking(opts, g_strdup(implied), take_value(&text));
        } else {
            add_flag(opts, take_value(&text), where);
        }
        first = false;
    }
    return opts;
}

/* --- looking and taking -------------------------------------------------- */

static guint index_of(const Opts *opts, const char *name)
{
    for (guint i = opts->list->len; i > 0; i--) {
        Opt *opt = opts->list->pdata[i - 1];

        if (!strcmp(opt->name, name)) {
            return i - 1;
        }
    }
    return opts->list->len;
}

const char *opts_get(const Opts *opts, const char *name)
{
    guint i = index_of(opts, name);

    return i < opts->list->len ? ((Opt *)opts->list->pdata[i])->value : NULL;
}

char *opts_take(Opts *opts, const char *name)
{
    char *value = NULL;
    guint i;

    while ((i = index_of(opts, name)) < opts->list->len) {
        Opt *opt = opts->list->pdata[i];

        if (!value) {
            value = g_steal_pointer(&opt->value);
        }
        g_ptr_array_remove_index(opts->list, i);
    }
    return value;
}

int opts_bool_value(const char *value)
{
    static const char *const yes[] = {"on", "yes", "true", "y", NULL};
    static const char *const no[] = {"off", "no", "false", "n", NULL};

    return g_strv_contains(yes, value)  ? 1
           : g_strv_contains(no, value) ? 0
                                        : -1;
}

bool opts_take_bool(Opts *opts, const char *name, bool *value, Error **errp)
{
    g_autofree char *text = opts_take(opts, name);
    int parsed;

    if (!text) {
        return true;
    }
    parsed = opts_bool_value(text);
    if (parsed < 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", name);
        return false;
    }
    *value = parsed;
    return true;
}

static bool scale(const char *suffix, uint64_t *value)
{
    static const char letters[] = "bkmgtpe";
    const char *at = strchr(letters, g_ascii_tolower(*suffix));
    unsigned shift;

    if (!*suffix) {
        return true;
    }
    if (!at || suffix[1]) {
        return false;
    }
    shift = 10 * (at - letters);
    if (*value > UINT64_MAX >> shift) {
        return false;
    }
    *value <<= shift;
    return true;
}

bool opts_take_number(Opts *opts, const char *name, bool suffixes,
                      uint64_t *value, Error **errp)
{
    g_autofree char *text = opts_take(opts, name);
    uint64_t number;
    char *end;

    if (!text) {
        return true;
    }
    errno = 0;
    number = g_ascii_strtoull(text, &end, 0);
    if (end == text || (suffixes && *text == '-') || errno ||
        (suffixes ? !scale(end, &number) : *end != 0)) {
        error_set(errp, "Parameter '%s' expects a %s", name,
                  suffixes ? "size" : "number");
        return false;
    }
    *value = number;
    return true;
}
