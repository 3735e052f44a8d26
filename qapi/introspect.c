/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers query-qmp-schema from the text that the generator made, without what
 * the program does not have. */
#include "qapi/hidden.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-parse.h"

/* CONST */
static const char *const *hidden;

void qapi_hide(const char *const *names)
{
    hidden = names;
}

bool qapi_is_hidden(const char *name)
{
    return hidden && g_strv_contains(hidden, name);
}

static const char *text_of(json_object *entity, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(entity, key, &value)
               ? json_object_get_string(value)
               : "";
}

static bool is_type(json_object *entity)
{
    const char *kind = text_of(entity, "meta-type");

    return strcmp(kind, "command") && strcmp(kind, "event");
}

/* Adds all names of types in @value to @used. */
static void use(GHashTable *used, json_object *value)
{
    if (json_object_is_type(value, json_type_string)) {
        g_hash_table_add(used, (char *)json_object_get_string(value));
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            use(used, json_object_array_get_idx(value, i));
        }
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            if (g_str_has_suffix(key, "type") ? strcmp(key, "meta-type")
                                              : strcmp(key, "name")) {
                use(used, member);
            }
        }
    }
}

/* Commands and events that are there, and the types that they lead to. */
static GHashTable *reachable(json_object *all)
{
    GHashTable *used = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTable *seen = g_hash_table_new(NULL, NULL);
    bool more = true;

    while (more) {
        more = false;
        for (size_t i = 0; i < json_object_array_length(all); i++) {
            json_object *entity = json_object_array_get_idx(all, i);
            const char *name = text_of(entity, "name");

            if ((is_type(entity) ? g_hash_table_contains(used, name)
                                 : !qapi_is_hidden(name)) &&
                g_hash_table_add(seen, entity)) {
                use(used, entity);
                more = true;
            }
        }
    }
    g_hash_table_unref(used);
    return seen;
}

json_object *qmp_query_qmp_schema(Error **errp)
{
    json_object *all = json_parse_string(qmp_schema_json, errp), *some;
    GHashTable *shown;

    if (!all || !hidden) {
        return all;
    }
    some = json_object_new_array();
    shown = reachable(all);
    for (size_t i = 0; i < json_object_array_length(all); i++) {
        json_object *entity = json_object_array_get_idx(all, i);

        if (g_hash_table_contains(shown, entity)) {
            json_object_array_add(some, json_object_get(entity));
        }
    }
    g_hash_table_unref(shown);
    json_object_put(all);
    return some;
}
