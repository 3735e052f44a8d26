/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a transaction, with handlers of our own in place of the bitmap
 * ones: who is called when, and when the touched nodes are still.
 *
 * The trace: [ and ] the section begins and ends (as a root above the node
 * sees it), pN cN aN xN prepare, commit, abort, clean of the action on the
 * bitmap N.
 */
#include "ram-node.h"

#include "block/graph/action.h"
#include "block/graph/root.h"
#include "block/job/job.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"

static GString *trace;
static bool grouped_seen;

/* --- handlers ------------------------------------------------------------ */

static void on_commit(void *opaque)
{
    g_string_append_printf(trace, "c%s ", (char *)opaque);
}

static void on_abort(void *opaque)
{
    g_string_append_printf(trace, "a%s ", (char *)opaque);
}

static void on_clean(void *opaque)
{
    g_string_append_printf(trace, "x%s ", (char *)opaque);
    g_free(opaque);
}

static const TxnOps ops = {on_commit, on_abort, on_clean};

static void touches(const TransactionAction *action, GPtrArray *nodes)
{
    Node *node = node_find(action->u.block_dirty_bitmap_clear.data->node);

    if (node) {
        g_ptr_array_add(nodes, node);
    }
}

static bool co_prepare(const TransactionAction *action, TransactionContext *ctx,
                       Error **errp)
{
    const char *name = action->u.block_dirty_bitmap_clear.data->name;

    g_assert_true(graph_locked_by_me());
    g_assert_cmpint(ctx->grouped, ==, ctx->job_txn != NULL);
    grouped_seen = ctx->grouped;
    g_string_append_printf(trace, "p%s ", name);
    co_reschedule();
    if (!strcmp(name, "bad")) {
        error_set(errp, "cannot");
        return false;
    }
    txn_add(ctx->txn, &ops, g_strdup(name));
    return true;
}

static const TransactionHandler clear = {touches, co_prepare};
static const TransactionHandler enable = {NULL, co_prepare};

const TransactionHandler
    *const transaction_handlers[TRANSACTION_ACTION_KIND__MAX] = {
        [TRANSACTION_ACTION_KIND_ABORT] = &txn_handler_abort,
        [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_CLEAR] = &clear,
        [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_ENABLE] = &enable,
};

/* --- a user of the node -------------------------------------------------- */

static void hook_begin(Root *root)
{
    g_string_append(trace, "[ ");
}

static void hook_end(Root *root)
{
    g_string_append(trace, "] ");
}

static const RootOps root_ops = {
    .quiesce_begin = hook_begin,
    .quiesce_end = hook_end,
};

/* --- tests --------------------------------------------------------------- */

static bool co_transact(const char *actions, const char *rest, Error **errp)
{
    char *text = g_strdup_printf("{\"actions\": [%s]%s}", actions, rest);
    json_object *json = json_tokener_parse(text);
    QmpTransactionArgs *args = QmpTransactionArgs_from_json(json, NULL);
    bool ok;

    g_assert_nonnull(args);
    g_string_truncate(trace, 0);
    ok = qmp_transaction(args, errp);
    g_assert_false(graph_locked_by_me());
    QmpTransactionArgs_free(args);
    json_object_put(json);
    g_free(text);
    return ok;
}

#define ACTION(type, node, name)                             \
    "{\"type\": \"block-dirty-bitmap-" type "\", \"data\": " \
    "{\"node\": \"" node "\", \"name\": \"" name "\"}}"

#define ONE ACTION("clear", "n", "1")
#define TWO ACTION("clear", "n", "2")
#define BAD ACTION("clear", "n", "bad")
#define STILL ACTION("enable", "n", "3") /* touches nothing */
#define NOWHERE ACTION("clear", "nosuch", "4")
#define ABORT "{\"type\": \"abort\", \"data\": {}}"
#define GROUPED ", \"properties\": {\"completion-mode\": \"grouped\"}"
#define INDIVIDUAL ", \"properties\": {\"completion-mode\": \"individual\"}"

static void with_node(void (*body)(void))
{
    Node *node = ram_node_new("n", MiB, 1);
    Root *root = root_new("root", &root_ops, NULL);

    trace = g_string_new(NULL);
    g_assert_true(root_attach(root, node, PERM_WRITE, PERM_ALL, NULL));
    body();
    co_root_detach(root);
    root_free(root);
    co_node_unref(node);
    g_string_free(trace, true);
}

static void commit(void)
{
    g_assert_true(co_transact(ONE "," TWO "," STILL, "", NULL));
    g_assert_cmpstr(trace->str, ==, "[ p1 p2 p3 c1 c2 c3 x1 x2 x3 ] ");
    g_assert_false(grouped_seen);
}

static void undo(void)
{
    Error *err = NULL;

    g_assert_false(co_transact(ONE "," TWO "," BAD "," STILL, "", &err));
    check_error(&err, "cannot");
    g_assert_cmpstr(trace->str, ==, "[ p1 p2 pbad a2 a1 x1 x2 ] ");
}

static void abort_action(void)
{
    Error *err = NULL;

    g_assert_false(co_transact(ONE "," ABORT, "", &err));
    check_error(&err, "Transaction aborted using Abort action");
    g_assert_cmpstr(trace->str, ==, "[ p1 a1 x1 ] ");
}

/* What touches nothing, or a node that is not there, disturbs nobody. */
static void untouched(void)
{
    g_assert_true(co_transact(STILL "," NOWHERE, "", NULL));
    g_assert_cmpstr(trace->str, ==, "p3 p4 c3 c4 x3 x4 ");
    g_assert_true(co_transact("", "", NULL));
    g_assert_cmpstr(trace->str, ==, "");
}

static void grouped(void)
{
    g_assert_true(co_transact(ONE, GROUPED, NULL));
    g_assert_true(grouped_seen);
    g_assert_true(co_transact(ONE, INDIVIDUAL, NULL));
    g_assert_false(grouped_seen);
}

static void (*body_to_run)(void);

static void run_body(void)
{
    with_node(body_to_run);
}

static void run_test(const void *body)
{
    body_to_run = (void (*)(void))body;
    run_in_coroutine(run_body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/transaction/commit", commit, run_test);
    g_test_add_data_func("/transaction/undo", undo, run_test);
    g_test_add_data_func("/transaction/abort", abort_action, run_test);
    g_test_add_data_func("/transaction/untouched", untouched, run_test);
    g_test_add_data_func("/transaction/grouped", grouped, run_test);
    return g_test_run();
}
