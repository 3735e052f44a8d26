/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reopening: several nodes get new options and children, all or none.
 *
 *   queue every node named, and the inline children below, which inherit
 *   -> quiesce them
 *   -> in place, with undo: generic options, children, driver's state
 *   -> permissions of all, which is the check of the final graph
 *   -> commit: sizes, options, names    or abort: all as before
 *
 * Invariants:
 * 1. An entry stands behind the one that it inherits from.
 * 2. A node is in the queue once; what a user says of it wins over what it
 *    would inherit.
 * 3. A child that is left keeps a reference of ours until all is over, so
 *    that an abort can go back to it.
 */
#include "block/graph/backing.h"
#include "block/graph/driver.h"
#include "block/graph/format.h"
#include "block/graph/filename.h"
#include "block/graph/graph-int.h"
#include "block/graph/op-blocker.h"
#include "qapi/qapi-types.h"

typedef struct Entry Entry;
struct Entry {
    NodeReopen r;
    BlockdevOptions *options;
    json_object *json;   /* the same */
    const Entry *parent; /* inherits from it; NULL: named by the user */
    GenericOptions old;
    bool done; /* the driver has had its turn */
};

typedef struct Reopen {
    GPtrArray *entries; /* Entry */
    GPtrArray *nodes;   /* Node of each entry, and those whose users change */
    GPtrArray *left;    /* Node, a reference of each: children before */
    Txn *txn;
    Quiesce *section; /* over @nodes, and the children that are left */
} Reopen;

static Entry *find_entry(const Reopen *q, const Node *node)
{
    for (guint i = 0; i < q->entries->len; i++) {
        Entry *entry = q->entries->pdata[i];

        if (entry->r.node == node) {
            return entry;
        }
    }
    return NULL;
}

static void entry_free(gpointer data)
{
    Entry *entry = data;

    BlockdevOptions_free(entry->options);
    json_object_put(entry->json);
    g_free(entry);
}

/* --- the queue ----------------------------------------------------------- */

static bool queue_node(Reopen *q, Node *node, json_object *json,
                       const Entry *parent, Error **errp);

/* What @json says about the child @edge. A child that was defined inline is
 * reopened, too: as it is defined now or, if it is named, as before. Another
 * child stays or is replaced, which is for later. */
static bool queue_child(Reopen *q, const Entry *entry, const Edge *edge,
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
                       const Entry *parent, Error **errp)
{
    Entry *entry = find_entry(q, node);
    BlockdevOptions *options;

    if (entry && parent) {
        return true;
    }
    options = BlockdevOptions_from_json(json, errp);
    if (!options) {
        return false;
    }
    if (!entry) {
        entry = g_new0(Entry, 1);
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

static bool queue_all(Reopen *q, const BlockdevOptionsList *list, Error **errp)
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

/* --- generic options ----------------------------------------------------- */

static void generic_undo(void *opaque)
{
    Entry *entry = opaque;

    node_set_generic(entry->r.node, &entry->old);
}

static const TxnOps generic_ops = {.abort = generic_undo};

static bool apply_generic(Reopen *q, Entry *entry, Error **errp)
{
    Node *node = entry->r.node;
    GenericOptions above, g;

    if (entry->parent) {
        const Node *parent = entry->parent->r.node;
        const Edge *backing = node_backing_child(parent);

        above = node_generic_for_child(
            parent, backing && backing->child == node ? EDGE_COW : 0);
    }
    if (!generic_options_parse(entry->options, entry->parent ? &above : NULL,
                               &g, errp)) {
        return false;
    }
    entry->old = node_generic(node);
    node->turns_read_only = g.read_only && !node->read_only;
    node_set_generic(node, &g);
    txn_add(q->txn, &generic_ops, entry);
    return true;
}

/* --- children ------------------------------------------------------------ */

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

CONTROL_ONLY
static bool apply_children(Reopen *q, Entry *entry, Error **errp)
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
static bool backing_is_said(const Entry *entry, Error **errp)
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
static bool apply_backing(Reopen *q, Entry *entry, bool leaving, Error **errp)
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

CONTROL_ONLY
static bool apply_all_backings(Reopen *q, Error **errp)
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

/* --- drivers ------------------------------------------------------------- */

static uint64_t size_to_be(const Reopen *q, const Node *node)
{
    const Entry *entry = find_entry(q, node);
    const Edge *shown = NULL;

    if (entry) {
        return entry->r.size_bytes;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & EDGE_FILTERED) {
            shown = edge;
        }
    }
    return shown ? size_to_be(q, shown->child) : node->size_bytes;
}

uint64_t reopen_child_size(const NodeReopen *r, const Edge *edge)
{
    return size_to_be(r->reopen, edge->child);
}

/* A filter like copy-before-write says so whatever its own users bear. */
static bool bears_resize(const Edge *edge)
{
    const Node *node = edge->parent;
    Perms perm, shared = PERM_ALL;

    if (node->driver->child_perm) {
        node->driver->child_perm(node, edge, 0, PERM_ALL, &perm, &shared);
    }
    return shared & PERM_RESIZE;
}

/* Users know the size of a node once and for all only if they are jobs and
 * filters that copy; clients of exports just get errors beyond the end. */
static bool check_size_may_change(const Node *node, Error **errp)
{
    if (!node_op_allowed(node, NODE_OP_RESIZE, errp)) {
        return false;
    }
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (!edge->parent || !(edge->role & EDGE_FILTERED)) {
            continue;
        }
        if (!bears_resize(edge)) {
            error_set(errp,
                      "Node '%s' is busy: node '%s' above it does not bear a "
                      "change of its size",
                      node_name(node), node_name(edge->parent));
            return false;
        }
        if (!check_size_may_change(edge->parent, errp)) {
            return false;
        }
    }
    return true;
}

