/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the options of nodes were written: "json:" names show "64k" where that
 * is what was given, though the options themselves are numbers.
 */
#include "block/graph/filename.h"
#include "block/graph/graph-int.h"

static json_object *nested(json_object *loose);

/* Puts @value at the place that @steps lead to; what is in its way wins. */
static void put(json_object *object, char **steps, json_object *value)
{
    json_object *there;

    for (; steps[1]; steps++) {
        if (!json_object_object_get_ex(object, *steps, &there)) {
            there = json_object_new_object();
            json_object_object_add(object, *steps, there);
        }
        if (!json_object_is_type(there, json_type_object)) {
            return;
        }
        object = there;
    }
    if (!json_object_object_get_ex(object, *steps, &there)) {
        json_object_object_add(object, *steps, json_object_get(value));
    } else if (json_object_is_type(there, json_type_object) &&
               json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            char *inner[] = {key, NULL};

            put(there, inner, member);
        }
    }
}

static json_object *nested_array(json_object *loose)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < json_object_array_length(loose); i++) {
        json_object_array_add(array,
                              nested(json_object_array_get_idx(loose, i)));
    }
    return array;
}

/* Dots become objects, values stay as they are. A reference of its own. */
static json_object *nested(json_object *loose)
{
    json_object *object;

    if (json_object_is_type(loose, json_type_array)) {
        return nested_array(loose);
    }
    if (!json_object_is_type(loose, json_type_object)) {
        return json_object_get(loose);
    }
    object = json_object_new_object();
    json_object_object_foreach(loose, key, member)
    {
        g_auto(GStrv) steps = g_strsplit(key, ".", -1);
        json_object *value = nested(member);

        if (steps[0]) {
            put(object, steps, value);
        }
        json_object_put(value);
    }
    return object;
}

static json_object *member_of(json_object *value, const char *name)
{
    json_object *member = NULL;
    uint64_t i;

    if (json_object_is_type(value, json_type_object)) {
        json_object_object_get_ex(value, name, &member);
    } else if (json_object_is_type(value, json_type_array) &&
               g_ascii_string_to_unsigned(name, 10, 0, SIZE_MAX, &i, NULL)) {
        member = json_object_array_get_idx(value, i);
    }
    return member;
}

json_object *spelling_find(json_object *options, const char *name)
{
    g_auto(GStrv) steps = g_strsplit(name, ".", -1);

    for (char **step = steps; *step && options; step++) {
        options = member_of(options, *step);
    }
    return options;
}

static void spell(Node *node, json_object *spelling)
{
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        json_object *inner = spelling_find(spelling, edge->name);

        if (edge->child->inherits_from == node &&
            json_object_is_type(inner, json_type_object)) {
            spell(edge->child, inner);
        }
    }
    json_object_put(node->spelling);
    node->spelling = json_object_get(spelling);
    node_refresh_filename(node);
}

void node_spell_options(Node *node, json_object *loose)
{
    json_object *spelling = nested(loose);

    spell(node, spelling);
    json_object_put(spelling);
}

void node_forget_spelling(Node *node)
{
    json_object_put(node->spelling);
    node->spelling = NULL;
}
