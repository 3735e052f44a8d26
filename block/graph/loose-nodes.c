/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of loose options, and what is missing among them: where the schema's
 * reader would tell of it in other words than QEMU. */
#include "block/graph/driver.h"
#include "block/graph/loose-checks.h"

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

/* An option as QEMU names it, which has flattened them. */
static char *first_leaf(const char *name, json_object *value)
{
    if (json_object_is_type(value, json_type_array) &&
        json_object_array_length(value)) {
        g_autofree char *below =
            first_leaf("0", json_object_array_get_idx(value, 0));

        return g_strdup_printf("%s.%s", name, below);
    }
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, inner, v)
        {
            g_autofree char *below = first_leaf(inner, v);

            return g_strdup_printf("%s.%s", name, below);
        }
    }
    return g_strdup(name);
}

/* These two have names of their own, as protocols have: "blkdebug::a". */
static bool is_format(const NodeDriver *driver)
{
    return !strcmp(driver->name, "quorum") ||
           ((driver->is_format || driver->is_filter) &&
            strcmp(driver->name, "blkdebug") &&
            strcmp(driver->name, "blkverify"));
}

static bool unknown_option(const NodeDriver *driver, const char *name,
                           json_object *value, Error **errp)
{
    g_autofree char *full = first_leaf(name, value);

    error_set(errp,
              is_format(driver)
                  ? "Block format '%s' does not support the option '%s'"
                  : "Block protocol '%s' doesn't support the option '%s'",
              driver->name, full);
    return false;
}

/* What is in an object that an option may be instead of a scalar. */
static bool check_inner_names(const NodeDriver *driver,
                              const QapiMember *member, json_object *value,
                              Error **errp)
{
    if (!member || strcmp(member->name, "overlap-check") ||
        !json_object_is_type(value, json_type_object)) {
        return true;
    }
    json_object_object_foreach(value, name, inner)
    {
        (void)inner;
        if (!loose_member_of(&qapi_type_Qcow2OverlapCheckFlags, name)) {
            return unknown_option(driver, member->name, value, errp);
        }
    }
    return true;
}

static bool check_names(json_object *options, const NodeDriver *driver,
                        const QapiType *own, Error **errp)
{
    json_object_object_foreach(options, name, value)
    {
        const QapiMember *member = loose_member_of(own, name);

        if (!member && !loose_member_of(&qapi_type_BlockdevOptions, name)) {
            return unknown_option(driver, name, value, errp);
        }
        if (!check_inner_names(driver, member, value, errp)) {
            return false;
        }
    }
    return true;
}

static bool check_missing(json_object *options, const NodeDriver *driver,
                          const QapiType *own, Error **errp)
{
    static const char *const children[] = {"file", "image", "raw", "test",
                                           "log"};
    const QapiMember *member = loose_member_of(own, "filename");
    json_object *given = NULL;

    if (!driver->is_format && !driver->is_filter && member &&
        !member->optional &&
        !json_object_object_get_ex(options, "filename", NULL)) {
        error_set(errp, "The '%s' block driver requires a file name",
                  driver->name);
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
        member = loose_member_of(own, children[i]);
        if (member && !member->optional &&
            own != &qapi_type_BlockdevOptionsCbw &&
            (!json_object_object_get_ex(options, children[i], &given) ||
             !given)) {
            error_set(errp, "A block device must be specified for \"%s\"",
                      children[i]);
            return false;
        }
    }
    if (loose_member_of(own, "children") &&
        !json_object_object_get_ex(options, "children", NULL)) {
        error_set(errp, "Number of provided children must be 1 or more");
        return false;
    }
    if (json_object_object_get_ex(options, "children", &given) &&
        json_object_is_type(given, json_type_object)) {
        error_set(errp, "Option children is not a valid array");
        return false;
    }
    if (own == &qapi_type_BlockdevOptionsQuorum &&
        !json_object_object_get_ex(options, "vote-threshold", NULL)) {
        error_set(errp, "Parameter 'vote-threshold' expects a value >= 1");
        return false;
    }
    if (own == &qapi_type_BlockdevOptionsThrottle &&
        !json_object_object_get_ex(options, "throttle-group", NULL)) {
        error_set(errp, "Please specify a throttle group");
        return false;
    }
    return true;
}

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
    return loose_check_node(child, errp);
}

static bool check_backing(json_object *options, Error **errp)
{
    Error *err = NULL;

    if (check_child(options, "backing", &err)) {
        return true;
    }
    error_prepend(&err, "Could not open backing file: ");
    error_propagate(errp, err);
    return false;
}

static bool check_children(json_object *options, Error **errp)
{
    static const char *const names[] = {"file", "image",  "raw",
                                        "test", "target", "log"};
    json_object *list, *child;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!check_child(options, names[i], errp)) {
            return false;
        }
    }
    json_object_object_get_ex(options, "children", &list);
    for (size_t i = 0; json_object_is_type(list, json_type_array) &&
                       i < json_object_array_length(list);
         i++) {
        child = json_object_array_get_idx(list, i);
        if (json_object_is_type(child, json_type_object) &&
            !loose_check_node(child, errp)) {
            return false;
        }
    }
    return check_backing(options, errp);
}

/* To have nothing behind it is also fine for who never has. */
static void drop_no_backing(json_object *options, const QapiType *own)
{
    json_object *backing;

    if (!loose_member_of(own, "backing") &&
        json_object_object_get_ex(options, "backing", &backing) &&
        (!backing || (json_object_is_type(backing, json_type_string) &&
                      !json_object_get_string_len(backing)))) {
        json_object_object_del(options, "backing");
    }
}

bool loose_check_node(json_object *options, Error **errp)
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
    drop_no_backing(options, type->arms[tag]);
    if ((driver->expand_options && !driver->expand_options(options, errp)) ||
        !check_missing(options, driver, type->arms[tag], errp) ||
        !check_names(options, driver, type->arms[tag], errp)) {
        return false;
    }
    return loose_check_values(options, type->arms[tag], errp) &&
           check_children(options, errp);
}
