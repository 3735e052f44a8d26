/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From loose options to BlockdevOptions: scalars become strings and dots
 * objects, then what QEMU has texts of its own for is checked, then the schema
 * reads them as it reads option strings.
 */
#include "block/graph/loose-options.h"

#include "block/graph/driver.h"
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

static bool mixed(const char *name, Error **errp)
{
    error_set(errp, !strcmp(name, "file")
                        ? "Cannot reference an existing block device with "
                          "additional options or a new filename"
                        : "Cannot mix scalar and non-scalar keys");
    return false;
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
        if (!json_object_is_type(there, json_type_object)) {
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

/* --- what the schema's reader would tell in other words ------------------ */

/* An option as QEMU names it, which has flattened them. */
static char *first_leaf(const char *name, json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, inner, v)
        {
            g_autofree char *below = first_leaf(inner, v);

            return g_strdup_printf("%s.%s", name, below);
        }
    }
    return g_strdup(name);
}

static bool check_names(json_object *options, const NodeDriver *driver,
                        const QapiType *own, Error **errp)
{
    const QapiMember *file = loose_member_of(own, "file");

    json_object_object_foreach(options, name, value)
    {
        if (!loose_member_of(&qapi_type_BlockdevOptions, name) &&
            !loose_member_of(own, name)) {
            g_autofree char *full = first_leaf(name, value);

            error_set(errp,
                      driver->is_format || driver->is_filter
                          ? "Block format '%s' does not support the option '%s'"
                          : "Block protocol '%s' doesn't support the option "
                            "'%s'",
                      driver->name, full);
            return false;
        }
    }
    if (!driver->is_format && !driver->is_filter &&
        loose_member_of(own, "filename") &&
        !loose_member_of(own, "filename")->optional &&
        !json_object_object_get_ex(options, "filename", NULL)) {
        error_set(errp, "The '%s' block driver requires a file name",
                  driver->name);
        return false;
    }
    if (file && !file->optional &&
        !json_object_object_get_ex(options, "file", NULL)) {
        error_set(errp, "A block device must be specified for \"file\"");
        return false;
    }
    return true;
}

static bool check_node(json_object *options, Error **errp);

/* A child that is defined in place is a file if nothing else is said. */
static bool check_child(json_object *options, const char *name, Error **errp)
{
    json_object *child;

    if (!json_object_object_get_ex(options, name, &child) ||
        !json_object_is_type(child, json_type_object)) {
        return true;
    }
    if (!json_object_object_get_ex(child, "driver", NULL)) {
        add_string(child, "driver", "file");
    }
    return check_node(child, errp);
}

static bool check_node(json_object *options, Error **errp)
{
    const QapiType *type = &qapi_type_BlockdevOptions;
    json_object *name;
    const NodeDriver *driver;
    int tag;

    json_object_object_get_ex(options, "driver", &name);
    if (!json_object_is_type(name, json_type_string)) {
        error_set(errp, "Must specify either driver or file");
        return false;
    }
    driver = driver_find(json_object_get_string(name));
    tag = qapi_enum_parse(type->tag_type, json_object_get_string(name));
    if (!driver || tag < 0) {
        error_set(errp, "Unknown driver '%s'", json_object_get_string(name));
        return false;
    }
    if ((driver->expand_options && !driver->expand_options(options, errp)) ||
        !check_names(options, driver, type->arms[tag], errp)) {
        return false;
    }
    return loose_check_values(options, type->arms[tag], errp) &&
           check_child(options, "file", errp) &&
           check_child(options, "image", errp);
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
    if (check_node(plain, errp)) {
        options = BlockdevOptions_from_keyval(plain, errp);
    }
out:
    json_object_put(plain);
    return options;
}
