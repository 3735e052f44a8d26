/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a node is shown by name: the file name where there is one, else
 * "json:" and the options that decide what the node shows (its identity):
 * the driver, the driver's identity_options that were given, and those of its
 * children.
 */
#include "block/graph/filename.h"
#include "block/graph/format.h"
#include "block/graph/graph-int.h"

#include "util/json/json-print.h"

/* A list appears as members of its own: "inject-error.0.event". */
static void identity_add(json_object *identity, const char *name,
                         json_object *value)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            g_autofree char *inner = g_strdup_printf("%s.%zu", name, i);

            identity_add(identity, inner, json_object_array_get_idx(value, i));
        }
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            g_autofree char *inner = g_strdup_printf("%s.%s", name, key);

            identity_add(identity, inner, member);
        }
    } else {
        json_object_object_add(identity, name, json_object_get(value));
    }
}

/* Adds what was given; true if anything was. */
static bool identity_add_options(const Node *node, json_object *identity)
{
    bool any = false;

    for (const char *const *name = node->driver->identity_options;
         node->options && name && *name; name++) {
        json_object *value = spelling_find(node->options, *name);
        json_object *spelled =
            value ? spelling_find(node->spelling, *name) : NULL;

        if (value) {
            identity_add(identity, *name, spelled ? spelled : value);
            any = true;
        }
    }
    return any;
}

/* The name of an image is that of its file; a format above a format or a
 * filter has none, unless that opens by a name of its own. */
static const char *child_plain_filename(const Node *node)
{
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        const char *name = edge->child->filename;

        if (edge->role & (EDGE_PRIMARY | EDGE_FILTERED)) {
            const NodeDriver *below = edge->child->driver;

            if (node->driver->is_format && edge->child->filename_derived &&
                (below->is_format || below->is_filter)) {
                return NULL;
            }
            return name && !g_str_has_prefix(name, "json:") ? name : NULL;
        }
    }
    return NULL;
}

/* What the image itself says is behind it, or NULL. */
static const char *own_backing_name(const Node *node)
{
    const FormatOps *format = node->driver->format;

    return format && format->backing_file ? format->backing_file(node) : NULL;
}

/* Whether what is behind it is what the image itself says. */
static bool backing_is_own(const Node *node, const Edge *backing)
{
    const char *name = own_backing_name(node);

    if (!backing ||
        (backing->child->inherits_from == node && node->options &&
         !json_object_object_get_ex(node->options, "backing", NULL))) {
        return true;
    }
    return name && backing->child->filename &&
           !strcmp(name, backing->child->filename);
}

/* Nothing is behind it because somebody said so, although the image says that
 * there is something. */
static bool backing_is_denied(const Node *node)
{
    json_object *value;

    return own_backing_name(node) && node->options &&
           json_object_object_get_ex(node->options, "backing", &value) &&
           !value;
}

/* "children.0" and so on are members of a list, with no gaps. */
static void identity_add_child(json_object *identity, const Edge *edge)
{
    const char *dot = strchr(edge->name, '.');
    g_autofree char *list =
        dot ? g_strndup(edge->name, dot - edge->name) : NULL;
    json_object *members;

    if (!list) {
        json_object_object_add(identity, edge->name,
                               json_object_get(edge->child->identity));
        return;
    }
    if (!json_object_object_get_ex(identity, list, &members)) {
        members = json_object_new_array();
        json_object_object_add(identity, list, members);
    }
    json_object_array_add(members, json_object_get(edge->child->identity));
}

/* A job's filter is shown as what it filters; but a stream's that has a name
 * is a node of its own. */
static void show_as(Node *filter, const Node *child)
{
    g_free(filter->filename);
    filter->filename = g_strdup(child->filename);
    json_object_put(filter->identity);
    filter->identity = json_object_get(child->identity);
}

void node_refresh_filename(Node *node)
{
    const Edge *filtered = node_filtered_child(node);
    json_object *identity;
    const Edge *backing = node_backing_child(node);
    const char *plain;
    bool own;

    if (!node->options && filtered &&
        (!node->driver->shown_by_options || node->name_generated)) {
        show_as(node, filtered->child);
        return;
    }
    identity = json_object_new_object();
    json_object_object_add(identity, "driver",
                           json_object_new_string(node->driver->name));
    own = identity_add_options(node, identity);
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->child->identity && !(edge->role & EDGE_COW)) {
            identity_add_child(identity, edge);
        }
    }
    if (!backing_is_own(node, backing)) {
        own = true;
        json_object_object_add(identity, "backing",
                               json_object_get(backing->child->identity));
    } else if (!backing && backing_is_denied(node)) {
        own = true;
        json_object_object_add(identity, "backing", NULL);
    }
    json_object_put(node->identity);
    node->identity = identity;
    if (node->filename && !node->filename_derived) {
        return;
    }
    g_free(node->filename);
    node->filename_derived = true;
    if (node->driver->shown_as_file && node_child(node, "file")) {
        node->filename = g_strdup(node_child(node, "file")->child->filename);
        return;
    }
    plain = own || node->driver->shown_by_options ? NULL
                                                  : child_plain_filename(node);
    if (plain) {
        node->filename = g_strdup(plain);
    } else {
        g_autoptr(GString) text = json_print(identity, false);

        node->filename = g_strdup_printf("json:%s", text->str);
    }
}

void node_refresh_filenames_above(Node *node)
{
    node_refresh_filename(node);
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->parent) {
            node_refresh_filenames_above(edge->parent);
        }
    }
}

const char *node_plain_filename(const Node *node)
{
    const char *name = node->filename;

    while (name && g_str_has_prefix(name, "json:")) {
        const Edge *below = NULL;

        LIST_FOREACH(edge, &node->children, Edge, in_parent) {
            if (edge->role & (EDGE_PRIMARY | EDGE_FILTERED)) {
                below = edge;
            }
        }
        if (!below) {
            return node->filename;
        }
        node = below->child;
        name = node->filename;
    }
    return name;
}

static bool has_protocol(const char *name)
{
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');

    return colon && (!slash || colon < slash);
}

char *filename_beside(const char *own, const char *name, Error **errp)
{
    g_autofree char *dir = NULL;

    if (g_path_is_absolute(name) || has_protocol(name)) {
        return g_strdup(name);
    }
    if (!own || g_str_has_prefix(own, "json:")) {
        error_set(errp, "Cannot use relative backing file names for '%s'",
                  own ? own : "");
        return NULL;
    }
    if (!strchr(own, '/')) {
        return g_strdup(name);
    }
    dir = g_strndup(own, strrchr(own, '/') + 1 - own);
    return g_strconcat(dir, name, NULL);
}

/* The file that @name leads to, without links; realpath()'s memory. */
static char *real_file_beside(const char *own, const char *name)
{
    g_autofree char *path =
        has_protocol(name) ? NULL : filename_beside(own, name, NULL);

    return path ? realpath(path, NULL) : NULL;
}

bool filename_means(const char *own, const char *behind, const char *name)
{
    char *one, *other;
    bool same;

    if (!strcmp(behind, name)) {
        return true;
    }
    one = real_file_beside(own, behind);
    other = one ? real_file_beside(own, name) : NULL;
    same = other && !strcmp(one, other);
    free(one);
    free(other);
    return same;
}
