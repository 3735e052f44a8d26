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
#include "block/graph/filename.h"
#include "block/graph/reopen-int.h"

/* --- generic options ----------------------------------------------------- */

static void generic_undo(void *opaque)
{
    ReopenEntry *entry = opaque;

    node_set_generic(entry->r.node, &entry->old);
}

static const TxnOps generic_ops = {.abort = generic_undo};

static bool apply_generic(Reopen *q, ReopenEntry *entry, Error **errp)
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

/* --- all together -------------------------------------------------------- */

static bool check_entry(const ReopenEntry *entry, Error **errp)
{
    const Node *node = entry->r.node;

    if (!node->driver->co_reopen) {
        error_set(errp,
                  "Block format '%s' used by node '%s' does not support "
                  "reopening files",
                  node->driver->name, node_name(node));
        return false;
    }
    return reopen_options_check_early(node, entry->json, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply(Reopen *q, Error **errp)
{
    for (guint i = 0; i < q->entries->len; i++) {
        ReopenEntry *entry = q->entries->pdata[i];

        if (!check_entry(entry, errp) || !apply_generic(q, entry, errp) ||
            !reopen_backing_is_said(entry, errp)) {
            return false;
        }
    }
    /* As with QEMU what is behind comes first: texts tell of it. */
    if (!reopen_apply_backings(q, errp)) {
        return false;
    }
    for (guint i = 0; i < q->entries->len; i++) {
        ReopenEntry *entry = q->entries->pdata[i];

        if (!reopen_apply_children(q, entry, errp) ||
            !reopen_options_check(entry->r.node, entry->json, errp)) {
            return false;
        }
    }
    return co_reopen_apply_drivers(q, errp) &&
           perms_refresh((Node *const *)q->nodes->pdata, q->nodes->len, q->txn,
                         errp);
}

/* The order does not matter: a size goes up to those that show it. */
CONTROL_ONLY
static void take_over(ReopenEntry *entry)
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

/* --- the end ------------------------------------------------------------- */

CONTROL_ONLY
static void reopen_end(Reopen *q, bool ok)
{
    txn_end(q->txn, ok);
    q->txn = NULL;
    for (guint i = 0; i < q->entries->len; i++) {
        ReopenEntry *entry = q->entries->pdata[i];

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
    if (!reopen_queue_all(q, options, errp)) {
        return false;
    }
    q->section =
        co_quiesce_begin((Node *const *)q->nodes->pdata, q->nodes->len);
    q->txn = txn_new();
    if (!co_reopen_settle_all(q, errp) || !co_apply(q, errp)) {
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
        const ReopenEntry *entry = q->entries->pdata[i];

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
        node_refresh_limits(((ReopenEntry *)q->entries->pdata[i])->r.node);
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
