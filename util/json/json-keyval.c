/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option strings: see json-keyval.h. First the items are put into nested
 * objects, then the objects whose keys are numbers become arrays.
 */
#include "util/json/json-keyval.h"

#include "util/json/json-parse.h"

/* More dots than any option has; bounds the recursion below. */
#define MAX_LEVELS 64
#define MAX_FRAGMENT_BYTES 127

static bool is_number(const char *fragment)
{
    return *fragment && strspn(fragment, "0123456789") == strlen(fragment);
}

static bool is_name(const char *fragment)
{
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    return (g_ascii_isalpha(*fragment) || *fragment == '_') &&
           strspn(fragment, rest) == strlen(fragment);
}

static bool key_is_valid(char *const *fragments)
{
    guint n = g_strv_length((char **)fragments);

    if (n == 0 || n > MAX_LEVELS || !is_name(fragments[0])) {
        return false;
    }
    for (guint i = 0; i < n; i++) {
        if (strlen(fragments[i]) > MAX_FRAGMENT_BYTES ||
            (!is_number(fragments[i]) && !is_name(fragments[i]))) {
            return false;
        }
    }
    return true;
}

/* The path of the first @n fragments, "a.b". */
static char *path_text(char *const *fragments, guint n)
{
    GString *text = g_string_new(fragments[0]);

    for (guint i = 1; i < n; i++) {
        g_string_append_printf(text, ".%s", fragments[i]);
    }
    return g_string_free(text, FALSE);
}

static void inconsistent(const char *path, Error **errp)
{
    error_set(errp, "Parameters '%s.*' used inconsistently", path);
}

static void inconsistent_at(char *const *fragments, guint n, Error **errp)
{
    char *path = path_text(fragments, n);

    inconsistent(path, errp);
    g_free(path);
}

/* Puts @value, which it takes, at the place that the fragments name. */
static bool put_value(json_object *root, char *const *fragments,
                      json_object *value, Error **errp)
{
    guint last = g_strv_length((char **)fragments) - 1;
    json_object *at = root, *child;

    for (guint i = 0; i < last; i++) {
        if (!json_object_object_get_ex(at, fragments[i], &child)) {
            child = json_object_new_object();
            json_object_object_add(at, fragments[i], child);
        } else if (!json_object_is_type(child, json_type_object)) {
            inconsistent_at(fragments, i + 1, errp);
            json_object_put(value);
            return false;
        }
        at = child;
    }
    if (json_object_object_get_ex(at, fragments[last], &child) &&
        json_object_is_type(child, json_type_object)) {
        inconsistent_at(fragments, last + 1, errp);
        json_object_put(value);
        return false;
    }
    json_object_object_add(at, fragments[last], value);
    return true;
}

static bool put_item(json_object *root, const char *key, const char *text,
                     Error **errp)
{
    char **fragments = g_strsplit(key, ".", -1);
    bool ok = false;

    if (!key_is_valid(fragments)) {
        error_set(errp, "Invalid parameter '%s'", key);
    } else {
        ok = put_value(root, fragments, json_object_new_string(text), errp);
    }
    g_strfreev(fragments);
    return ok;
}

/* Reads a value up to a single comma or the end; two commas are one. */
static char *read_value(const char **at)
{
    GString *value = g_string_new(NULL);

    while (**at) {
        if (**at == ',') {
            (*at)++;
            if (**at != ',') {
                break;
            }
        }
        g_string_append_c(value, *(*at)++);
    }
    return g_string_free(value, FALSE);
}

static bool is_help(const char *item, size_t length)
{
    return (length == 4 && memcmp(item, "help", 4) == 0) ||
           (length == 1 && *item == '?');
}

