/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes' names and life, edges, permissions and their conflicts. */
#include "ram-node.h"

#include "block/graph/op-blocker.h"
#include "block/graph/root.h"

#define R PERM_CONSISTENT_READ
#define W PERM_WRITE

static char *describe(const Root *root)
{
    return g_strdup_printf("the user '%s'", (char *)root_opaque(root));
}

static const RootOps named_ops = {.describe = describe};

static void names(void)
{
    Error *err = NULL;
    Node *a = ram_node_new("a", 512, 1);
    Node *gen = ram_node_new(NULL, 512, 1);

    g_assert_null(node_new(&ram_driver, "a", &err));
    check_error(&err, "Duplicate nodes with node-name='a'");
    g_assert_null(node_new(&ram_driver, "#a", &err));
    check_error(&err, "Invalid node-name: '#a'");
    g_assert_null(node_new(&ram_driver, "", &err));
    check_error(&err, "Invalid node-name: ''");
    g_assert_null(
        node_new(&ram_driver, "a2345678901234567890123456789012", &err));
    check_error(&err, "Node name too long");

    g_assert_true(g_str_has_prefix(node_name(gen), "#block"));
    g_assert_true(gen->name_generated);
    g_assert_true(node_find("a") == a);
    g_assert_true(node_lookup("a", "a", NULL) == a);
    g_assert_true(node_lookup(NULL, "a", NULL) == a);
    g_assert_null(node_lookup("a", NULL, &err));
    check_error(&err, "Cannot find device='a' nor node-name=''");
    g_assert_null(node_lookup("x", "y", &err));
    check_error(&err, "Cannot find device='x' nor node-name='y'");
    g_assert_null(node_lookup("x", NULL, &err));
    check_error(&err, "Cannot find device='x' nor node-name=''");
    g_assert_true(node_next(NULL) == a && node_next(a) == gen);
    co_node_unref(a);
    co_node_unref(gen);
}

static void strings(void)
{
    g_autofree char *all = perms_to_string(PERM_ALL);
    g_autofree char *none = perms_to_string(0);

    g_assert_cmpstr(all, ==, "consistent read, write, write unchanged, resize");
    g_assert_cmpstr(none, ==, "");
}

static void conflicts(void)
{
    Error *err = NULL;
    Node *a = ram_node_new("a", 512, 1);
    Root *r1 = root_new("main node", &named_ops, (void *)"one");
    Root *r2 = root_new("root", NULL, NULL);

    g_assert_true(root_attach(r1, a, R | W, R, NULL));
    g_assert_cmpuint(ram_state(a)->perm, ==, R | W);
    g_assert_cmpuint(ram_state(a)->shared, ==, R);
    g_assert_false(root_attach(r2, a, R | W, PERM_ALL, &err));
    check_error(&err,
                "Permission conflict on node 'a': permissions 'write' are "
                "both required by an unnamed block device (uses node 'a' as "
                "'root' child) and unshared by the user 'one' (uses node 'a' "
                "as 'main node' child).");
    g_assert_null(root_node(r2));
    g_assert_cmpuint(a->refs, ==, 2);
    g_assert_false(root_attach(r2, a, 0, R, &err));
    check_error(&err,
                "Permission conflict on node 'a': permissions 'write' are "
                "both required by the user 'one' (uses node 'a' as 'main "
                "node' child) and unshared by an unnamed block device (uses "
                "node 'a' as 'root' child).");
    g_assert_true(root_attach(r2, a, R, PERM_ALL, NULL));
    g_assert_false(root_set_perms(r2, R | W, PERM_ALL, &err));
    error_free(err);
    g_assert_cmpuint(ram_state(a)->perm, ==, R | W);
    g_assert_true(root_set_perms(r1, R, PERM_ALL, NULL));
    g_assert_true(root_set_perms(r2, R | W, PERM_ALL, NULL));
    co_root_detach(r1);
    co_root_detach(r2);
    g_assert_cmpuint(ram_state(a)->perm, ==, 0);
    g_assert_cmpuint(ram_state(a)->shared, ==, PERM_ALL);
    root_free(r1);
    root_free(r2);
    co_node_unref(a);
}

/* A conflict two levels down leaves everything as it was. */
static void below_a_filter(void)
{
    Error *err = NULL;
    Node *base = ram_node_new("base", 512, 1);
    Node *f = pass_node_new("f", base), *g = pass_node_new("g", f);
    Root *top = root_new("root", NULL, NULL);
    Root *other = root_new("root", NULL, NULL);

    g_assert_true(root_attach(other, base, R, R, NULL));
    g_assert_false(root_attach(top, g, R | W, PERM_ALL, &err));
    check_error(&err,
                "Permission conflict on node 'base': permissions 'write' are "
                "both required by node 'f' (uses node 'base' as 'file' child) "
                "and unshared by an unnamed block device (uses node 'base' as "
                "'root' child).");
    g_assert_cmpuint(node_child(g, "file")->perm, ==, 0);
    g_assert_cmpuint(node_child(f, "file")->perm, ==, 0);
    co_root_detach(other);
    g_assert_true(root_attach(top, g, R | W, R | W, NULL));
    g_assert_cmpuint(node_child(f, "file")->perm, ==, R | W);
    g_assert_cmpuint(node_child(f, "file")->shared, ==, R | W);
    co_root_detach(top);
    g_assert_cmpuint(node_child(f, "file")->perm, ==, 0);
    g_assert_true(node_skip_filters(g) == base);
    root_free(top);
    root_free(other);
    co_node_unref(g);
    g_assert_cmpuint(f->refs, ==, 1);
    co_node_unref(f);
    co_node_unref(base);
}

