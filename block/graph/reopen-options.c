/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of a driver's own options a reopen may change: those of its
 * reopen_options. All others must be given again as they were.
 */
#include "block/graph/driver.h"
#include "block/graph/graph-int.h"
#include "qapi/qapi-types.h"

static bool one_of(const char *name, const char *const *names)
{
    for (; names && *names; names++) {
        if (!strcmp(*names, name)) {
            return true;
        }
    }
    return false;
}

/* What open.c makes of them is looked at there. */
static bool is_generic(const char *name)
{
    static const char *const names[] = {
        "driver",         "node-name",   "discard",       "cache", "read-only",
        "auto-read-only", "force-share", "detect-zeroes", NULL,
    };

    return one_of(name, names);
}

static bool is_own(const Node *node, const char *name)
{
    return !is_generic(name) && !node_child(node, name) &&
           (!node->driver->supports_backing || strcmp(name, "backing"));
}

static bool cannot_change(const char *name, Error **errp)
{
    error_set(errp, "Cannot change the option '%s'", name);
    return false;
}

static const char *text_of(json_object *options, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(options, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

static bool check_identity(const Node *node, json_object *options, Error **errp)
{
    const char *name = text_of(options, "node-name");

    if (strcmp(text_of(options, "driver"), node->driver->name)) {
        return cannot_change("driver", errp);
    }
    if (name && strcmp(name, node_name(node))) {
        return cannot_change("node-name", errp);
    }
    return true;
}

bool reopen_options_check_early(const Node *node, json_object *options,
                                Error **errp)
{
    json_object *share;

    if (!strcmp(text_of(options, "driver"), node->driver->name) &&
        json_object_object_get_ex(options, "force-share", &share) &&
        json_object_get_boolean(share) != node->force_share) {
        return cannot_change("force-share", errp);
    }
    if (!node->options) {
        return true;
    }
    json_object_object_foreach(node->options, name, old)
    {
        (void)old;
        if (is_own(node, name) && !one_of(name, node->driver->reopen_options) &&
            !json_object_object_get_ex(options, name, NULL)) {
            error_set(errp, "Option '%s' cannot be reset to its default value",
                      name);
            return false;
        }
    }
    return true;
}

static bool check_changed(const Node *node, json_object *options, Error **errp)
{
    json_object_object_foreach(options, name, value)
    {
        json_object *old = NULL;

        if (!is_own(node, name) || one_of(name, node->driver->reopen_options)) {
            continue;
        }
        if (node->options) {
            json_object_object_get_ex(node->options, name, &old);
        }
        if (!json_object_equal(value, old)) {
            return cannot_change(name, errp);
        }
    }
    return true;
}

bool reopen_options_check(const Node *node, json_object *options, Error **errp)
{
    return check_identity(node, options, errp) &&
           check_changed(node, options, errp);
}
