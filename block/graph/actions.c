/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of the graph as actions of a transaction: blockdev-add,
 * blockdev-reopen and blockdev-del.
 *
 * Invariants:
 * 1. The effect is there after prepare, for the actions that follow; but a
 *    node that is deleted is only doomed: it does not count as a user of
 *    others, and is closed when all is over.
 * 2. What may yield (closing nodes) is done after the section of the
 *    transaction, in the order of the actions, or the reverse after an abort.
 */
#include "block/graph/action.h"
#include "block/graph/op-blocker.h"
#include "block/graph/quiesce.h"
#include "qapi/qapi-transaction.h"
#include "qapi/qapi-types.h"

/* A change with what is to be done later. */
typedef struct Change {
    Node *node;
    struct Reopen *reopen;
    GArray *rest; /* of the transaction */
} Change;

static Change *change_new(TransactionContext *ctx)
{
    Change *change = g_new0(Change, 1);

    change->rest = ctx->rest;
    return change;
}

COROUTINE_ONLY CONTROL_ONLY static void co_unref_later(void *opaque)
{
    co_node_unref(opaque);
}

/* --- blockdev-add -------------------------------------------------------- */

static void add_abort(void *opaque)
{
    Change *change = opaque;

    change->node->monitor_owned = false;
    transaction_later(change->rest, co_unref_later, change->node);
}

static const TxnOps add_ops = {.abort = add_abort, .clean = g_free};

COROUTINE_ONLY CONTROL_ONLY static bool
co_add_prepare(const TransactionAction *action, TransactionContext *ctx,
               Error **errp)
{
    const BlockdevOptions *options = action->u.blockdev_add.data;
    Change *change;
    Node *node;

    if (!options->node_name) {
        error_set(errp, "'node-name' must be specified for the root node");
        return false;
    }
    node = co_node_open(options, errp);
    if (!node) {
        return false;
    }
    node->monitor_owned = true;
    change = change_new(ctx);
    change->node = node;
    txn_add(ctx->txn, &add_ops, change);
    return true;
}

const TransactionHandler txn_handler_blockdev_add = {
    .co_prepare = co_add_prepare,
};

/* --- blockdev-del -------------------------------------------------------- */

static bool check_delete(const Node *node, Error **errp)
{
    if (!node_op_allowed(node, NODE_OP_DELETE, errp)) {
        return false;
    }
    if (!node->monitor_owned) {
        error_set(errp, "Node %s is not owned by the monitor", node_name(node));
        return false;
    }
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root) {
            error_set(errp, "Node %s is in use", node_name(node));
            return false;
        }
        if (!edge->parent->doomed) {
            error_set(errp, "Block device %s is in use", node_name(node));
            return false;
        }
    }
    return true;
}

static void del_commit(void *opaque)
{
    Change *change = opaque;

    transaction_later(change->rest, co_unref_later, change->node);
}

static void del_abort(void *opaque)
{
    ((Change *)opaque)->node->monitor_owned = true;
}

static void del_clean(void *opaque)
{
    ((Change *)opaque)->node->doomed = false;
    g_free(opaque);
}

static const TxnOps del_ops = {
    .commit = del_commit,
    .abort = del_abort,
    .clean = del_clean,
};

COROUTINE_ONLY CONTROL_ONLY static bool
co_del_prepare(const TransactionAction *action, TransactionContext *ctx,
               Error **errp)
{
    const char *name = action->u.blockdev_del.data->node_name;
    Node *node = node_find(name);
    Change *change;

    if (!node) {
        error_set(errp, "Failed to find node with node-name='%s'", name);
        return false;
    }
    if (!check_delete(node, errp)) {
        return false;
    }
    node->monitor_owned = false;
    node->doomed = true;
    change = change_new(ctx);
    change->node = node;
    txn_add(ctx->txn, &del_ops, change);
    return true;
}

const TransactionHandler txn_handler_blockdev_del = {
    .co_prepare = co_del_prepare,
};

/* --- blockdev-reopen ----------------------------------------------------- */

static void touch(const char *name, GPtrArray *nodes)
{
    Node *node = name ? node_find(name) : NULL;

    if (node) {
        g_ptr_array_add(nodes, node);
    }
}

static void reopen_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const BlockdevOptionsList *list = action->u.blockdev_reopen.data->options;

    for (size_t i = 0; i < list->n; i++) {
        touch(list->v[i]->node_name, nodes);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_forget_later(void *opaque)
{
    co_graph_reopen_forget(opaque);
}

CONTROL_ONLY
static void action_reopen_commit(void *opaque)
{
    Change *change = opaque;

    graph_reopen_commit(change->reopen);
    transaction_later(change->rest, co_forget_later, change->reopen);
}

CONTROL_ONLY
static void action_reopen_abort(void *opaque)
{
    Change *change = opaque;

    graph_reopen_abort(change->reopen);
    transaction_later(change->rest, co_forget_later, change->reopen);
}

static const TxnOps reopen_ops = {
    .commit = action_reopen_commit,
    .abort = action_reopen_abort,
    .clean = g_free,
};

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_reopen_prepare(const TransactionAction *action,
                         TransactionContext *ctx, Error **errp)
{
    struct Reopen *reopen =
        co_graph_reopen_prepare(action->u.blockdev_reopen.data->options, errp);
    Change *change;

    if (!reopen) {
        return false;
    }
    change = change_new(ctx);
    change->reopen = reopen;
    txn_add(ctx->txn, &reopen_ops, change);
    return true;
}

const TransactionHandler txn_handler_blockdev_reopen = {
    .touches = reopen_touches,
    .co_prepare = co_action_reopen_prepare,
};
