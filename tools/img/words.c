/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of `-o`: see words.h. */
#include "tools/img/words.h"

#include <stdio.h>
#include <stdlib.h>

#include "text/size-text.h"
#include "util/opts.h"

const FormatOption *img_format_table(const NodeDriver *driver)
{
    return format_create_options(driver);
}

/* An export of a server is no file: it cannot be made with these. */
static bool is_for_files(const FormatOption *option)
{
    return !strcmp(option->name, "nocow") ||
           !strcmp(option->name, "extent_size_hint");
}

/* @own, then those of the file that are not among them. */
static const FormatOption *with_file_options(const FormatOption *own,
                                             bool server)
{
    GArray *all = g_array_new(true, true, sizeof(FormatOption));
    const FormatOption *option;

    for (option = own; option->name; option++) {
        if (!option->amend_only && !(server && is_for_files(option))) {
            g_array_append_vals(all, option, 1);
        }
    }
    for (option = format_file_options; option->name; option++) {
        if (!img_option_find(own, option->name) &&
            !(server && is_for_files(option))) {
            g_array_append_vals(all, option, 1);
        }
    }
    return (const FormatOption *)g_array_free(all, false);
}

const FormatOption *img_create_table(const NodeDriver *driver, bool server)
{
    /* CONTROL: driver -> its table, made once and kept */
    static GHashTable *tables[2];
    const FormatOption *own = img_format_table(driver), *table;

    if (!own) {
        return NULL;
    }
    if (!tables[server]) {
        tables[server] = g_hash_table_new(NULL, NULL);
    }
    table = g_hash_table_lookup(tables[server], driver);
    if (!table) {
        table = with_file_options(own, server);
        g_hash_table_insert(tables[server], (void *)driver, (void *)table);
    }
    return table;
}

const FormatOption *img_option_find(const FormatOption *table, const char *name)
{
    for (; table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

/* --- the text ------------------------------------------------------------ */

/* Not empty, and no comma at either end that is not doubled. */
static bool is_list(const char *text)
{
    size_t end = strlen(text), commas = 0;

    if (!end || (text[0] == ',' && text[1] != ',')) {
        return false;
    }
    while (commas < end && text[end - commas - 1] == ',') {
        commas++;
    }
    return commas % 2 == 0;
}

bool img_words_append(char **all, const char *text)
{
    char *joined;

    if (!is_list(text)) {
        error_report("Invalid option list: %s", text);
        return false;
    }
    joined = *all ? g_strdup_printf("%s,%s", *all, text) : g_strdup(text);
    g_free(*all);
    *all = joined;
    return true;
}

/* The next item of @*at, commas no longer doubled; NULL at the end. */
static char *next_item(const char **at)
{
    GString *item;

    if (!**at) {
        return NULL;
    }
    item = g_string_new(NULL);
    for (; **at; ++*at) {
        if (**at == ',' && *++*at != ',') {
            break;
        }
        g_string_append_c(item, **at);
    }
    return g_string_free(item, false);
}

bool img_words_ask_help(const char *all)
{
    bool found = false;
    char *item;

    while (all && !found && (item = next_item(&all))) {
        found = !strcmp(item, "help") || !strcmp(item, "?");
        g_free(item);
    }
    return found;
}

/* --- values -------------------------------------------------------------- */

static bool read_size(const char *name, const char *value, char **text,
                      Error **errp)
{
    uint64_t bytes;
    SizeParse parsed = size_text_parse(value, &bytes);

    if (parsed != SIZE_OK) {
        size_text_refuse(parsed, name, value, errp);
        return false;
    }
    *text = g_strdup_printf("%" PRIu64, bytes);
    return true;
}

static bool read_number(const char *name, const char *value, char **text,
                        Error **errp)
{
    uint64_t number;
    char *end;

    errno = 0;
    number = g_ascii_strtoull(value, &end, 0);
    if (errno == ERANGE) {
        error_set(errp, "Value '%s' is too large for parameter '%s'", value,
                  name);
        return false;
    }
    if (end == value || *end) {
        error_set(errp, "Parameter '%s' expects a number", name);
        return false;
    }
    *text = g_strdup_printf("%" PRId64, (int64_t)number);
    return true;
}

/* The value as the option's type writes it; NULL if it is none. */
static char *read_value(const FormatOption *option, const char *value,
                        Error **errp)
{
    char *text = NULL;

    if (!strcmp(option->type, "size")) {
        read_size(option->name, value, &text, errp);
    } else if (!strcmp(option->type, "num")) {
        read_number(option->name, value, &text, errp);
    } else if (g_str_has_prefix(option->type, "bool") &&
               opts_bool_value(value) < 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", option->name);
    } else {
        text = g_strdup(value);
    }
    return text;
}

static bool take_item(char *item, const FormatOption *table, json_object *words,
                      Error **errp)
{
    char *equals = strchr(item, '=');
    const char *name = item, *value = equals ? equals + 1 : "on";
    const FormatOption *option;
    g_autofree char *text = NULL;

    if (equals) {
        *equals = '\0';
    } else if (g_str_has_prefix(item, "no")) {
        name = item + 2;
        value = "off";
    }
    option = img_option_find(table, name);
    if (!option) {
        error_set(errp, "Invalid parameter '%s'", name);
        return false;
    }
    text = read_value(option, value, errp);
    if (!text) {
        return false;
    }
    img_word_set(words, name, text);
    return true;
}

bool img_words_parse(const char *text, const FormatOption *table,
                     json_object *words, Error **errp)
{
    bool ok = true;
    char *item;

    while (ok && (item = next_item(&text))) {
        ok = take_item(item, table, words, errp);
        g_free(item);
    }
    return ok;
}

const char *img_word(json_object *words, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(words, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

void img_word_set(json_object *words, const char *name, const char *value)
{
    json_object_object_add(words, name, json_object_new_string(value));
}

void img_word_set_size(json_object *words, const char *name, uint64_t bytes)
{
    g_autofree char *text = g_strdup_printf("%" PRIu64, bytes);

    img_word_set(words, name, text);
}

bool img_words_add_backing(json_object *words, const FormatOption *table,
                           const char *file, const char *format,
                           const char *driver_name, Error **errp)
{
    if (file && !img_option_find(table, "backing_file")) {
        error_set(errp, "Backing file not supported for file format '%s'",
                  driver_name);
        return false;
    }
    if (format && !img_option_find(table, "backing_fmt")) {
        error_set(errp,
                  "Backing file format not supported for file format '%s'",
                  driver_name);
        return false;
    }
    if (file) {
        img_word_set(words, "backing_file", file);
    }
    if (format) {
        img_word_set(words, "backing_fmt", format);
    }
    return true;
}

/* --- what is printed ----------------------------------------------------- */

static int by_name(gconstpointer a, gconstpointer b)
{
    const FormatOption *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

void img_words_help(const FormatOption *table, const char *title, bool amend)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    guint i;

    for (; table->name; table++) {
        if (amend ? table->amendable : !table->amend_only) {
            g_ptr_array_add(sorted, (void *)table);
        }
    }
    g_ptr_array_sort(sorted, by_name);
    if (title) {
        printf("%s\n", title);
    }
    for (i = 0; i < sorted->len; i++) {
        const FormatOption *option = sorted->pdata[i];
        g_autofree char *left =
            g_strdup_printf("%s=<%s>", option->name, option->type);

        printf("  %-22s - %s\n", left, option->help);
    }
}
