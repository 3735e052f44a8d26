/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a node writable or read-only for a while, for jobs and snapshots: a
 * reopen in which nothing else changes, of the node and the children that were
 * defined with it.
 *
 * Invariant: afterwards the nodes' options are as they were given, but for
 * read-only.
 */
#include "block/graph/graph-int.h"
#include "qapi/qapi-types.h"

static void set(json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

static bool is_inline(const Node *node, const Edge *edge)
{
    return edge->child->inherits_from == node && edge->child->options &&
           !(edge->role & EDGE_COW);
}

static json_object *copy_of(json_object *object)
{
    json_object *copy = NULL;

    json_object_deep_copy(object, &copy, NULL);
    return copy;
}

/* All that @node is now, but for @read_only. */
static json_object *options_of(const Node *node, bool read_only)
{
    json_object *json = copy_of(node->options);
    json_object *cache = json_object_new_object();

    set(json, "read-only", read_only);
    set(json, "auto-read-only", node->auto_read_only);
    set(json, "force-share", node->force_share && read_only);
    set(cache, "direct", node->cache_direct);
    set(cache, "no-flush", node->cache_no_flush);
    json_object_object_add(json, "cache", cache);
    json_object_object_add(
        json, "discard",
        json_object_new_string(node->discard_unmap ? "unmap" : "ignore"));
    json_object_object_add(json, "node-name",
                           json_object_new_string(node_name(node)));
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        json_object_object_add(
            json, edge->name,
            is_inline(node, edge)
                ? options_of(edge->child, read_only)
                : json_object_new_string(node_name(edge->child)));
    }
    return json;
}

/* What was given, in the places of what @options_of made of it. */
static void restore(Node *node, bool read_only, GPtrArray *given)
{
    json_object_put(node->options);
    node->options = g_ptr_array_steal_index(given, 0);
    set(node->options, "read-only", read_only);
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (is_inline(node, edge)) {
            restore(edge->child, read_only, given);
        }
    }
}

static void keep(const Node *node, GPtrArray *given)
{
    g_ptr_array_add(given, copy_of(node->options));
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (is_inline(node, edge)) {
            keep(edge->child, given);
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool co_reopen(json_object *json,
                                                  Error **errp)
{
    BlockdevOptions *options = BlockdevOptions_from_json(json, errp);
    BlockdevOptionsList *list;
    bool ok;

    if (!options) {
        return false;
    }
    list = BlockdevOptionsList_new();
    BlockdevOptionsList_append(list, options);
    ok = co_graph_reopen_locked(list, errp);
    BlockdevOptionsList_free(list);
    return ok;
}

/* What an inactive node will be when it is active. */
static void set_read_only_later(Node *node)
{
    node->inactive_read_only = true;
    set(node->options, "read-only", true);
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (is_inline(node, edge) && edge->child->inactive) {
            set_read_only_later(edge->child);
        }
    }
}

bool co_node_set_read_only(Node *node, bool read_only, Error **errp)
{
    g_autoptr(GPtrArray) given = NULL;
    json_object *json;
    bool ok;

    if (node->inactive && read_only && node->options) {
        set_read_only_later(node);
        return true;
    }
    if (node->read_only == read_only) {
        return true;
    }
    if (!node->options) {
        error_set(errp, "Block node is read-only");
        return false;
    }
    given = g_ptr_array_new();
    keep(node, given);
    json = options_of(node, read_only);
    ok = co_reopen(json, errp);
    json_object_put(json);
    if (ok) {
        restore(node, read_only, given);
    }
    for (guint i = 0; i < given->len; i++) {
        json_object_put(given->pdata[i]);
    }
    return ok;
}
