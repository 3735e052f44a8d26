/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy-before-write filter: the way of a request, and how the filter is
 * put in and taken out. See copy-before-write.h for the invariants.
 */
#include "block/filter/cbw-int.h"
#include "block/graph/quiesce.h"
#include "block/io/io.h"

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_cbw_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         Iov *iov, size_t iov_offset, ReqFlags flags)
{
    CbwState *s = node->state;

    return co_edge_preadv(s->file, offset_bytes, bytes, iov, iov_offset, flags);
}

COROUTINE_ONLY
static int co_cbw_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          Iov *iov, size_t iov_offset, ReqFlags flags)
{
    CbwState *s = node->state;
    int ret = 0;

    if (!(flags & REQ_WRITE_UNCHANGED)) {
        ret = co_cbw_save(node, offset_bytes, bytes);
    }
    return ret < 0 ? ret
                   : co_edge_pwritev(s->file, offset_bytes, bytes, iov,
                                     iov_offset, flags);
}

COROUTINE_ONLY
static int co_cbw_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                uint64_t bytes, ReqFlags flags)
{
    CbwState *s = node->state;
    int ret = co_cbw_save(node, offset_bytes, bytes);

    return ret < 0 ? ret
                   : co_edge_pwrite_zeroes(s->file, offset_bytes, bytes, flags);
}

COROUTINE_ONLY
static int co_cbw_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    CbwState *s = node->state;
    int ret = co_cbw_save(node, offset_bytes, bytes);

    return ret < 0 ? ret : co_edge_pdiscard(s->file, offset_bytes, bytes);
}

/* --- graph --------------------------------------------------------------- */

/* A user's filter has its target for itself, unless the disk is behind that:
 * then the disk's users' writes are seen as writes to it. */
static Perms target_shared(const CbwState *s)
{
    Perms shared = PERM_ALL & ~(Perms)PERM_RESIZE;

    return s->is_public && s->file &&
                   !node_leads_to(s->target->child, s->file->child)
               ? shared & ~(Perms)PERM_WRITE
               : shared;
}

/* Not counting those that the transaction that goes on deletes. */
static bool has_users(const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root || !edge->parent->doomed) {
            return true;
        }
    }
    return false;
}

/* While the filter is being put in or taken out it has no users, and must not
 * be in the way of those that the disk still has. */
static void cbw_child_perm(const Node *node, const Edge *edge, Perms perm,
                           Perms shared, Perms *child_perm, Perms *child_shared)
{
    const CbwState *s = node->state;

    if (!(edge->role & EDGE_FILTERED)) {
        *child_perm = s->bypassed ? 0 : PERM_WRITE;
        *child_shared = s->bypassed || !s->target ? PERM_ALL : target_shared(s);
    } else if (s->bypassed || !has_users(node)) {
        *child_perm = perm;
        *child_shared = shared;
    } else {
        /* Its own reads ask for nothing: only its users are seen by others,
         * as with QEMU's. */
        *child_perm = perm | (s->discards ? PERM_WRITE : 0);
        *child_shared = shared & ~(Perms)(PERM_WRITE | PERM_RESIZE);
    }
}

void cbw_state_init(CbwState *s)
{
    s->frozen = range_locks_new(true);
    s->readers = range_locks_new(true);
}

void cbw_state_free(CbwState *s)
{
    block_copy_free(s->copy);
    s->copy = NULL;
    range_locks_free(s->frozen);
    range_locks_free(s->readers);
    g_free(s->broken_text);
}

static void co_cbw_close(Node *node)
{
    CbwState *s = node->state;

    if (s->ended) {
        s->ended(s->ended_opaque);
    }
    cbw_state_free(s);
}

static const char *cbw_snapshot_error(const Node *node)
{
    return ((const CbwState *)node->state)->broken_text;
}

/* Anonymous and disabled: only the filter itself sets bits. */
static DirtyBitmap *own_bitmap(Node *filter, Error **errp)
{
    const CbwState *s = filter->state;
    DirtyBitmap *bitmap =
        bitmap_create(filter, block_copy_cluster_bytes(s->copy), NULL, errp);

    if (bitmap) {
        bitmap_disable(bitmap);
    }
    return bitmap;
}

bool cbw_make_engine(Node *filter, uint64_t min_cluster_bytes, Error **errp)
{
    CbwState *s = filter->state;

    s->copy = block_copy_new(s->file, s->target, min_cluster_bytes, errp);
    /* Queries show them newest first: access, then done. */
    return s->copy && (s->done = own_bitmap(filter, errp)) &&
           (s->access = own_bitmap(filter, errp));
}

