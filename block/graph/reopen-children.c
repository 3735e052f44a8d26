/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node that is reopened may get other children, and another image behind. */
#include "block/graph/backing.h"
#include "block/graph/format.h"
#include "block/graph/reopen-int.h"

static bool replaceable(const Edge *edge)
{
    return !strcmp(edge->name, "file");
}

CONTROL_ONLY
static bool replace_child(Reopen *q, Edge *edge, const char *name, Error **errp)
{
    Node *to = node_lookup(NULL, name, errp);

    if (!to) {
        return false;
    }
    if (to == edge->child) {
        return true;
    }
    if (!replaceable(edge)) {
        error_set(errp, "Cannot change the option '%s'", edge->name);
        return false;
    }
    if (!edge_check_cycle(edge->parent, to, edge->name, errp)) {
        return false;
    }
    if (!edge_check_thawed(edge, errp)) {
        return false;
    }
    node_ref(edge->child);
    g_ptr_array_add(q->left, edge->child);
    g_ptr_array_add(q->nodes, edge->child);
    edge_move_txn(edge, to, q->txn);
    return true;
}

bool reopen_apply_children(Reopen *q, ReopenEntry *entry, Error **errp)
{
    LIST_FOREACH(edge, &entry->r.node->children, Edge, in_parent) {
        json_object *value;

        if (!(edge->role & EDGE_COW) &&
            json_object_object_get_ex(entry->json, edge->name, &value) &&
            json_object_is_type(value, json_type_string) &&
            !replace_child(q, edge, json_object_get_string(value), errp)) {
            return false;
        }
    }
    return true;
}

/* Whether the image itself names one behind it. */
static bool says_backing(const Node *node)
{
    const FormatOps *ops = node->driver->format;

    return ops && ops->backing_file && ops->backing_file(node);
}

/* Who is reopened as it was need not say what lies behind it. */
bool reopen_backing_is_said(const ReopenEntry *entry, Error **errp)
{
    const Node *node = entry->r.node;

    if (node->driver->supports_backing && entry->json != node->options &&
        !json_object_object_get_ex(entry->json, "backing", NULL) &&
        (node_backing_child(node) || says_backing(node))) {
        error_set(errp, "backing is missing for '%s'", node_name(node));
        return false;
    }
    return true;
}

/* Whether the image behind @edge stays: what a job has put in front of it
 * unasked does not count. False with *@errp: it is that which would go. */
static bool keeps_backing(const Edge *edge, const Node *to, Error **errp)
{
    if (!edge || node_skip_implicit(edge->child) == to) {
        return edge != NULL;
    }
    if (node_skip_implicit(edge->child) != edge->child) {
        error_set(errp, "Cannot replace implicit backing child of %s",
                  node_name(edge->parent));
    }
    return false;
}

/* The image behind may be another one, come and go. @leaving: only if it goes,
 * which is done first, so that images can change places. */
CONTROL_ONLY
static bool apply_backing(Reopen *q, ReopenEntry *entry, bool leaving,
                          Error **errp)
{
    Node *node = entry->r.node, *to = NULL;
    Edge *edge = node_backing_child(node);
    Error *err = NULL;
    json_object *value;

    if (!node->driver->supports_backing) {
        return true;
    }
    if (!json_object_object_get_ex(entry->json, "backing", &value)) {
        return true;
    }
    if (leaving != !value || json_object_is_type(value, json_type_object)) {
        return true;
    }
    if (value) {
        to = node_lookup(NULL, json_object_get_string(value), errp);
        if (!to) {
            return false;
        }
    }
    if (keeps_backing(edge, to, &err)) {
        return true;
    }
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    if (edge && edge->child != to) {
        node_ref(edge->child);
        g_ptr_array_add(q->left, edge->child);
        g_ptr_array_add(q->nodes, edge->child);
    }
    return node_set_backing(node, to, q->txn, errp);
}

bool reopen_apply_backings(Reopen *q, Error **errp)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < q->entries->len; i++) {
            if (!apply_backing(q, q->entries->pdata[i], pass == 0, errp)) {
                return false;
            }
        }
    }
    return true;
}
