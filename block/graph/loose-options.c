/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From loose options to BlockdevOptions: scalars become strings and dots
 * objects, then what QEMU has texts of its own for is checked, then the schema
 * reads them as it reads option strings.
 */
#include "block/graph/loose-options.h"

#include "block/graph/loose-checks.h"
#include "qapi/qapi-types.h"

/* The schema's reader refuses what is deeper. */
#define MAX_DEPTH 128

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

/* --- one form for all ---------------------------------------------------- */

static json_object *plain_object(json_object *from, unsigned depth,
                                 Error **errp);

static json_object *plain_value(json_object *from, unsigned depth,
                                Error **errp);

static json_object *plain_array(json_object *from, unsigned depth, Error **errp)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < json_object_array_length(from); i++) {
        json_object *value = json_object_array_get_idx(from, i);
        json_object *plain = plain_value(value, depth + 1, errp);

        if (value && !plain) {
            json_object_put(array);
            return NULL;
        }
        json_object_array_add(array, plain);
    }
    return array;
}

/* "backing": null is what option strings say with no name. */
static json_object *plain_member(const char *key, json_object *from,
                                 unsigned depth, Error **errp)
{
    if (!from &&
        (!strcmp(key, "backing") || g_str_has_suffix(key, ".backing"))) {
        return json_object_new_string("");
    }
    return plain_value(from, depth, errp);
}

static json_object *plain_value(json_object *from, unsigned depth, Error **errp)
{
    switch (json_object_get_type(from)) {
    case json_type_object:
        return plain_object(from, depth, errp);
    case json_type_array:
        return plain_array(from, depth, errp);
    case json_type_boolean:
        return json_object_new_string(json_object_get_boolean(from) ? "on"
                                                                    : "off");
    case json_type_int:
    case json_type_double:
        return json_object_new_string(json_object_get_string(from));
    default:
        return json_object_get(from);
    }
}

static bool add_at(json_object *object, char **steps, json_object *value,
                   Error **errp);

/* "overlap-check" is short for "overlap-check.template". */
static bool make_template(json_object *object, const char *name,
                          json_object **there)
{
    json_object *whole;

    if (strcmp(name, "overlap-check") ||
        !json_object_is_type(*there, json_type_string)) {
        return false;
    }
    whole = json_object_new_object();
    json_object_object_add(whole, "template", json_object_get(*there));
    json_object_object_add(object, name, whole);
    *there = whole;
    return true;
}

static bool mixed(const char *name, Error **errp)
{
    error_set(errp, !strcmp(name, "file")
                        ? "Cannot reference an existing block device with "
                          "additional options or a new filename"
                        : "Cannot mix scalar and non-scalar keys");
    return false;
}

/* Said twice, as @plain and in full: both must say the same. */
static bool check_template(json_object *plain, json_object *full, Error **errp)
{
    const char *a = json_object_get_string(plain);
    const char *b = json_object_get_string(full);

    if (strcmp(a, b)) {
        error_set(errp,
                  "Conflicting values for qcow2 options 'overlap-check' ('%s') "
                  "and 'overlap-check.template' ('%s')",
                  a, b);
        return false;
    }
    return true;
}

static bool add_template(json_object *there, json_object *value, Error **errp)
{
    char *path[] = {(char *)"template", NULL};
    json_object *full;

    if (json_object_is_type(there, json_type_object) &&
        json_object_is_type(value, json_type_string)) {
        return json_object_object_get_ex(there, *path, &full) &&
                       json_object_is_type(full, json_type_string)
                   ? check_template(value, full, errp)
                   : add_at(there, path, value, errp);
    }
    if (!json_object_is_type(there, json_type_string) ||
        !json_object_is_type(value, json_type_string)) {
        return mixed("overlap-check", errp);
    }
    return check_template(there, value, errp);
}

/* Adds @value at @name, to what is there already if both are objects. */
static bool add_member(json_object *object, char *name, json_object *value,
                       Error **errp)
{
    json_object *there;

    if (!json_object_object_get_ex(object, name, &there)) {
        json_object_object_add(object, name, json_object_get(value));
        return true;
    }
    if (!strcmp(name, "template") || !strcmp(name, "overlap-check")) {
        return add_template(there, value, errp);
    }
    if (!json_object_is_type(there, json_type_object) ||
        !json_object_is_type(value, json_type_object)) {
        return mixed(name, errp);
    }
    json_object_object_foreach(value, key, member)
    {
        char *path[] = {key, NULL};

        if (!add_at(there, path, member, errp)) {
            return false;
        }
    }
    return true;
}

