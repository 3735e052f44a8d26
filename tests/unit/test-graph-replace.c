/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replacing nodes under running roots. */
#include "quiesce-user.h"

static void filter_in_and_out(void)
{
    Node *a = ram_node_new("a", 512, 1);
    User u;
    Root *r = user_root(a, &u);
    Node *f = pass_node_new("f", a);
    Quiesce *q = co_quiesce_begin(&a, 1);
    Write w;

    g_assert_true(node_replace(a, f, NULL, NULL));
    g_assert_true(root_node(r) == f);
    g_assert_true(node_child(f, "file")->child == a);
    g_assert_cmpuint(node_child(f, "file")->perm, ==, RW);
    quiesce_end(q);
    start_write(&w, r, 5);
    turns(3);
    g_assert_true(w.done);
    g_assert_cmpuint(ram_state(a)->bytes[0], ==, 5);
    g_assert_cmpuint(f->stats.writes, ==, 1);

    q = co_quiesce_begin(&f, 1);
    g_assert_true(node_replace(f, a, NULL, NULL));
    g_assert_true(root_node(r) == a);
    quiesce_end(q);
    g_assert_cmpuint(f->refs, ==, 1);
    co_node_unref(f);
    g_assert_cmpuint(a->refs, ==, 2);
    drop_root(r);
    co_node_unref(a);
}

static void rolled_back(void)
{
    Node *a = ram_node_new("a", 512, 1);
    User u1, u2;
    Root *r1 = user_root(a, &u1), *r2 = user_root(a, &u2);
    Node *f = pass_node_new("f", a);
    Quiesce *q = co_quiesce_begin(&a, 1);
    Txn *txn = txn_new();

    g_assert_true(node_replace(a, f, txn, NULL));
    g_assert_true(root_node(r1) == f && root_node(r2) == f);
    txn_abort(txn);
    g_assert_true(root_node(r1) == a && root_node(r2) == a);
    g_assert_cmpuint(node_child(f, "file")->perm, ==, 0);
    g_assert_cmpuint(f->refs, ==, 1);
    g_assert_cmpuint(a->refs, ==, 4);
    quiesce_end(q);
    txn = txn_new();
    g_assert_true(node_replace(a, f, txn, NULL));
    txn_commit(txn);
    g_assert_true(root_node(r1) == f);
    drop_root(r1);
    drop_root(r2);
    co_node_unref(f);
    co_node_unref(a);
}

/* Two refuse each other on the new node: nothing moved. */
static void replace_conflict(void)
{
    Error *err = NULL;
    Node *a = ram_node_new("a", 512, 1), *b = ram_node_new("b", 512, 1);
    User u;
    Root *r = user_root(a, &u), *other = root_new("root", NULL, NULL);

    g_assert_true(root_attach(other, b, PERM_CONSISTENT_READ,
                              PERM_CONSISTENT_READ, NULL));
    g_assert_false(node_replace(a, b, NULL, &err));
    g_assert_nonnull(strstr(error_text(err), "conflict on node 'b'"));
    error_free(err);
    g_assert_true(root_node(r) == a);
    g_assert_cmpuint(b->refs, ==, 2);
    g_assert_cmpuint(ram_state(a)->perm, ==, RW);
    drop_root(r);
    drop_root(other);
    co_node_unref(a);
    co_node_unref(b);
}

static void replace_cycle(void)
{
    Error *err = NULL;
    Node *a = ram_node_new("a", 512, 1);
    Node *f = pass_node_new("f", a), *g = pass_node_new("g", f);

    /* f, which g uses, would come to lie above g. */
    g_assert_false(node_replace(a, g, NULL, &err));
    check_error(&err, "Making 'g' a file child of 'f' would create a cycle");
    co_node_unref(g);
    co_node_unref(f);
    co_node_unref(a);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/replace/filter", filter_in_and_out, run);
    g_test_add_data_func("/replace/rollback", rolled_back, run);
    g_test_add_data_func("/replace/conflict", replace_conflict, run);
    g_test_add_data_func("/replace/cycle", replace_cycle, run);
    return g_test_run();
}
