/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy-before-write filter: the way of a request, and how the filter is
 * put in and taken out. See copy-before-write.h for the invariants.
 */
#include "block/filter/copy-before-write.h"

#include "block/graph/quiesce.h"
#include "block/io/io.h"

typedef struct CbwState {
    /* CONST */
    Edge *file, *target;
    BlockCopy *copy;
    /* Clusters whose content at the point in time may be asked for: all. */
    DirtyBitmap *access;
    /* CONTROL */
    bool bypassed; /* it has been taken out and copies nothing any more */
    /* SHORT: clusters that users may have changed since: who wants the point
     * in time finds them in the target. */
    DirtyBitmap *done;
} CbwState;

/* --- requests ------------------------------------------------------------ */

/* Invariant 2: after it returned 0 the request may pass. */
COROUTINE_ONLY
static int co_save(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    CbwState *s = node->state;
    uint64_t end = offset_bytes + bytes;
    int ret;

    /* What was saved once needs no look at the engine, which is elsewhere. */
    if (bitmap_next_clean(s->done, offset_bytes, end) == end) {
        return 0;
    }
    ret = co_block_copy(s->copy, offset_bytes, bytes, NULL);
    if (ret == 0) {
        bitmap_set(s->done, offset_bytes, bytes);
    }
    return ret;
}

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
        ret = co_save(node, offset_bytes, bytes);
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
    int ret = co_save(node, offset_bytes, bytes);

    return ret < 0 ? ret
                   : co_edge_pwrite_zeroes(s->file, offset_bytes, bytes, flags);
}

COROUTINE_ONLY
static int co_cbw_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    CbwState *s = node->state;
    int ret = co_save(node, offset_bytes, bytes);

    return ret < 0 ? ret : co_edge_pdiscard(s->file, offset_bytes, bytes);
}

/* --- graph --------------------------------------------------------------- */

/* While the filter is being put in or taken out it has no users, and must not
 * be in the way of those that the disk still has. */
static void cbw_child_perm(const Node *node, const Edge *edge, Perms perm,
                           Perms shared, Perms *child_perm, Perms *child_shared)
{
    const CbwState *s = node->state;

    if (!(edge->role & EDGE_FILTERED)) {
        *child_perm = s->bypassed ? 0 : PERM_WRITE;
        *child_shared = s->bypassed ? PERM_ALL : PERM_ALL & ~PERM_RESIZE;
    } else if (s->bypassed || list_empty(&node->parents)) {
        *child_perm = perm;
        *child_shared = shared;
    } else {
        /* Its own reads ask for nothing: only its users are seen by others,
         * as with QEMU's. */
        *child_perm = perm;
        *child_shared = shared & ~(Perms)(PERM_WRITE | PERM_RESIZE);
    }
}

static void co_cbw_close(Node *node)
{
    CbwState *s = node->state;

    block_copy_free(s->copy);
}

static const NodeDriver cbw_driver = {
    .name = "copy-before-write",
    .state_bytes = sizeof(CbwState),
    .threading = NODE_ANY,
    .is_filter = true,
    .co_close = co_cbw_close,
    .child_perm = cbw_child_perm,
    .co_preadv = co_cbw_preadv,
    .co_pwritev = co_cbw_pwritev,
    .co_pwrite_zeroes = co_cbw_pwrite_zeroes,
    .co_pdiscard = co_cbw_pdiscard,
    .supports_fua = true,
};

/* --- in and out ---------------------------------------------------------- */

static void look_like(Node *filter, const Node *source)
{
    filter->home = source->home;
    filter->size_bytes = source->size_bytes;
    filter->read_only = source->read_only;
    filter->discard_unmap = source->discard_unmap;
    filter->cache_direct = source->cache_direct;
    filter->cache_no_flush = source->cache_no_flush;
    filter->filename = g_strdup(source->filename);
    filter->identity = json_object_get(source->identity);
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

CONTROL_ONLY
static bool build(Node *filter, Node *source, Node *target, Error **errp)
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
    s->copy = block_copy_new(s->file, s->target, 0, errp);
    /* Queries show them newest first: access, then done. */
    return s->copy && (s->done = own_bitmap(filter, errp)) &&
           (s->access = own_bitmap(filter, errp));
}

Node *co_cbw_insert(Node *source, Node *target, const char *name, Error **errp)
{
    Node *filter;
    CbwState *s;

    assert(source->quiesced && source->size_bytes == target->size_bytes);
    filter = node_new(&cbw_driver, name, errp);
    if (!filter) {
        error_prepend(errp, "Could not create node: ");
        return NULL;
    }
    s = filter->state;
    look_like(filter, source);
    if (!build(filter, source, target, errp)) {
        error_prepend(errp, "Could not create node: ");
        goto fail;
    }
    bitmap_set_all(s->access);
    if (node_replace(source, filter, NULL, errp)) {
        return filter;
    }
fail:
    co_node_unref(filter);
    return NULL;
}

void cbw_bypass(Node *filter)
{
    CbwState *s = filter->state;
    Error *err = NULL;

    assert(!s->bypassed);
    /* The users bore each other before the filter came, and whoever came
     * since bears the filter, which wants more than any of them. */
    s->bypassed = true;
    if (!node_replace(filter, s->file->child, NULL, &err)) {
        g_error("%s", error_text(err));
    }
    /* It may live on, transparent, while somebody holds it: an export that
     * uses a bitmap that a user put on it. */
    block_copy_set_progress(s->copy, NULL, NULL);
    bitmap_clear_all(block_copy_todo(s->copy), NULL);
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

BlockCopy *cbw_block_copy(const Node *filter)
{
    return ((const CbwState *)filter->state)->copy;
}
