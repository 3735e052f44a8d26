/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions: order of commit, abort and clean. */
#include "util/txn.h"

static GString *trace;

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
}

static const TxnOps all = {on_commit, on_abort, on_clean};
static const TxnOps none = {0};
static const TxnOps frees = {.clean = g_free};

static Txn *make(void)
{
    Txn *txn = txn_new();

    trace = g_string_new(NULL);
    txn_add(txn, &all, (void *)"1");
    txn_add(txn, &none, NULL);
    txn_add(txn, &frees, g_strdup("owned"));
    txn_add(txn, &all, (void *)"2");
    txn_add(txn, &all, (void *)"3");
    return txn;
}

static void check(const char *expected)
{
    g_assert_cmpstr(trace->str, ==, expected);
    g_string_free(trace, true);
}

static void test_commit(void)
{
    g_assert_true(txn_end(make(), true));
    check("c1 c2 c3 x1 x2 x3 ");
}

static void test_abort(void)
{
    g_assert_false(txn_end(make(), false));
    check("a3 a2 a1 x1 x2 x3 ");
}

static void test_empty(void)
{
    txn_commit(txn_new());
    txn_abort(txn_new());
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/txn/commit", test_commit);
    g_test_add_func("/txn/abort", test_abort);
    g_test_add_func("/txn/empty", test_empty);
    return g_test_run();
}