/* Adds @value at the place that @steps lead to below @object. */
static bool add_at(json_object *object, char **steps, json_object *value,
                   Error **errp)
{
    json_object *there;

    for (; steps[1]; steps++) {
        if (!json_object_object_get_ex(object, *steps, &there)) {
            there = json_object_new_object();
            json_object_object_add(object, *steps, there);
        }
        if (!json_object_is_type(there, json_type_object) &&
            !make_template(object, *steps, &there)) {
            return mixed(*steps, errp);
        }
        object = there;
    }
    return add_member(object, *steps, value, errp);
}

static bool add_dotted(json_object *object, const char *key, json_object *value,
                       Error **errp)
{
    g_auto(GStrv) steps = g_strsplit(key, ".", MAX_DEPTH);
    char *unnamed[] = {(char *)"", NULL};

    return add_at(object, steps[0] ? steps : unnamed, value, errp);
}

static json_object *plain_object(json_object *from, unsigned depth,
                                 Error **errp)
{
    json_object *object;

    if (depth > MAX_DEPTH) {
        error_set(errp, "Parameters are nested deeper than %d levels",
                  MAX_DEPTH);
        return NULL;
    }
    object = json_object_new_object();
    json_object_object_foreach(from, key, value)
    {
        json_object *plain = plain_member(key, value, depth + 1, errp);
        bool ok = (plain || !value) && add_dotted(object, key, plain, errp);

        json_object_put(plain);
        if (!ok) {
            json_object_put(object);
            return NULL;
        }
    }
    return object;
}

/* --- arrays -------------------------------------------------------------- */

/* The member called like the number @i, or NULL. */
static json_object *numbered(json_object *object, size_t i)
{
    g_autofree char *name = g_strdup_printf("%zu", i);
    json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return value;
}

static json_object *with_arrays(json_object *value);

/* "children.0.x", "children.1.x": all members are numbers in a row. */
static json_object *as_array(json_object *object)
{
    size_t n = json_object_object_length(object), i = 0;
    json_object *array;

    while (i < n && numbered(object, i)) {
        i++;
    }
    if (!n || i < n) {
        return NULL;
    }
    array = json_object_new_array();
    for (i = 0; i < n; i++) {
        json_object_array_add(array, with_arrays(numbered(object, i)));
    }
    return array;
}

/* A value of its own for the caller. */
static json_object *with_arrays(json_object *value)
{
    json_object *copy;

    if (!json_object_is_type(value, json_type_object)) {
        return json_object_get(value);
    }
    copy = as_array(value);
    if (copy) {
        return copy;
    }
    copy = json_object_new_object();
    json_object_object_foreach(value, key, member)
    {
        json_object_object_add(copy, key, with_arrays(member));
    }
    return copy;
}

json_object *loose_options_plain(json_object *loose, Error **errp)
{
    json_object *plain = plain_object(loose, 1, errp), *whole = NULL;

    if (plain) {
        whole = with_arrays(plain);
        json_object_put(plain);
    }
    return whole;
}

void loose_options_warn(json_object *loose)
{
    json_object_object_foreach(loose, key, value)
    {
        if (json_object_is_type(value, json_type_object)) {
            loose_options_warn(value);
        } else if (json_object_is_type(value, json_type_string) &&
                   !json_object_get_string_len(value) &&
                   (!strcmp(key, "backing") ||
                    g_str_has_suffix(key, ".backing"))) {
            warn_report("Use of \"backing\": \"\" is deprecated; use "
                        "\"backing\": null instead");
        }
    }
}

/* --- one node ------------------------------------------------------------ */

bool loose_options_values_ok(json_object *plain, const char *driver,
                             Error **errp)
{
    const QapiType *type = &qapi_type_BlockdevOptions;
    int tag = qapi_enum_parse(type->tag_type, driver);

    return tag < 0 || loose_check_values(plain, type->arms[tag], errp);
}

BlockdevOptions *loose_options_read(json_object *loose, const char *format,
                                    Error **errp)
{
    json_object *plain = loose_options_plain(loose, errp);
    BlockdevOptions *options = NULL;

    if (!plain) {
        return NULL;
    }
    if (!json_object_object_get_ex(plain, "driver", NULL)) {
        if (!json_object_object_get_ex(plain, "file", NULL)) {
            error_set(errp, "Must specify either driver or file");
            goto out;
        }
        add_string(plain, "driver", format);
    }
    if (loose_check_node(plain, errp)) {
        options = BlockdevOptions_from_keyval(plain, errp);
    }
out:
    json_object_put(plain);
    return options;
}
