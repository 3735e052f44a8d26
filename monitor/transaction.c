/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command `transaction`, and its action `abort`. */
#include "block/job/actions.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"

static bool is_grouped(const TransactionProperties *properties)
{
    return properties && properties->has_completion_mode &&
           properties->completion_mode == ACTION_COMPLETION_MODE_GROUPED;
}

bool qmp_transaction(const QmpTransactionArgs *args, Error **errp)
{
    size_t n = args->actions->n;
    g_autofree ActionStep *steps = g_new(ActionStep, n);

    for (size_t i = 0; i < n; i++) {
        const TransactionAction *action = args->actions->v[i];

        steps[i] = (ActionStep){transaction_handlers[action->type], action};
    }
    return co_actions_run(steps, n, is_grouped(args->properties), errp);
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
