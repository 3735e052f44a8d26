/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gates and quiesced sections. */
#include "quiesce-user.h"

#include "block/io/io.h"

/* Requests parked at a gate go in order when it opens. */
static void parked_in_order(void)
{
    Node *a = ram_node_new("a", 512, 1);
    User u;
    Root *r = user_root(a, &u);
    Write w[4];
    Quiesce *q = co_quiesce_begin(&a, 1);

    g_assert_cmpuint(a->quiesced, ==, 1);
    g_assert_cmpuint(u.begun, ==, 1);
    quiesce_writes = 0;
    for (unsigned i = 0; i < 4; i++) {
        start_write(&w[i], r, i + 1);
    }
    turns(3);
    g_assert_cmpuint(quiesce_writes, ==, 0);
    g_assert_cmpuint(ram_state(a)->writes, ==, 0);
    quiesce_end(q);
    g_assert_cmpuint(u.ended, ==, 1);
    g_assert_cmpuint(a->quiesced, ==, 0);
    turns(3);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_true(w[i].done);
        g_assert_cmpuint(w[i].order, ==, i);
    }
    g_assert_cmpuint(ram_state(a)->bytes[0], ==, 4);
    drop_root(r);
    co_node_unref(a);
}

typedef struct Section {
    Node *node;
    Quiesce *q;
} Section;

static void section_entry(void *opaque)
{
    Section *s = opaque;

    s->q = co_quiesce_begin(&s->node, 1);
}

/* A section begins when what is in flight has ended. */
static void waits_for_flight(void)
{
    Node *a = ram_node_new("a", 512, 1);
    Section s = {.node = a};
    User u;
    Root *r = user_root(a, &u);
    Write w, late;

    ram_state(a)->hold = true;
    start_write(&w, r, 1);
    coroutine_start(section_entry, &s);
    turns(3);
    g_assert_null(s.q);
    start_write(&late, r, 2);
    ram_release(a);
    turns(4);
    g_assert_nonnull(s.q);
    g_assert_true(w.done);
    g_assert_false(late.done);
    quiesce_end(s.q);
    turns(3);
    g_assert_true(late.done);
    drop_root(r);
    co_node_unref(a);
}

/* Sections nest and overlap; each root is closed until the last one ends. */
static void nested(void)
{
    Node *a = ram_node_new("a", 512, 1), *b = pass_node_new("b", a);
    User u;
    Root *r = user_root(b, &u);
    Node *both[] = {a, b};
    Quiesce *q1 = co_quiesce_begin(&a, 1), *q2 = co_quiesce_begin(both, 2);
    Write w;

    g_assert_cmpuint(u.begun, ==, 1);
    start_write(&w, r, 1);
    quiesce_end(q1);
    turns(3);
    g_assert_false(w.done);
    g_assert_cmpuint(u.ended, ==, 0);
    quiesce_end(q2);
    turns(3);
    g_assert_true(w.done);
    g_assert_cmpuint(u.ended, ==, 1);
    drop_root(r);
    co_node_unref(b);
    co_node_unref(a);
}

/* Only roots above the node are closed. */
static void others_go_on(void)
{
    Node *a = ram_node_new("a", 512, 1);
    Node *f = pass_node_new("f", a), *g = pass_node_new("g", a);
    User u1, u2;
    Root *r1 = user_root(f, &u1), *r2 = user_root(g, &u2);
    Quiesce *q = co_quiesce_begin(&f, 1);
    Write w;

    start_write(&w, r2, 1);
    turns(2);
    g_assert_true(w.done);
    g_assert_cmpuint(u2.begun, ==, 0);
    quiesce_end(q);
    drop_root(r1);
    drop_root(r2);
    co_node_unref(f);
    co_node_unref(g);
    co_node_unref(a);
}

/* A root made inside a section joins it; one that leaves, leaves it. */
static void new_root_joins(void)
{
    Node *a = ram_node_new("a", 512, 1);
    Quiesce *q = co_quiesce_begin(&a, 1);
    User u, u2;
    Root *r = user_root(a, &u), *gone = user_root(a, &u2);
    Write w, lost;

    g_assert_cmpuint(u.begun, ==, 1);
    start_write(&w, r, 1);
    start_write(&lost, gone, 1);
    turns(2);
    g_assert_false(w.done);
    co_root_detach(gone);
    turns(2);
    g_assert_true(lost.done);
    g_assert_cmpint(lost.ret, ==, -ENOMEDIUM);
    g_assert_cmpuint(u2.ended, ==, 1);
    quiesce_end(q);
    turns(2);
    g_assert_true(w.done);
    root_free(gone);
    drop_root(r);
    co_node_unref(a);
}

