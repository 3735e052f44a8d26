/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which nodes are reopened, and with what options. */
#include "block/graph/reopen-int.h"

ReopenEntry *reopen_find(const Reopen *q, const Node *node)
{
    for (guint i = 0; i < q->entries->len; i++) {
        ReopenEntry *entry = q->entries->pdata[i];

        if (entry->r.node == node) {
            return entry;
        }
    }
    return NULL;
}

static void entry_free(gpointer data)
{
    ReopenEntry *entry = data;

    BlockdevOptions_free(entry->options);
    json_object_put(entry->json);
    g_free(entry);
}

static bool queue_node(Reopen *q, Node *node, json_object *json,
                       const ReopenEntry *parent, Error **errp);

/* What @json says about the child @edge. A child that was defined inline is
 * reopened, too: as it is defined now or, if it is named, as before. Another
 * child stays or is replaced, which is for later. */
static bool queue_child(Reopen *q, const ReopenEntry *entry, const Edge *edge,
                        Error **errp)
{
    Node *child = edge->child;
    bool is_inline = child->inherits_from == entry->r.node;
    json_object *value;

    if (!json_object_object_get_ex(entry->json, edge->name, &value)) {
        return true; /* another driver's options: told later */
    }
    if (!value) {
        return true; /* it goes */
    }
    if (json_object_is_type(value, json_type_object)) {
        if (!is_inline) {
            error_set(errp, "Cannot change the option '%s.driver'", edge->name);
            return false;
        }
        return queue_node(q, child, value, entry, errp);
    }
    if (is_inline && child->options &&
        !strcmp(json_object_get_string(value), node_name(child))) {
        return queue_node(q, child, child->options, entry, errp);
    }
    return true;
}

static bool queue_node(Reopen *q, Node *node, json_object *json,
                       const ReopenEntry *parent, Error **errp)
{
    ReopenEntry *entry = reopen_find(q, node);
    BlockdevOptions *options;

    if (entry && parent) {
        return true;
    }
    options = BlockdevOptions_from_json(json, errp);
    if (!options) {
        return false;
    }
    if (!entry) {
        entry = g_new0(ReopenEntry, 1);
        g_ptr_array_add(q->entries, entry);
        g_ptr_array_add(q->nodes, node);
    } else {
        BlockdevOptions_free(entry->options);
        json_object_put(entry->json);
    }
    entry->r = (NodeReopen){node, options, node->size_bytes, q};
    entry->options = options;
    entry->json = json_object_get(json);
    entry->parent = parent;
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (!queue_child(q, entry, edge, errp)) {
            return false;
        }
    }
    return true;
}

bool reopen_queue_all(Reopen *q, const BlockdevOptionsList *list, Error **errp)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *name = list->v[i]->node_name;
        Node *node = name ? node_find(name) : NULL;
        json_object *json;
        bool ok;

        if (!name) {
            error_set(errp, "node-name not specified");
            return false;
        }
        if (!node) {
            error_set(errp, "Failed to find node with node-name='%s'", name);
            return false;
        }
        json = BlockdevOptions_to_json(list->v[i]);
        ok = queue_node(q, node, json, NULL, errp);
        json_object_put(json);
        if (!ok) {
            return false;
        }
    }
    return true;
}

Reopen *reopen_new(void)
{
    Reopen *q = g_new0(Reopen, 1);

    q->entries = g_ptr_array_new_with_free_func(entry_free);
    q->nodes = g_ptr_array_new();
    q->left = g_ptr_array_new();
    return q;
}

void co_reopen_free(Reopen *q)
{
    for (guint i = 0; i < q->left->len; i++) {
        co_node_unref(q->left->pdata[i]);
    }
    g_ptr_array_free(q->entries, TRUE);
    g_ptr_array_free(q->nodes, TRUE);
    g_ptr_array_free(q->left, TRUE);
    g_free(q);
}
