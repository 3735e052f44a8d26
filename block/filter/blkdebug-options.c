/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of blkdebug as people write them: a rule need not be one of a list,
 * and what it leaves out is what a file of rules may leave out.
 */
#include "block/filter/blkdebug.h"

#include <json-c/json.h>

#include "util/error.h"

/* "inject-error.event=..." is a list of one. */
static json_object *make_list(json_object *options, const char *name)
{
    json_object *value = NULL, *list;

    json_object_object_get_ex(options, name, &value);
    if (!json_object_is_type(value, json_type_object)) {
        return value;
    }
    list = json_object_new_array();
    json_object_array_add(list, json_object_get(value));
    json_object_object_add(options, name, list);
    return list;
}

static void default_states(json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *rule = json_object_array_get_idx(list, i);

        if (json_object_is_type(rule, json_type_object) &&
            !json_object_object_get_ex(rule, "new_state", NULL)) {
            json_object_object_add(rule, "new_state",
                                   json_object_new_string("0"));
        }
    }
}

bool blkdebug_expand_options(json_object *options, Error **errp)
{
    static const char *const lists[] = {
        "inject-error", "set-state", "take-child-perms", "unshare-child-perms"};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        json_object *list = make_list(options, lists[i]);

        if (list && !json_object_is_type(list, json_type_array)) {
            error_set(errp,
                      "Block protocol 'blkdebug' doesn't support the option "
                      "'%s'",
                      lists[i]);
            return false;
        }
        if (list && !strcmp(lists[i], "set-state")) {
            default_states(list);
        }
    }
    return true;
}
