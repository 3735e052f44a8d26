/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command `transaction`: all of its actions or none, at one point in time
 * of all nodes that they touch.
 *
 *     lock the graph -> quiesce the touched nodes once -> prepare each action
 *     in order -> commit all in order, or abort in reverse -> let requests go
 *     -> close what nobody uses any more
 */
#include "block/graph/action.h"
#include "block/graph/quiesce.h"
#include "block/job/job.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"

static const TransactionHandler *handler_of(const TransactionAction *action)
{
    return transaction_handlers[action->type];
}

static GPtrArray *touched_nodes(const TransactionActionList *actions)
{
    GPtrArray *nodes = g_ptr_array_new();

    for (size_t i = 0; i < actions->n; i++) {
        const TransactionHandler *handler = handler_of(actions->v[i]);

        if (handler->touches) {
            handler->touches(actions->v[i], nodes);
        }
    }
    return nodes;
}

/* Under the graph lock, the touched nodes are still. */
static bool co_apply(const TransactionActionList *actions, bool grouped,
                     GArray *rest, Error **errp)
{
    TransactionContext ctx = {
        .grouped = grouped,
        .job_txn = grouped ? job_txn_new() : NULL,
        .txn = txn_new(),
        .rest = rest,
    };
    bool ok = true;

    for (size_t i = 0; ok && i < actions->n; i++) {
        const TransactionAction *action = actions->v[i];

        ok = handler_of(action)->co_prepare(action, &ctx, errp);
    }
    txn_end(ctx.txn, ok);
    job_txn_unref(ctx.job_txn);
    return ok;
}

static bool is_grouped(const TransactionProperties *properties)
{
    return properties && properties->has_completion_mode &&
           properties->completion_mode == ACTION_COMPLETION_MODE_GROUPED;
}

static void co_do_rest(const GArray *rest)
{
    for (guint i = 0; i < rest->len; i++) {
        const TransactionRest *entry = &g_array_index(rest, TransactionRest, i);

        entry->co_fn(entry->opaque);
    }
}

bool qmp_transaction(const QmpTransactionArgs *args, Error **errp)
{
    g_autoptr(GArray) rest = NULL;
    GPtrArray *nodes;
    Quiesce *quiesce;
    bool ok;

    if (!args->actions->n) {
        return true;
    }
    rest = g_array_new(false, false, sizeof(TransactionRest));
    co_graph_lock();
    nodes = touched_nodes(args->actions);
    quiesce = co_quiesce_begin((Node *const *)nodes->pdata, nodes->len);
    ok = co_apply(args->actions, is_grouped(args->properties), rest, errp);
    quiesce_end(quiesce);
    co_do_rest(rest);
    graph_unlock();
    g_ptr_array_unref(nodes);
    co_jobs_take_turn();
    return ok;
}

/* --- the action `abort` -------------------------------------------------- */

static bool co_abort_prepare(const TransactionAction *action,
                             TransactionContext *ctx, Error **errp)
{
    error_set(errp, "Transaction aborted using Abort action");
    return false;
}

const TransactionHandler txn_handler_abort = {
    .co_prepare = co_abort_prepare,
};