const NodeDriver driver_copy_before_write = {
    .name = "copy-before-write",
    .state_bytes = sizeof(CbwState),
    .threading = NODE_ANY,
    .shown_as_file = true,
    .is_filter = true,
    .co_open = co_cbw_open,
    .co_close = co_cbw_close,
    .child_perm = cbw_child_perm,
    .snapshot_error = cbw_snapshot_error,
    .snapshot_space = cbw_snapshot_space,
    .co_preadv = co_cbw_preadv,
    .co_pwritev = co_cbw_pwritev,
    .co_pwrite_zeroes = co_cbw_pwrite_zeroes,
    .co_pdiscard = co_cbw_pdiscard,
    .supports_fua = true,
};

/* --- in and out ---------------------------------------------------------- */

CONTROL_ONLY
static bool build(Node *filter, Node *source, Node *target,
                  const CbwInsertOptions *options, Error **errp)
{
    CbwState *s = filter->state;

    /* No role: it holds nothing of what the filter shows. */
    s->target = edge_attach(filter, target, "target", 0, errp);
    if (!s->target) {
        return false;
    }
    s->file =
        edge_attach(filter, source, "file", EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (!s->file) {
        return false;
    }
    node_refresh_limits(filter);
    if (!cbw_make_engine(filter, options->min_cluster_bytes, errp)) {
        return false;
    }
    if (options->compress) {
        block_copy_set_compress(s->copy);
    }
    if (options->discard_source) {
        block_copy_set_discard_source(s->copy);
    }
    return true;
}

Node *co_cbw_insert(Node *source, Node *target, const char *name,
                    const CbwInsertOptions *options, Error **errp)
{
    Node *filter;
    CbwState *s;

    assert(source->quiesced && source->size_bytes == target->size_bytes);
    filter = node_new(&driver_copy_before_write, name, errp);
    if (!filter) {
        error_prepend(errp, "Could not create node: ");
        return NULL;
    }
    s = filter->state;
    cbw_state_init(s);
    s->break_snapshot = options->break_snapshot;
    s->discards = options->discard_source;
    node_look_like(filter, source);
    if (!build(filter, source, target, options, errp)) {
        error_prepend(errp, "Could not create node: ");
        goto fail;
    }
    bitmap_set_all(s->access);
    if (node_replace(source, filter, NULL, errp)) {
        return filter;
    }
    error_prepend(errp, "Could not replace node: ");
fail:
    co_node_unref(filter);
    return NULL;
}

bool cbw_end(Node *filter, const char *why, Error **errp)
{
    CbwState *s = filter->state;
    int whole = 0;

    assert(!s->bypassed);
    s->bypassed = true;
    if (!node_replace(filter, s->file->child, NULL, errp)) {
        s->bypassed = false;
        return false;
    }
    /* It may live on, transparent, while somebody holds it: an export that
     * uses a bitmap that a user put on it. */
    __atomic_compare_exchange_n(&s->broken, &whole, -ECANCELED, false,
                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    if (!s->broken_text) {
        s->broken_text = g_strdup(why);
    }
    block_copy_set_progress(s->copy, NULL, NULL);
    bitmap_clear_all(block_copy_todo(s->copy), NULL);
    return true;
}

void cbw_bypass(Node *filter)
{
    Error *err = NULL;

    /* The users bore each other before the filter came, and whoever came
     * since bears the filter, which wants more than any of them. */
    if (!cbw_end(filter, "the filter was taken out", &err)) {
        g_error("%s", error_text(err));
    }
}

bool cbw_keeps_for_user(const Node *node)
{
    const CbwState *s = node->state;

    return node->driver == &driver_copy_before_write && s->is_public &&
           !s->bypassed;
}

void cbw_watch_end(Node *filter, void (*fn)(void *opaque), void *opaque)
{
    CbwState *s = filter->state;

    s->ended = fn;
    s->ended_opaque = opaque;
}

void co_cbw_drop(Node *filter)
{
    CbwState *s = filter->state;

    if (!s->bypassed) {
        Quiesce *section = co_quiesce_begin(&filter, 1);

        cbw_bypass(filter);
        quiesce_end(section);
    }
    co_node_unref(filter);
}

int cbw_error(const Node *filter)
{
    return cbw_broken(filter->state);
}

BlockCopy *cbw_block_copy(const Node *filter)
{
    return ((const CbwState *)filter->state)->copy;
}
