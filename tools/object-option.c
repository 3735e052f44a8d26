/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --object: see object-option.h. What help shows is what the classes say. */
#include "tools/object-option.h"

#include <stdio.h>

#include "objects/object.h"
#include "util/json/json-keyval.h"

static void print_types(void)
{
    printf("List of user creatable objects:\n");
    for (ObjectType type = 0; type < OBJECT_TYPE__MAX; type++) {
        printf("  %s\n", ObjectType_str(type));
    }
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_properties(ObjectType type)
{
    const ObjectProperty *p = object_class_find(type)->properties;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (; p && p->name; p++) {
        if (p->access != PROPERTY_READ_ONLY) {
            g_ptr_array_add(lines,
                            g_strdup_printf("  %s=<%s>", p->name, p->type));
        }
    }
    if (!lines->len) {
        printf("There are no options for %s.\n", ObjectType_str(type));
        return;
    }
    g_ptr_array_sort(lines, compare_lines);
    printf("%s options:\n", ObjectType_str(type));
    for (guint i = 0; i < lines->len; i++) {
        puts(lines->pdata[i]);
    }
}

/* @o: what was given besides the word help. */
static bool print_help(json_object *o, Error **errp)
{
    json_object *value;
    const char *name;
    ObjectType type;

    if (!json_object_object_get_ex(o, "qom-type", &value)) {
        print_types();
        return true;
    }
    name = json_object_get_string(value);
    if (!ObjectType_parse(name, &type)) {
        error_set(errp, "Parameter 'qom-type' does not accept value '%s'",
                  name);
        return false;
    }
    print_properties(type);
    return true;
}

int object_option_help(const char *text, Error **errp)
{
    bool is_json, help = false;
    int ret = 0;
    json_object *o =
        json_options_parse_help(text, "qom-type", &is_json, &help, NULL);

    if (o && help) {
        ret = print_help(o, errp) ? 1 : -1;
    }
    json_object_put(o);
    return ret;
}

struct ObjectOptions *object_option_read(const char *text, bool *listed,
                                         Error **errp)
{
    Error *err = NULL;
    int help = object_option_help(text, &err);
    ObjectOptions *options = NULL;
    json_object *o;
    bool is_json;

    *listed = help != 0;
    if (help < 0) {
        /* Who asks about something unknown is told what there is. */
        error_free(err);
        print_types();
    }
    if (help) {
        return NULL;
    }
    o = json_options_parse(text, "qom-type", &is_json, errp);
    if (o) {
        options = is_json ? ObjectOptions_from_json(o, errp)
                          : ObjectOptions_from_keyval(o, errp);
    }
    json_object_put(o);
    return options;
}

bool co_object_option(const char *text, bool *listed, Error **errp)
{
    ObjectOptions *options = object_option_read(text, listed, errp);
    bool ok = *listed || (options && co_object_add(options, errp));

    ObjectOptions_free(options);
    return ok;
}