/* Also when an edge made inside the section leads it there. */
static void new_edge_joins(void)
{
    Node *a = ram_node_new("a", 512, 1);
    Node *top = node_new(&pass_driver, "top", NULL);
    User u;
    Root *r = user_root(top, &u);
    Node *both[] = {top, a};
    Quiesce *q1 = co_quiesce_begin(&both[0], 1);
    Quiesce *q2 = co_quiesce_begin(&both[1], 1);
    Write w;

    g_assert_nonnull(
        edge_attach(top, a, "file", EDGE_FILTERED | EDGE_PRIMARY, NULL));
    top->size_bytes = 512;
    quiesce_end(q1);
    start_write(&w, r, 7);
    turns(2);
    g_assert_false(w.done);
    quiesce_end(q2);
    turns(2);
    g_assert_true(w.done);
    g_assert_cmpint(w.ret, ==, 0);
    g_assert_cmpuint(ram_state(a)->bytes[0], ==, 7);
    drop_root(r);
    co_node_unref(top);
    co_node_unref(a);
}

/* A node that goes away inside a section is forgotten. */
static void node_goes(void)
{
    Node *a = ram_node_new("a", 512, 1), *b = ram_node_new("b", 512, 1);
    Node *both[] = {a, b};
    Quiesce *q = co_quiesce_begin(both, 2);

    co_node_unref(a);
    quiesce_end(q);
    g_assert_cmpuint(b->quiesced, ==, 0);
    co_node_unref(b);
}

/* --- a second reactor ---------------------------------------------------- */

typedef struct Remote {
    Root *root;
    Reactor *reactor; /* ATOMIC, like the two counts */
    unsigned writes;
    unsigned stop, idle;
    bool exit; /* the remote thread's */
} Remote;

static unsigned get(unsigned *x)
{
    return __atomic_load_n(x, __ATOMIC_ACQUIRE);
}

static void add(unsigned *x)
{
    __atomic_add_fetch(x, 1, __ATOMIC_RELEASE);
}

static void remote_entry(void *opaque)
{
    Remote *remote = opaque;

    while (!get(&remote->stop)) {
        uint8_t byte = 1;

        g_assert_cmpint(co_root_pwrite(remote->root, 0, 1, &byte, 0), ==, 0);
        add(&remote->writes);
    }
    add(&remote->idle);
    while (!remote->exit) {
        co_reschedule();
    }
}

static void remote_exit(void *opaque)
{
    ((Remote *)opaque)->exit = true;
}

static gpointer remote_thread(gpointer opaque)
{
    Remote *remote = opaque;
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    __atomic_store_n(&remote->reactor, r, __ATOMIC_RELEASE);
    reactor_run_coroutine(remote_entry, remote);
    reactor_free(r);
    return NULL;
}

/* Requests of another reactor hop home; sections hold them too. */
static void other_reactor(void)
{
    Node *a = ram_node_new("a", 512, 1);
    Remote remote = {0};
    User u;
    GThread *thread;

    remote.root = user_root(a, &u);
    thread = g_thread_new("remote", remote_thread, &remote);
    while (get(&remote.writes) < 10) {
        co_reschedule();
    }
    for (unsigned i = 0; i < 20; i++) {
        Quiesce *q = co_quiesce_begin(&a, 1);
        unsigned seen = ram_state(a)->writes;

        turns(20);
        g_assert_cmpuint(ram_state(a)->writes, ==, seen);
        quiesce_end(q);
        while (ram_state(a)->writes == seen) {
            co_reschedule();
        }
    }
    add(&remote.stop);
    while (!get(&remote.idle)) {
        co_reschedule();
    }
    drop_root(remote.root);
    reactor_post(remote.reactor, remote_exit, &remote);
    g_thread_join(thread);
    co_node_unref(a);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/gate/parked-in-order", parked_in_order, run);
    g_test_add_data_func("/gate/waits-for-flight", waits_for_flight, run);
    g_test_add_data_func("/quiesce/nested", nested, run);
    g_test_add_data_func("/quiesce/others-go-on", others_go_on, run);
    g_test_add_data_func("/quiesce/new-root-joins", new_root_joins, run);
    g_test_add_data_func("/quiesce/new-edge-joins", new_edge_joins, run);
    g_test_add_data_func("/quiesce/node-goes", node_goes, run);
    g_test_add_data_func("/gate/other-reactor", other_reactor, run);
    return g_test_run();
}
