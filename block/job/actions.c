/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs actions:
 *
 *     lock the graph -> quiesce the touched nodes once -> prepare each action
 *     in order -> commit all in order, or abort in reverse -> let requests go
 *     -> close what nobody uses any more
 */
#include "block/job/actions.h"

#include "block/graph/quiesce.h"
#include "block/job/block-job.h"
#include "qapi/qapi-types.h"

static GPtrArray *touched_nodes(const ActionStep *steps, size_t n)
{
    GPtrArray *nodes = g_ptr_array_new();

    for (size_t i = 0; i < n; i++) {
        if (steps[i].handler->touches) {
            steps[i].handler->touches(steps[i].action, nodes);
        }
    }
    return nodes;
}

CONTROL_ONLY
static void show_pauses(const ActionStep *steps, size_t n)
{
    jobs_show_pause();
    for (size_t i = 0; i < n; i++) {
        if (steps[i].handler->shows_pause) {
            g_autoptr(GPtrArray) nodes = touched_nodes(&steps[i], 1);

            jobs_show_pause_of_users(nodes);
        }
    }
}

static bool check_grouped(const ActionStep *step, bool grouped, Error **errp)
{
    if (!grouped || !step->handler->never_grouped) {
        return true;
    }
    error_set(errp,
              "Action '%s' does not support Transaction property "
              "completion-mode = %s",
              TransactionActionKind_str(step->action->type),
              ActionCompletionMode_str(ACTION_COMPLETION_MODE_GROUPED));
    return false;
}

/* Under the graph lock, the touched nodes are still. */
COROUTINE_ONLY CONTROL_ONLY static bool co_apply(const ActionStep *steps,
                                                 size_t n, bool grouped,
                                                 GArray *rest, Error **errp)
{
    TransactionContext ctx = {
        .grouped = grouped,
        .job_txn = grouped ? job_txn_new() : NULL,
        .txn = txn_new(),
        .rest = rest,
    };
    bool ok = true;

    for (size_t i = 0; ok && i < n; i++) {
        ok = check_grouped(&steps[i], grouped, errp) &&
             steps[i].handler->co_prepare(steps[i].action, &ctx, errp);
    }
    jobs_hold_starts();
    txn_end(ctx.txn, ok);
    job_txn_unref(ctx.job_txn);
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static void co_do_rest(const GArray *rest)
{
    for (guint i = 0; i < rest->len; i++) {
        const TransactionRest *entry = &g_array_index(rest, TransactionRest, i);

        entry->co_fn(entry->opaque);
    }
}

bool co_actions_run(const ActionStep *steps, size_t n, bool grouped,
                    Error **errp)
{
    g_autoptr(GPtrArray) nodes = NULL;
    g_autoptr(GArray) rest = NULL;
    Quiesce *section;
    bool ok;

    co_graph_lock();
    show_pauses(steps, n);
    jobs_quiet_sections(true);
    rest = g_array_new(false, false, sizeof(TransactionRest));
    nodes = touched_nodes(steps, n);
    section = co_quiesce_begin((Node *const *)nodes->pdata, nodes->len);
    ok = co_apply(steps, n, grouped, rest, errp);
    quiesce_end(section);
    jobs_release_starts();
    /* Of the jobs that it made, too. */
    jobs_quiet_sections(true);
    co_do_rest(rest);
    jobs_quiet_sections(false);
    graph_unlock();
    co_jobs_take_turn();
    return ok;
}
