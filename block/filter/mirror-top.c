/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mirror filter: the way of a request, and how the filter is put in and
 * taken out. See mirror-top.h for the invariants.
 */
#include "block/filter/mirror-top.h"

#include "block/graph/quiesce.h"
#include "block/io/io.h"

typedef struct MirrorTop {
    /* CONST */
    Edge *disk, *target;
    BlockCopy *copy;
    bool target_is_behind; /* the disk's chain reads it */
    /* CONTROL; I/O reads it behind the gate */
    bool active;
    bool bypassed; /* its users have been given away */
} MirrorTop;

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_mirror_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            Iov *iov, size_t iov_offset, ReqFlags flags)
{
    MirrorTop *s = node->state;

    return co_edge_preadv(s->disk, offset_bytes, bytes, iov, iov_offset, flags);
}

COROUTINE_ONLY
static int co_mirror_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                             Iov *iov, size_t iov_offset, ReqFlags flags)
{
    MirrorTop *s = node->state;

    if (s->active && !(flags & REQ_WRITE_UNCHANGED)) {
        return co_block_copy_write_both(s->copy, BLOCK_COPY_WRITE_DATA,
                                        offset_bytes, bytes, iov, iov_offset,
                                        flags);
    }
    return co_edge_pwritev(s->disk, offset_bytes, bytes, iov, iov_offset,
                           flags);
}

COROUTINE_ONLY
static int co_mirror_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                   uint64_t bytes, ReqFlags flags)
{
    MirrorTop *s = node->state;

    return s->active
               ? co_block_copy_write_both(s->copy, BLOCK_COPY_WRITE_ZEROES,
                                          offset_bytes, bytes, NULL, 0, flags)
               : co_edge_pwrite_zeroes(s->disk, offset_bytes, bytes, flags);
}

COROUTINE_ONLY
static int co_mirror_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    MirrorTop *s = node->state;

    return s->active
               ? co_block_copy_write_both(s->copy, BLOCK_COPY_WRITE_DISCARD,
                                          offset_bytes, bytes, NULL, 0, 0)
               : co_edge_pdiscard(s->disk, offset_bytes, bytes);
}

/* --- graph --------------------------------------------------------------- */

static void mirror_child_perm(const Node *node, const Edge *edge, Perms perm,
                              Perms shared, Perms *child_perm,
                              Perms *child_shared)
{
    const MirrorTop *s = node->state;

    if (s->bypassed) {
        *child_perm = edge->role & EDGE_FILTERED ? perm : 0;
        *child_shared = edge->role & EDGE_FILTERED ? shared : PERM_ALL;
    } else if (!(edge->role & EDGE_FILTERED)) {
        /* What is behind is written to once the disk's users, who bear that
         * from the filter only, are its own. */
        *child_perm =
            s->target_is_behind && list_empty(&node->parents) ? 0 : PERM_WRITE;
        *child_shared = s->target_is_behind ? PERM_ALL : PERM_WRITE_UNCHANGED;
    } else {
        /* While it is being put in it has no users, and must not be in the
         * way of those that the disk still has. */
        *child_perm = perm;
        if (s->target_is_behind) {
            /* A guest's device bears no writes of others; ours to what is
             * behind do not change what it sees. The images between are of
             * no use to others meanwhile. */
            *child_perm &= ~(Perms)PERM_CONSISTENT_READ;
            shared |= PERM_WRITE;
        }
        *child_shared =
            list_empty(&node->parents) ? shared : shared & ~(Perms)PERM_RESIZE;
    }
}

static void co_mirror_close(Node *node)
{
    MirrorTop *s = node->state;

    block_copy_free(s->copy);
}

static const NodeDriver mirror_top_driver = {
    .name = "mirror_top",
    .state_bytes = sizeof(MirrorTop),
    .threading = NODE_ANY,
    .is_filter = true,
    .passing = true,
    .is_implicit = true,
    .co_close = co_mirror_close,
    .child_perm = mirror_child_perm,
    .co_preadv = co_mirror_preadv,
    .co_pwritev = co_mirror_pwritev,
    .co_pwrite_zeroes = co_mirror_pwrite_zeroes,
    .co_pdiscard = co_mirror_pdiscard,
    .supports_fua = true,
};

/* --- in and out ---------------------------------------------------------- */

CONTROL_ONLY
static bool build(Node *filter, Node *source, Node *target, DirtyBitmap *todo,
                  bool *target_refused, Error **errp)
{
    MirrorTop *s = filter->state;

    /* It holds nothing of what the filter shows: it is the job's. */
    s->target = edge_attach(filter, target, "root", EDGE_UNNAMED, errp);
    *target_refused = !s->target;
    if (!s->target) {
        return false;
    }
    s->disk = edge_attach(filter, source, "backing",
                          EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (!s->disk) {
        return false;
    }
    node_refresh_limits(filter);
    s->copy = block_copy_new_live(s->disk, s->target, todo);
    return true;
}

Node *co_mirror_top_insert(Node *source, Node *target, DirtyBitmap *todo,
                           bool target_is_behind, const char *name,
                           bool *target_refused, Error **errp)
{
    Node *filter;

    *target_refused = false;
    assert(source->quiesced);
    filter = node_new(&mirror_top_driver, name, errp);
    if (!filter) {
        return NULL;
    }
    ((MirrorTop *)filter->state)->target_is_behind = target_is_behind;
    node_look_like(filter, source);
    if (build(filter, source, target, todo, target_refused, errp) &&
        node_replace(source, filter, NULL, errp)) {
        return filter;
    }
    co_node_unref(filter);
    return NULL;
}

void mirror_top_set_active(Node *filter, bool active)
{
    ((MirrorTop *)filter->state)->active = active;
}

bool mirror_top_active(const Node *filter)
{
    return ((const MirrorTop *)filter->state)->active;
}

static void set_bypassed(MirrorTop *s, bool bypassed)
{
    assert(s->bypassed != bypassed);
    s->bypassed = bypassed;
}

static void bypass_undo(void *opaque)
{
    set_bypassed(opaque, false);
}

static const TxnOps bypass_ops = {.abort = bypass_undo};

bool mirror_top_give_users(Node *filter, Node *to, Txn *txn, Error **errp)
{
    MirrorTop *s = filter->state;

    set_bypassed(s, true);
    if (!node_replace(filter, to, txn, errp)) {
        set_bypassed(s, false);
        return false;
    }
    if (txn) {
        txn_add(txn, &bypass_ops, s);
    }
    return true;
}

void mirror_top_bypass(Node *filter)
{
    MirrorTop *s = filter->state;
    Error *err = NULL;

    /* The users bore each other before the filter came, and whoever came
     * since bears the filter, which shares less than any of them. */
    if (!mirror_top_give_users(filter, s->disk->child, NULL, &err)) {
        g_error("%s", error_text(err));
    }
    s->active = false;
    block_copy_set_progress(s->copy, NULL, NULL);
    block_copy_set_written(s->copy, NULL, NULL);
}

void co_mirror_top_drop(Node *filter)
{
    MirrorTop *s = filter->state;

    if (!s->bypassed) {
        Quiesce *section = co_quiesce_begin(&filter, 1);

        mirror_top_bypass(filter);
        quiesce_end(section);
    }
    co_node_unref(filter);
}

BlockCopy *mirror_top_copy(const Node *filter)
{
    return ((const MirrorTop *)filter->state)->copy;
}
