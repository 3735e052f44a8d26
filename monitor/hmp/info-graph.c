/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info graph: who uses what, as trees. Each begins at a user (a device, a job,
 * an export) or at a node that nobody uses; a node that was shown already is
 * only named.
 */
#include "block/bitmap/bitmap.h"
#include "block/graph/driver.h"
#include "block/graph/query.h"
#include "monitor/hmp/commands.h"

typedef struct Drawing {
    Hmp *hmp;
    GHashTable *shown; /* Node */
    GString *margin;
} Drawing;

/* A letter each; '-' for what is not in @perms. */
static char *letters(Perms perms)
{
    static const struct {
        Perms perm;
        char letter;
    } all[] = {
        {PERM_CONSISTENT_READ, 'r'},
        {PERM_WRITE, 'w'},
        {PERM_WRITE_UNCHANGED, 'u'},
        {PERM_RESIZE, 's'},
    };
    char *text = g_strnfill(ARRAY_SIZE(all), '-');

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (perms & all[i].perm) {
            text[i] = all[i].letter;
        }
    }
    return text;
}

static unsigned count_bitmaps(const Node *node)
{
    unsigned n = 0;

    for (DirtyBitmap *b = bitmap_next(node, NULL); b;
         b = bitmap_next(node, b)) {
        n++;
    }
    return n;
}

static void show_node(Drawing *d, const Node *node)
{
    unsigned bitmaps = count_bitmaps(node);

    hmp_printf(d->hmp, "%s (%s, %s", node_name(node), node->driver->name,
               node->read_only ? "ro" : "rw");
    if (bitmaps) {
        hmp_printf(d->hmp, ", %u bitmap%s", bitmaps, bitmaps > 1 ? "s" : "");
    }
    hmp_printf(d->hmp, ")");
}

static void draw_below(Drawing *d, const Node *node);

/* @edge's user stands in the line above. */
static void draw_edge(Drawing *d, const Edge *edge, bool last)
{
    g_autofree char *perm = letters(edge->perm);
    g_autofree char *shared = letters(edge->shared);
    size_t margin = d->margin->len;

    hmp_printf(d->hmp, "%s%s %s [%s/%s]: ", d->margin->str, last ? "`-" : "|-",
               edge->name, perm, shared);
    show_node(d, edge->child);
    if (!g_hash_table_add(d->shown, edge->child)) {
        hmp_printf(d->hmp, ", as above\n");
        return;
    }
    hmp_printf(d->hmp, "\n");
    g_string_append(d->margin, last ? "   " : "|  ");
    draw_below(d, edge->child);
    g_string_truncate(d->margin, margin);
}

static void draw_below(Drawing *d, const Node *node)
{
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        draw_edge(d, edge, edge->in_parent.next == &node->children);
    }
}

/* Users of @node that are no nodes, each with a tree of its own. */
CONTROL_ONLY
static void draw_users(Drawing *d, const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root) {
            g_autofree char *user = edge_label_user(edge);

            hmp_printf(d->hmp, "%s\n", user);
            draw_edge(d, edge, true);
        }
    }
}

CONTROL_ONLY
static void draw_all(Drawing *d)
{
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        draw_users(d, node);
    }
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        if (list_empty(&node->parents)) {
            show_node(d, node);
            hmp_printf(d->hmp, ", used by nobody\n");
            draw_below(d, node);
        }
    }
}

CONTROL_ONLY
static void co_info_graph(Hmp *hmp, json_object *args)
{
    Drawing d = {hmp, g_hash_table_new(NULL, NULL), g_string_new(NULL)};

    if (node_next(NULL)) {
        draw_all(&d);
        hmp_printf(hmp, "[uses/lets others]: r consistent-read, w write, "
                        "u write-unchanged, s resize\n");
    } else {
        hmp_printf(hmp, "No nodes\n");
    }
    g_string_free(d.margin, true);
    g_hash_table_destroy(d.shown);
}

const HmpCommand hmp_info_graph = {
    .name = "graph",
    .params = "",
    .help = "nodes and who uses them, with permissions, as trees",
    .co_run = co_info_graph,
};