static void read_only_and_refusal(void)
{
    Error *err = NULL;
    Node *a = ram_node_new("a", 512, 1);
    Root *r = root_new("root", NULL, NULL);

    a->read_only = true;
    g_assert_false(root_attach(r, a, W, PERM_ALL, &err));
    check_error(&err, "Block node is read-only");
    a->read_only = false;
    ram_state(a)->refuse_perms = true;
    g_assert_false(root_attach(r, a, W, PERM_ALL, &err));
    check_error(&err, "refused");
    g_assert_cmpuint(a->refs, ==, 1);
    ram_state(a)->refuse_perms = false;
    root_free(r);
    co_node_unref(a);
}

static void cycles(void)
{
    Error *err = NULL;
    Node *base = ram_node_new("base", 512, 1);
    Node *f = pass_node_new("f", base);

    g_assert_null(edge_attach(base, f, "x", EDGE_DATA, &err));
    check_error(&err, "Making 'f' a x child of 'base' would create a cycle");
    g_assert_null(edge_attach(f, f, "x", EDGE_COW, &err));
    check_error(&err, "Making 'f' a x child of 'f' would create a cycle");
    co_node_unref(base); /* f holds it */
    co_node_unref(f);
}

/* A backing image bears no writers unless the overlay's users bear changes;
 * metadata keeps writers out and is always readable. */
static void roles(void)
{
    Node *base = ram_node_new("base", 512, 1);
    Node *file = ram_node_new("file", 512, 1);
    Node *top = ram_node_new("top", 512, 1);
    Edge *backing = edge_attach(top, base, "backing", EDGE_COW, NULL);
    Edge *storage = edge_attach(top, file, "file",
                                EDGE_DATA | EDGE_METADATA | EDGE_PRIMARY, NULL);
    Root *r = root_new("root", NULL, NULL);

    g_assert_true(node_backing_child(top) == backing);
    g_assert_cmpuint(storage->perm, ==, R | W | PERM_RESIZE);
    g_assert_true(root_attach(r, top, R | W, R, NULL));
    g_assert_cmpuint(backing->perm, ==, R);
    g_assert_cmpuint(backing->shared, ==, R | PERM_WRITE_UNCHANGED);
    g_assert_cmpuint(storage->perm, ==, R | W | PERM_RESIZE);
    g_assert_false(storage->shared & (W | PERM_RESIZE));
    g_assert_true(root_set_perms(r, R, PERM_ALL, NULL));
    g_assert_true(backing->shared & W);
    co_root_detach(r);
    root_free(r);
    co_node_unref(top);
    co_node_unref(file);
    co_node_unref(base);
}

static void op_blockers(void)
{
    Error *err = NULL;
    Node *a = ram_node_new("a", 512, 1);
    OpBlocker *b = node_op_block(a, 1u << NODE_OP_DELETE, "busy doing things");

    g_assert_true(node_op_allowed(a, NODE_OP_RESIZE, NULL));
    g_assert_false(node_op_allowed(a, NODE_OP_DELETE, &err));
    check_error(&err, "Node 'a' is busy: busy doing things");
    node_op_unblock(b);
    g_assert_true(node_op_allowed(a, NODE_OP_DELETE, NULL));
    co_node_unref(a);
}

static void shutdown(void)
{
    Node *base = ram_node_new("base", 512, 1);
    Node *f = pass_node_new("f", base);

    base->monitor_owned = true;
    f->monitor_owned = true;
    co_graph_shutdown();
    g_assert_null(node_next(NULL));
}

static void lock_waiter(void *opaque)
{
    co_graph_lock();
    g_assert_true(graph_locked_by_me());
    *(bool *)opaque = true;
    graph_unlock();
}

static void lock(void)
{
    bool got = false;

    co_graph_lock();
    coroutine_start(lock_waiter, &got);
    co_reschedule();
    g_assert_true(graph_locked_by_me());
    g_assert_false(got);
    graph_unlock();
    while (!got) {
        co_reschedule();
    }
    g_assert_false(graph_locked_by_me());
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/graph/names", names, run);
    g_test_add_data_func("/graph/perm/strings", strings, run);
    g_test_add_data_func("/graph/perm/conflicts", conflicts, run);
    g_test_add_data_func("/graph/perm/filter", below_a_filter, run);
    g_test_add_data_func("/graph/perm/refused", read_only_and_refusal, run);
    g_test_add_data_func("/graph/perm/roles", roles, run);
    g_test_add_data_func("/graph/cycles", cycles, run);
    g_test_add_data_func("/graph/op-blockers", op_blockers, run);
    g_test_add_data_func("/graph/shutdown", shutdown, run);
    g_test_add_data_func("/graph/lock", lock, run);
    return g_test_run();
}