/* Takes one item at *@at, and the comma behind it. @implied_key may be NULL. */
static bool read_item(json_object *root, const char **at,
                      const char *implied_key, bool *help, Error **errp)
{
    size_t length = strcspn(*at, "=,");
    char *key = g_strndup(*at, length), *value;
    const char *end = *at + length;
    bool ok;

    if (*end == '=') {
        *at = end + 1;
        value = read_value(at);
        ok = put_item(root, key, value, errp);
        g_free(value);
    } else if (help && is_help(key, length)) {
        *help = true;
        ok = true;
    } else if (implied_key && length) {
        ok = put_item(root, implied_key, key, errp);
    } else if (!length) {
        error_set(errp, "Invalid parameter ''");
        ok = false;
    } else {
        error_set(errp, "Expected '=' after parameter '%s'", key);
        ok = false;
    }
    if (*end == ',') {
        *at = end + 1;
    } else if (*end == '\0') {
        *at = end;
    }
    g_free(key);
    return ok;
}

/* Arrays */

static bool listify(json_object **value, const char *path, Error **errp);

/* Makes arrays of the members of an object; @path is "" for the root. */
static bool listify_members(json_object *object, const char *path, Error **errp)
{
    json_object_object_foreach(object, key, child)
    {
        char *child_path = g_strconcat(path, *path ? "." : "", key, NULL);
        json_object *old = child;
        bool ok = listify(&child, child_path, errp);

        if (ok && child != old) {
            /* Replaces the value in place; the walk may go on. */
            json_object_object_add(object, key, child);
        }
        g_free(child_path);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static size_t count_numbers(json_object *object)
{
    size_t n = 0;

    json_object_object_foreach(object, key, child)
    {
        (void)child;
        n += is_number(key);
    }
    return n;
}

static json_object *make_array(json_object *object, size_t n, const char *path,
                               Error **errp)
{
    json_object *array = json_object_new_array(), *element;

    for (size_t i = 0; i < n; i++) {
        char *key = g_strdup_printf("%zu", i);
        bool found = json_object_object_get_ex(object, key, &element);

        g_free(key);
        if (!found) {
            error_set(errp, "Parameter '%s.%zu' missing", path, i);
            json_object_put(array);
            return NULL;
        }
        json_object_array_add(array, json_object_get(element));
    }
    return array;
}

/* Replaces *@value by an array if its keys are numbers. The old value stays
 * with its owner. */
static bool listify(json_object **value, const char *path, Error **errp)
{
    size_t numbers;

    if (!json_object_is_type(*value, json_type_object)) {
        return true;
    }
    if (!listify_members(*value, path, errp)) {
        return false;
    }
    numbers = count_numbers(*value);
    if (numbers == 0) {
        return true;
    }
    if (numbers != (size_t)json_object_object_length(*value)) {
        inconsistent(path, errp);
        return false;
    }
    *value = make_array(*value, numbers, path, errp);
    return *value != NULL;
}

json_object *json_keyval_parse(const char *text, const char *implied_key,
                               bool *help, Error **errp)
{
    json_object *root = json_object_new_object();
    const char *at = text;
    bool ok = true;

    if (help) {
        *help = false;
    }
    while (ok && *at) {
        ok = read_item(root, &at, implied_key, help, errp);
        implied_key = NULL;
    }
    if (!ok || !listify_members(root, "", errp)) {
        json_object_put(root);
        return NULL;
    }
    return root;
}

json_object *json_options_parse_help(const char *text, const char *implied_key,
                                     bool *is_json, bool *help, Error **errp)
{
    *help = false;
    *is_json = text[0] == '{';
    return *is_json ? json_parse_string(text, errp)
                    : json_keyval_parse(text, implied_key, help, errp);
}

json_object *json_options_parse(const char *text, const char *implied_key,
                                bool *is_json, Error **errp)
{
    bool help;
    json_object *o =
        json_options_parse_help(text, implied_key, is_json, &help, errp);

    if (o && help) {
        error_set(errp, "Help is not available for this option");
        json_object_put(o);
        return NULL;
    }
    return o;
}
