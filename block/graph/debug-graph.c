/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole graph for x-debug-query-block-graph: who stands in it, numbered in
 * the order in which they are met, and their edges. Newest first, as QEMU
 * lists them.
 */
#include "block/graph/graph-int.h"
#include "block/graph/query.h"
#include "qapi/qapi-types.h"

typedef struct Picture {
    GHashTable *ids;  /* Node, Root, Edge or the id of a job -> number */
    GPtrArray *nodes; /* XDbgBlockGraphNode, oldest first */
    GPtrArray *edges; /* XDbgBlockGraphEdge */
} Picture;

static uint64_t number(Picture *p, const void *key)
{
    gpointer id = g_hash_table_lookup(p->ids, key);

    if (!id) {
        id = GSIZE_TO_POINTER(g_hash_table_size(p->ids) + 1);
        g_hash_table_insert(p->ids, (gpointer)key, id);
    }
    return GPOINTER_TO_SIZE(id);
}

static void draw_node(Picture *p, const void *key, XDbgBlockGraphNodeType type,
                      const char *name)
{
    XDbgBlockGraphNode *node = g_new0(XDbgBlockGraphNode, 1);

    node->id = number(p, key);
    node->type = type;
    node->name = g_strdup(name);
    g_ptr_array_add(p->nodes, node);
}

static BlockPermissionList *permissions(Perms perms)
{
    static const struct {
        Perms perm;
        BlockPermission name;
    } table[] = {
        {PERM_RESIZE, BLOCK_PERMISSION_RESIZE},
        {PERM_WRITE_UNCHANGED, BLOCK_PERMISSION_WRITE_UNCHANGED},
        {PERM_WRITE, BLOCK_PERMISSION_WRITE},
        {PERM_CONSISTENT_READ, BLOCK_PERMISSION_CONSISTENT_READ},
    };
    BlockPermissionList *list = BlockPermissionList_new();

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (perms & table[i].perm) {
            BlockPermissionList_append(list, table[i].name);
        }
    }
    return list;
}

static void draw_edge(Picture *p, const void *parent, const Edge *edge)
{
    XDbgBlockGraphEdge *drawn = g_new0(XDbgBlockGraphEdge, 1);

    drawn->parent = number(p, parent);
    drawn->child = number(p, edge->child);
    drawn->name = g_strdup(edge->name);
    drawn->perm = permissions(edge->perm);
    drawn->shared_perm = permissions(edge->shared);
    g_ptr_array_add(p->edges, drawn);
}

static const char *job_of(const Root *root)
{
    return root->ops && root->ops->job_id ? root->ops->job_id(root) : NULL;
}

/* A job is one, however many nodes it holds: all its roots share the string
 * that is its id. */
static void draw_root(Picture *p, const Edge *edge)
{
    const char *job = job_of(edge->root);

    if (!job) {
        const RootOps *ops = edge->root->ops;
        g_autofree char *name =
            ops && ops->path ? ops->path(edge->root) : g_strdup("");

        draw_node(p, edge->root, X_DBG_BLOCK_GRAPH_NODE_TYPE_BLOCK_BACKEND,
                  name);
    } else if (!g_hash_table_contains(p->ids, job)) {
        draw_node(p, job, X_DBG_BLOCK_GRAPH_NODE_TYPE_BLOCK_JOB, job);
    }
    draw_edge(p, job ? (const void *)job : edge->root, edge);
}

static void draw_roots(Picture *p, bool of_jobs)
{
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        LIST_FOREACH(edge, &node->parents, Edge, in_child) {
            if (edge->root && of_jobs == (job_of(edge->root) != NULL)) {
                draw_root(p, edge);
            } else if ((edge->role & EDGE_UNNAMED) && !of_jobs) {
                draw_node(p, edge, X_DBG_BLOCK_GRAPH_NODE_TYPE_BLOCK_BACKEND,
                          "");
                draw_edge(p, edge, edge);
            }
        }
    }
}

static void draw_nodes(Picture *p)
{
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        draw_node(p, node, X_DBG_BLOCK_GRAPH_NODE_TYPE_BLOCK_DRIVER,
                  node_name(node));
        for (ListLink *l = node->children.prev; l != &node->children;
             l = l->prev) {
            Edge *edge = LIST_ENTRY(l, Edge, in_parent);

            if (!(edge->role & EDGE_UNNAMED)) {
                draw_edge(p, node, edge);
            }
        }
    }
}

XDbgBlockGraph *graph_query_debug(void)
{
    Picture p = {
        .ids = g_hash_table_new(NULL, NULL),
        .nodes = g_ptr_array_new(),
        .edges = g_ptr_array_new(),
    };
    XDbgBlockGraph *graph = g_new0(XDbgBlockGraph, 1);

    draw_roots(&p, false);
    draw_roots(&p, true);
    draw_nodes(&p);
    graph->nodes = XDbgBlockGraphNodeList_new();
    graph->edges = XDbgBlockGraphEdgeList_new();
    for (guint i = p.nodes->len; i > 0; i--) {
        XDbgBlockGraphNodeList_append(graph->nodes, p.nodes->pdata[i - 1]);
    }
    for (guint i = p.edges->len; i > 0; i--) {
        XDbgBlockGraphEdgeList_append(graph->edges, p.edges->pdata[i - 1]);
    }
    g_ptr_array_free(p.nodes, TRUE);
    g_ptr_array_free(p.edges, TRUE);
    g_hash_table_destroy(p.ids);
    return graph;
}
