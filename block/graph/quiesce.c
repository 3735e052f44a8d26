/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quiesced sections: which roots they close, and that they close each once.
 *
 *   co_quiesce_begin: listed -> roots above its nodes join (gate closed),
 *                     those with a remote node below them first
 *                     -> nothing in flight behind them
 *   quiesce_rescan:   a root that the topology now leads to a node joins
 *   quiesce_end:      unlisted -> its roots opened
 *
 * Invariants:
 * 1. A section has closed exactly the roots on its list, once each.
 * 2. root.sections is the number of lists that the root is on.
 */
#include "block/graph/graph-int.h"

struct Quiesce {
    GPtrArray *nodes; /* Node; those that went away are removed */
    GPtrArray *roots; /* Root */
    ListLink link;
};

static ListLink sections = LIST_INIT(sections);
/* Sections that wait for late requests. */
static CoQueue late_ended = {LIST_INIT(late_ended.waiters)};

/* Tells @node and all below it that somebody waits for their requests. */
static void hurry_below(Node *node, GHashTable *seen)
{
    if (!g_hash_table_add(seen, node)) {
        return;
    }
    if (node->driver->quiesce_begin) {
        node->driver->quiesce_begin(node);
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        hurry_below(edge->child, seen);
    }
}

static void hurry_roots(const Quiesce *q)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < q->roots->len; i++) {
        const Root *root = q->roots->pdata[i];

        hurry_below(root_node(root), seen);
    }
}

void root_hurry(Root *root)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    if (root->edge && !root->hurried) {
        root->hurried = true;
        hurry_below(root->edge->child, seen);
    }
}

bool node_quiescing(const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root ? edge->root->sections > 0 || edge->root->hurried
                       : node_quiescing(edge->parent)) {
            return true;
        }
    }
    return false;
}

CONTROL_ONLY
static void section_add_root(Quiesce *q, Root *root, GateWait *wait)
{
    if (g_ptr_array_find(q->roots, root, NULL)) {
        return;
    }
    g_ptr_array_add(q->roots, root);
    if (root->sections++ == 0 && root->ops && root->ops->quiesce_begin) {
        root->ops->quiesce_begin(root);
    }
    gate_close(root, wait);
}

CONTROL_ONLY
static void root_left_section(Root *root)
{
    assert(root->sections > 0);
    root->sections--;
    gate_open(root);
    if (root->sections == 0 && root->ops && root->ops->quiesce_end) {
        root->ops->quiesce_end(root);
    }
}

/* With @via not NULL only roots that lead to it. */
CONTROL_ONLY
static void section_add_above(Quiesce *q, Node *node, const Node *via,
                              GHashTable *seen, GateWait *wait)
{
    if (!g_hash_table_add(seen, node)) {
        return;
    }
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (!edge->root) {
            section_add_above(q, edge->parent, via, seen, wait);
        } else if (!via || node_leads_to(edge->child, via)) {
            section_add_root(q, edge->root, wait);
        }
    }
}

CONTROL_ONLY
static void section_scan(Quiesce *q, const Node *via, GateWait *wait)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < q->nodes->len; i++) {
        section_add_above(q, q->nodes->pdata[i], via, seen, wait);
    }
}

static bool is_listed(const Node *node)
{
    Node *n = node_next(NULL);

    while (n && n != node) {
        n = node_next(n);
    }
    return n != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static void co_close_wave(Quiesce *q,
                                                      const Node *via)
{
    GateWait wait = {0};

    section_scan(q, via, &wait);
    hurry_roots(q);
    co_gate_wait(&wait);
}

/*
 * A remote node may be a client of an export of this very program: its
 * requests end only while that export's gate is open. So the roots above
 * remote nodes come first, one wave a node. A client is opened after what it
 * connects to, so the newest begins.
 */
COROUTINE_ONLY CONTROL_ONLY static void co_close_remote(Quiesce *q)
{
    g_autoptr(GPtrArray) remote = g_ptr_array_new();

    for (Node *n = node_next(NULL); n; n = node_next(n)) {
        if (n->driver->is_remote) {
            g_ptr_array_insert(remote, 0, n);
        }
    }
    for (guint i = 0; i < remote->len; i++) {
        if (is_listed(remote->pdata[i])) {
            co_close_wave(q, remote->pdata[i]);
        }
    }
}

/* --- requests that were given up ----------------------------------------- */

void node_late_begin(Node *node)
{
    node->late++;
}

void node_late_end(Node *node)
{
    assert(node->late > 0);
    if (--node->late == 0) {
        coqueue_wake_all(&late_ended);
    }
}

static bool any_late(const Quiesce *q)
{
    for (Node *n = node_next(NULL); n; n = node_next(n)) {
        for (guint i = 0; n->late && i < q->nodes->len; i++) {
            if (node_leads_to(n, q->nodes->pdata[i])) {
                return true;
            }
        }
    }
    return false;
}

/* --- sections ------------------------------------------------------------ */

Quiesce *co_quiesce_begin(Node *const *nodes, size_t n)
{
    Quiesce *q = g_new0(Quiesce, 1);

    q->nodes = g_ptr_array_new();
    q->roots = g_ptr_array_new();
    for (size_t i = 0; i < n; i++) {
        g_ptr_array_add(q->nodes, nodes[i]);
        nodes[i]->quiesced++;
    }
    list_append(&sections, &q->link);
    co_close_remote(q);
    co_close_wave(q, NULL);
    /* The gates are closed: no more can come. */
    while (any_late(q)) {
        co_queue_wait(&late_ended);
    }
    return q;
}

void quiesce_end(Quiesce *q)
{
    list_remove(&q->link);
    for (guint i = 0; i < q->nodes->len; i++) {
        Node *node = q->nodes->pdata[i];

        assert(node->quiesced > 0);
        node->quiesced--;
    }
    for (guint i = 0; i < q->roots->len; i++) {
        root_left_section(q->roots->pdata[i]);
    }
    g_ptr_array_free(q->nodes, TRUE);
    g_ptr_array_free(q->roots, TRUE);
    g_free(q);
}

void quiesce_rescan(void)
{
    /* Nobody waits: whoever changes the topology above running roots has
     * quiesced these, and a root just made has nothing in flight. */
    LIST_FOREACH(q, &sections, Quiesce, link) {
        section_scan(q, NULL, NULL);
    }
}

void quiesce_forget_root(Root *root)
{
    LIST_FOREACH(q, &sections, Quiesce, link) {
        if (g_ptr_array_remove(q->roots, root)) {
            root_left_section(root);
        }
    }
    assert(root->sections == 0);
}

void quiesce_forget_node(Node *node)
{
    LIST_FOREACH(q, &sections, Quiesce, link) {
        while (g_ptr_array_remove(q->nodes, node)) {
            node->quiesced--;
        }
    }
}

void node_cancel_requests(Node *node)
{
    if (node->driver->cancel_requests) {
        node->driver->cancel_requests(node);
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        node_cancel_requests(edge->child);
    }
}
