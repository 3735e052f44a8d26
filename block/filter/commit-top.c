/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commit filter: see commit-top.h. */
#include "block/filter/commit-top.h"

#include "block/filter/pass.h"
#include "block/graph/quiesce.h"

/* What the job writes lies behind, and does not change what users see, who
 * bear no writes of others: those behind bear this one, and that what each of
 * them shows alone makes no sense meanwhile. */
static void commit_child_perm(const Node *node, const Edge *edge, Perms perm,
                              Perms shared, Perms *child_perm,
                              Perms *child_shared)
{
    *child_perm = 0;
    *child_shared = PERM_ALL;
}

static const NodeDriver commit_top_driver = {
    .name = "commit_top",
    .state_bytes = sizeof(PassState),
    .threading = NODE_ANY,
    .is_filter = true,
    .passing = true,
    .is_implicit = true,
    .child_perm = commit_child_perm,
    .co_preadv = co_pass_preadv,
    .co_pwritev = co_pass_pwritev,
    .co_pwrite_zeroes = co_pass_pwrite_zeroes,
    .co_pdiscard = co_pass_pdiscard,
    .supports_fua = true,
};

Node *co_commit_top_insert(Node *top, const char *name, Error **errp)
{
    Node *filter = node_new(&commit_top_driver, name, errp);
    PassState *s;

    assert(top->quiesced);
    if (!filter) {
        return NULL;
    }
    s = filter->state;
    node_look_like(filter, top);
    s->file =
        edge_attach(filter, top, "backing", EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (s->file) {
        node_refresh_limits(filter);
    }
    if (s->file && node_replace(top, filter, NULL, errp)) {
        return filter;
    }
    co_node_unref(filter);
    return NULL;
}

void co_commit_top_drop(Node *filter)
{
    Quiesce *section = co_quiesce_begin(&filter, 1);
    PassState *s = filter->state;
    Error *err = NULL;

    /* The users bore each other before the filter came. */
    if (!node_replace(filter, s->file->child, NULL, &err)) {
        g_error("%s", error_text(err));
    }
    quiesce_end(section);
    co_node_unref(filter);
}
