/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quorum: several nodes that ought to have the same content. Reads are put to
 * the vote, writes go to all of them.
 *
 * Invariants:
 * 1. There are at least @threshold children.
 * 2. A child's edge is called "children.N"; N is never used again, but for
 *    that of the child added last.
 */
#include "block/test-drivers/quorum-int.h"

#include "block/io/io.h"

static bool check_options(const BlockdevOptionsQuorum *o, Error **errp)
{
    bool blkverify = o->has_blkverify && o->blkverify;

    if (!o->children->n) {
        error_set(errp, "Number of provided children must be 1 or more");
    } else if (o->vote_threshold < 1) {
        error_set(errp, "Parameter 'vote-threshold' expects a value >= 1");
    } else if ((uint64_t)o->vote_threshold > o->children->n) {
        error_set(errp, "threshold may not exceed children count");
    } else if (blkverify && (o->children->n != 2 || o->vote_threshold != 2)) {
        error_set(errp, "blkverify=on can only be set if there are exactly "
                        "two files and vote-threshold is 2");
    } else if (blkverify && o->has_rewrite_corrupted && o->rewrite_corrupted) {
        error_set(errp,
                  "rewrite-corrupted=on cannot be used with blkverify=on");
    } else {
        return true;
    }
    return false;
}

static void take_options(QuorumState *s, const BlockdevOptionsQuorum *o)
{
    s->threshold = (unsigned)o->vote_threshold;
    s->blkverify = o->has_blkverify && o->blkverify;
    s->fifo =
        o->has_read_pattern && o->read_pattern == QUORUM_READ_PATTERN_FIFO;
    s->rewrite = !s->fifo && o->has_rewrite_corrupted && o->rewrite_corrupted;
}

static void keep_child(QuorumState *s, Edge *edge)
{
    s->children = g_renew(Edge *, s->children, s->n + 1);
    s->children[s->n++] = edge;
    s->next_number++;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_open_children(Node *node, const BlockdevOptionsQuorum *o, Error **errp)
{
    QuorumState *s = node->state;

    for (size_t i = 0; i < o->children->n; i++) {
        g_autofree char *name = g_strdup_printf("children.%zu", i);
        Edge *edge =
            co_node_open_child(node, o->children->v[i], name, EDGE_DATA, errp);

        if (!edge) {
            return false;
        }
        keep_child(s, edge);
        if (edge->child->size_bytes != s->children[0]->child->size_bytes) {
            error_set_errno(errp, EIO, "Could not refresh total sector count");
            return false;
        }
    }
    node->size_bytes = s->children[0]->child->size_bytes;
    return true;
}

static void co_quorum_close(Node *node)
{
    QuorumState *s = node->state;

    g_free(s->children);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_quorum_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsQuorum *o = &options->u.quorum;

    if (!check_options(o, errp)) {
        return false;
    }
    take_options(node->state, o);
    if (!co_open_children(node, o, errp)) {
        co_quorum_close(node);
        return false;
    }
    return true;
}

/* Nobody else may write: the children would not agree any more. */
static void quorum_child_perm(const Node *node, const Edge *edge, Perms perm,
                              Perms shared, Perms *child_perm,
                              Perms *child_shared)
{
    const QuorumState *s = node->state;

    *child_perm = perm | (s->rewrite ? PERM_WRITE : 0);
    *child_shared = (shared & PERM_CONSISTENT_READ) | PERM_WRITE_UNCHANGED;
}

/* --- children that come and go ------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_quorum_add_child(Node *node, Node *child, Error **errp)
{
    QuorumState *s = node->state;
    g_autofree char *name = g_strdup_printf("children.%u", s->next_number);
    Edge *edge;

    if (s->blkverify) {
        error_set(errp, "Cannot add a child to a quorum in blkverify mode");
        return false;
    }
    edge = edge_attach(node, child, name, EDGE_DATA, errp);
    if (edge) {
        keep_child(s, edge);
    }
    return edge != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_quorum_remove_child(Node *node, Edge *edge, Error **errp)
{
    QuorumState *s = node->state;
    g_autofree char *last = g_strdup_printf("children.%u", s->next_number - 1);
    unsigned i = 0;

    if (s->n <= s->threshold) {
        error_set(errp,
                  "The number of children cannot be lower than the vote "
                  "threshold %u",
                  s->threshold);
        return false;
    }
    while (s->children[i] != edge) {
        i++;
    }
    s->next_number -= !strcmp(edge->name, last);
    s->n--;
    memmove(&s->children[i], &s->children[i + 1],
            /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
            (s->n - i) * sizeof(*s->children));
    co_edge_detach(edge);
    return true;
}

/* Which one of them is asked is not seen from above. */
static bool quorum_child_replaceable(const Node *node, const Edge *edge)
{
    return true;
}

/* --- status -------------------------------------------------------------- */

/* Zero only where all children say so. */
COROUTINE_ONLY
static int co_quorum_status(Node *node, bool want_zero, uint64_t offset_bytes,
                            uint64_t bytes, BlockStatus *status)
{
    const QuorumState *s = node->state;
    uint64_t zero_bytes = bytes, data_bytes = 0;

    for (unsigned i = 0; i < s->n; i++) {
        BlockStatus one;
        int ret = co_edge_block_status(s->children[i], true, offset_bytes,
                                       bytes, &one);

        if (ret < 0 || !one.bytes) {
            data_bytes = bytes;
        } else if (one.flags & STATUS_ZERO) {
            zero_bytes = MIN(zero_bytes, one.bytes);
        } else {
            data_bytes = MAX(data_bytes, one.bytes);
        }
    }
    *status = data_bytes
                  ? (BlockStatus){.flags = STATUS_DATA, .bytes = data_bytes}
                  : (BlockStatus){.flags = STATUS_ZERO, .bytes = zero_bytes};
    return 0;
}

static const char *const quorum_identity[] = {
    "blkverify", "vote-threshold", "rewrite-corrupted", "read-pattern", NULL,
};

const NodeDriver driver_quorum = {
    .name = "quorum",
    .state_bytes = sizeof(QuorumState),
    .threading = NODE_HOMED,
    .identity_options = quorum_identity,
    .flushes_children = true,
    .flushes_again = true,
    .co_open = co_quorum_open,
    .co_close = co_quorum_close,
    .child_perm = quorum_child_perm,
    .co_add_child = co_quorum_add_child,
    .co_remove_child = co_quorum_remove_child,
    .child_replaceable = quorum_child_replaceable,
    .zeroes_unmap = node_zeroes_unmap_below,
    .co_preadv = co_quorum_preadv,
    .co_pwritev = co_quorum_pwritev,
    .co_pwrite_zeroes = co_quorum_pwrite_zeroes,
    .co_flush = co_quorum_flush,
    .co_block_status = co_quorum_status,
};
