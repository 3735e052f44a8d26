/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blkdebug: shows its image, and lets tests make it fail: errors when they
 * want them (blkdebug-rules.h), stops of requests on their way
 * (blkdebug-break.h), and limits on requests that the image does not have
 * itself.
 *
 * Invariants:
 * 1. A request that fails by a rule has not reached the image.
 * 2. What goes beyond the image's end, where `align` is coarser than the
 *    image's size, reads as zeroes and is not written.
 */
#include "block/filter/blkdebug.h"

#include "block/filter/blkdebug-int.h"
#include "block/graph/quiesce.h"
#include "block/io/io.h"

/* --- graph --------------------------------------------------------------- */

static void co_blkdebug_close(Node *node)
{
    BlkdebugState *s = node->state;

    blkdebug_breaks_clear(&s->breaks);
    blkdebug_rules_free(s->rules);
}

/* The generic options and the image may change; it has no others that do. */
static bool co_blkdebug_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    const BlkdebugState *s = reopen->node->state;

    reopen->size_bytes = reopen_child_size(reopen, s->image);
    return true;
}

static void blkdebug_child_perm(const Node *node, const Edge *edge, Perms perm,
                                Perms shared, Perms *child_perm,
                                Perms *child_shared)
{
    const BlkdebugState *s = node->state;

    *child_perm = perm | s->take;
    *child_shared = shared & ~s->unshare;
}

static void blkdebug_refresh_limits(Node *node)
{
    const BlkdebugState *s = node->state;
    NodeLimits *limits = &node->limits;

    limits->request_align = MAX(limits->request_align, s->align);
    limits->max_transfer_bytes = s->max_transfer;
    limits->zeroes_align = s->opt_zeroes;
    limits->max_zeroes_bytes = s->max_zeroes;
    limits->discard_align = s->opt_discard;
    limits->max_discard_bytes = s->max_discard;
}

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static void co_blkdebug_event(Node *node, int event)
{
    BlkdebugState *s = node->state;

    blkdebug_rules_event(s->rules, event);
    /* Breaks are there on control only. */
    if (!list_empty(&s->breaks.breaks) && !node_quiescing(node)) {
        control_assert();
        co_blkdebug_breaks_event(&s->breaks, event);
    }
}

static void blkdebug_quiesce_begin(Node *node)
{
    BlkdebugState *s = node->state;

    if (node->home == reactor_control()) {
        blkdebug_breaks_resume_all(&s->breaks);
    }
}

/* 0, or an error, or 1: the request is to do nothing. */
COROUTINE_ONLY
static int co_check(Node *node, BlkdebugIOType type, uint64_t offset_bytes,
                    uint64_t bytes)
{
    BlkdebugState *s = node->state;
    bool immediately = false;
    int ret =
        blkdebug_rules_check(s->rules, type, offset_bytes, bytes, &immediately);

    if (ret && !immediately) {
        co_reschedule();
    }
    return ret;
}

static uint64_t within_image(const Node *node, uint64_t offset_bytes,
                             uint64_t bytes)
{
    uint64_t size_bytes = node->size_bytes;

    return offset_bytes < size_bytes ? MIN(bytes, size_bytes - offset_bytes)
                                     : 0;
}

COROUTINE_ONLY
static int co_blkdebug_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                              Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const BlkdebugState *s = node->state;
    uint64_t inside = within_image(node, offset_bytes, bytes);
    int ret = co_check(node, BLKDEBUG_IO_TYPE_READ, offset_bytes, bytes);

    if (ret) {
        return MIN(ret, 0);
    }
    iov_memset(iov, iov_offset + inside, 0, bytes - inside);
    return co_edge_preadv(s->image, offset_bytes, inside, iov, iov_offset,
                          flags);
}

COROUTINE_ONLY
static int co_blkdebug_pwritev(Node *node, uint64_t offset_bytes,
                               uint64_t bytes, Iov *iov, size_t iov_offset,
                               ReqFlags flags)
{
    const BlkdebugState *s = node->state;
    int ret = co_check(node, BLKDEBUG_IO_TYPE_WRITE, offset_bytes, bytes);

    return ret ? MIN(ret, 0)
               : co_edge_pwritev(s->image, offset_bytes,
                                 within_image(node, offset_bytes, bytes), iov,
                                 iov_offset, flags);
}

COROUTINE_ONLY
static int co_blkdebug_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                     uint64_t bytes, ReqFlags flags)
{
    const BlkdebugState *s = node->state;
    int ret =
        co_check(node, BLKDEBUG_IO_TYPE_WRITE_ZEROES, offset_bytes, bytes);

    return ret ? MIN(ret, 0)
               : co_edge_pwrite_zeroes(s->image, offset_bytes,
                                       within_image(node, offset_bytes, bytes),
                                       flags);
}