static bool co_apply_driver(Reopen *q, Entry *entry, Error **errp)
{
    Node *node = entry->r.node;

    if (entry->done) {
        return true;
    }
    entry->done = true;
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        Entry *below = find_entry(q, edge->child);

        if (below && !co_apply_driver(q, below, errp)) {
            return false;
        }
    }
    return node->driver->co_reopen(&entry->r, q->txn, errp) &&
           (entry->r.size_bytes == node->size_bytes ||
            check_size_may_change(node, errp));
}

/* --- all together -------------------------------------------------------- */

static bool check_entry(const Entry *entry, Error **errp)
{
    const Node *node = entry->r.node;

    if (!backing_is_said(entry, errp)) {
        return false;
    }
    if (!node->driver->co_reopen) {
        error_set(errp,
                  "Block format '%s' used by node '%s' does not support "
                  "reopening files",
                  node->driver->name, node_name(node));
        return false;
    }
    return reopen_options_check(node, entry->json, errp);
}

CONTROL_ONLY
static bool co_apply(Reopen *q, Error **errp)
{
    for (guint i = 0; i < q->entries->len; i++) {
        Entry *entry = q->entries->pdata[i];

        if (!check_entry(entry, errp) || !apply_generic(q, entry, errp) ||
            !apply_children(q, entry, errp)) {
            return false;
        }
    }
    if (!apply_all_backings(q, errp)) {
        return false;
    }
    for (guint i = 0; i < q->entries->len; i++) {
        if (!co_apply_driver(q, q->entries->pdata[i], errp)) {
            return false;
        }
    }
    return perms_refresh((Node *const *)q->nodes->pdata, q->nodes->len, q->txn,
                         errp);
}

/* The order does not matter: a size goes up to those that show it. */
CONTROL_ONLY
static void take_over(Entry *entry)
{
    Node *node = entry->r.node;

    json_object_put(node->options);
    node->options = json_object_get(entry->json);
    node_forget_spelling(node);
    node_size_changed(node, entry->r.size_bytes);
    node_refresh_filenames_above(node);
}

static void forget_left(const Reopen *q)
{
    for (guint i = 0; i < q->left->len; i++) {
        Node *child = q->left->pdata[i];
        Node *parent = child->inherits_from;
        bool still = false;

        LIST_FOREACH(edge, &child->parents, Edge, in_child) {
            still = still || edge->parent == parent;
        }
        if (!still) {
            child->inherits_from = NULL;
        }
    }
}

/* While they still can, nodes write what they hold back. */
COROUTINE_ONLY CONTROL_ONLY static bool co_settle_all(Reopen *q, Error **errp)
{
    for (guint i = 0; i < q->entries->len; i++) {
        Entry *entry = q->entries->pdata[i];
        Node *node = entry->r.node;

        if (node->driver->co_settle && !node->read_only) {
            int ret = node->driver->co_settle(node);

            if (ret < 0) {
                error_set_errno(errp, -ret, "Error flushing drive");
                return false;
            }
        }
    }
    return true;
}

/* --- the end ------------------------------------------------------------- */

static Reopen *reopen_new(void)
{
    Reopen *q = g_new0(Reopen, 1);

    q->entries = g_ptr_array_new_with_free_func(entry_free);
    q->nodes = g_ptr_array_new();
    q->left = g_ptr_array_new();
    return q;
}

COROUTINE_ONLY CONTROL_ONLY static void co_reopen_free(Reopen *q)
{
    for (guint i = 0; i < q->left->len; i++) {
        co_node_unref(q->left->pdata[i]);
    }
    g_ptr_array_free(q->entries, TRUE);
    g_ptr_array_free(q->nodes, TRUE);
    g_ptr_array_free(q->left, TRUE);
    g_free(q);
}

CONTROL_ONLY
static void reopen_end(Reopen *q, bool ok)
{
    txn_end(q->txn, ok);
    q->txn = NULL;
    for (guint i = 0; i < q->entries->len; i++) {
        Entry *entry = q->entries->pdata[i];

        entry->r.node->turns_read_only = false;
        node_refresh_limits(entry->r.node);
        if (ok) {
            take_over(entry);
        }
    }
    forget_left(q);
    quiesce_rescan();
    quiesce_end(q->section);
    q->section = NULL;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_reopen_begin(Reopen *q, const BlockdevOptionsList *options, Error **errp)
{
    if (!queue_all(q, options, errp)) {
        return false;
    }
    q->section =
        co_quiesce_begin((Node *const *)q->nodes->pdata, q->nodes->len);
    q->txn = txn_new();
    if (!co_settle_all(q, errp) || !co_apply(q, errp)) {
        reopen_end(q, false);
        return false;
    }
    return true;
}

bool co_graph_reopen_locked(const BlockdevOptionsList *options, Error **errp)
{
    Reopen *q = reopen_new();
    bool ok = co_reopen_begin(q, options, errp);

    if (ok) {
        reopen_end(q, true);
    }
    co_reopen_free(q);
    return ok;
}

bool co_graph_reopen(const BlockdevOptionsList *options, Error **errp)
{
    bool ok;

    co_graph_lock();
    ok = co_graph_reopen_locked(options, errp);
    graph_unlock();
    return ok;
}

/* --- as a part of something larger --------------------------------------- */

static bool sizes_stay(const Reopen *q, Error **errp)
{
    for (guint i = 0; i < q->entries->len; i++) {
        const Entry *entry = q->entries->pdata[i];

        if (entry->r.size_bytes != entry->r.node->size_bytes) {
            error_set(errp,
                      "The size of node '%s' cannot change in a transaction",
                      node_name(entry->r.node));
            return false;
        }
    }
    return true;
}

Reopen *co_graph_reopen_prepare(const BlockdevOptionsList *options,
                                Error **errp)
{
    Reopen *q = reopen_new();

    if (!co_reopen_begin(q, options, errp)) {
        co_reopen_free(q);
        return NULL;
    }
    if (!sizes_stay(q, errp)) {
        reopen_end(q, false);
        co_reopen_free(q);
        return NULL;
    }
    for (guint i = 0; i < q->entries->len; i++) {
        node_refresh_limits(((Entry *)q->entries->pdata[i])->r.node);
    }
    quiesce_rescan();
    return q;
}

void graph_reopen_commit(Reopen *q)
{
    reopen_end(q, true);
}

void graph_reopen_abort(Reopen *q)
{
    reopen_end(q, false);
}

void co_graph_reopen_forget(Reopen *q)
{
    co_reopen_free(q);
}