COROUTINE_ONLY
static int co_blkdebug_pdiscard(Node *node, uint64_t offset_bytes,
                                uint64_t bytes)
{
    const BlkdebugState *s = node->state;
    int ret = co_check(node, BLKDEBUG_IO_TYPE_DISCARD, offset_bytes, bytes);

    return ret ? MIN(ret, 0)
               : co_edge_pdiscard(s->image, offset_bytes,
                                  within_image(node, offset_bytes, bytes));
}

/* The image is flushed after this. */
COROUTINE_ONLY
static int co_blkdebug_flush(Node *node)
{
    return MIN(co_check(node, BLKDEBUG_IO_TYPE_FLUSH, 0, 0), 0);
}

COROUTINE_ONLY
static int co_blkdebug_block_status(Node *node, bool want_zero,
                                    uint64_t offset_bytes, uint64_t bytes,
                                    BlockStatus *status)
{
    const BlkdebugState *s = node->state;
    int ret =
        co_check(node, BLKDEBUG_IO_TYPE_BLOCK_STATUS, offset_bytes, bytes);

    if (ret == 0) {
        ret = co_edge_block_status(s->image, want_zero, offset_bytes, bytes,
                                   status);
        status->flags |= STATUS_PASSED;
    }
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_blkdebug_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    const BlkdebugState *s = node->state;

    return co_edge_truncate_along(s->image, size_bytes, exact, errp);
}

/* QEMU's says so too. */
static int64_t co_blkdebug_allocated_bytes(Node *node)
{
    return -ENOTSUP;
}

const NodeDriver driver_blkdebug = {
    .name = "blkdebug",
    .state_bytes = sizeof(BlkdebugState),
    .threading = NODE_HOMED,
    .is_format = true,
    .shows_child = true,
    .identity_options = blkdebug_identity,
    .expand_options = blkdebug_expand_options,
    .co_open = co_blkdebug_open,
    .co_reopen = co_blkdebug_reopen,
    .co_close = co_blkdebug_close,
    .child_perm = blkdebug_child_perm,
    .refresh_limits = blkdebug_refresh_limits,
    .quiesce_begin = blkdebug_quiesce_begin,
    .co_debug_event = co_blkdebug_event,
    .zeroes_unmap = node_zeroes_unmap_below,
    .co_preadv = co_blkdebug_preadv,
    .co_pwritev = co_blkdebug_pwritev,
    .co_pwrite_zeroes = co_blkdebug_pwrite_zeroes,
    .co_pdiscard = co_blkdebug_pdiscard,
    .co_flush = co_blkdebug_flush,
    .co_block_status = co_blkdebug_block_status,
    .co_truncate = co_blkdebug_truncate,
    .co_allocated_bytes = co_blkdebug_allocated_bytes,
};

/* --- breaks -------------------------------------------------------------- */

/* The first blkdebug node from @node downwards. NULL: none, or it is at home
 * where control may not touch it. */
static BlkdebugBreaks *find_breaks(const Node *node)
{
    while (node && node->driver != &driver_blkdebug) {
        const Node *below = NULL;

        LIST_FOREACH(edge, &node->children, Edge, in_parent) {
            if (edge->role & (EDGE_PRIMARY | EDGE_FILTERED)) {
                below = edge->child;
                break;
            }
        }
        node = below;
    }
    return node && node->home == reactor_control()
               ? &((BlkdebugState *)node->state)->breaks
               : NULL;
}

int blkdebug_break(Node *node, const char *event, const char *tag)
{
    BlkdebugBreaks *breaks = find_breaks(node);
    int number = qapi_enum_parse(&qapi_type_BlkdebugEvent, event);

    if (!breaks) {
        return -ENOTSUP;
    }
    if (number < 0) {
        return -ENOENT;
    }
    blkdebug_breaks_add(breaks, number, tag);
    return 0;
}

int blkdebug_remove_break(Node *node, const char *tag)
{
    BlkdebugBreaks *breaks = find_breaks(node);

    if (!breaks) {
        return -ENOTSUP;
    }
    return blkdebug_breaks_remove(breaks, tag) ? 0 : -ENOENT;
}

int blkdebug_resume(Node *node, const char *tag)
{
    BlkdebugBreaks *breaks = find_breaks(node);

    if (!breaks) {
        return -ENOTSUP;
    }
    return blkdebug_breaks_resume(breaks, tag) ? 0 : -ENOENT;
}

int co_blkdebug_wait_break(Node *node, const char *tag)
{
    BlkdebugBreaks *breaks = find_breaks(node);

    if (!breaks) {
        return -ENOTSUP;
    }
    co_blkdebug_breaks_wait(breaks, tag);
    return 0;
}
