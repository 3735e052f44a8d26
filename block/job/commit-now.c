/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `commit`, without a job: see commit-now.h.
 *
 * Everything that the image holds is copied once; a bitmap records what users
 * write meanwhile, which is copied again, until a moment comes at which all of
 * them are held and nothing was written since. Then the image is emptied.
 *
 *     users                users
 *       |     filter         |
 *      top   -------->      top
 *       | backing            | backing
 *      base              commit_top
 *                            | backing
 *                           base <- copies
 *
 * Invariant: nothing is given up in the image that is not safe in its base.
 */
#include "block/job/commit-now.h"

#include "block/bitmap/bitmap.h"
#include "block/filter/commit-top.h"
#include "block/graph/backing.h"
#include "block/graph/format.h"
#include "block/graph/op-blocker.h"
#include "block/graph/quiesce.h"
#include "block/io/io.h"

#define PIECE_BYTES (UINT64_C(1) << 20)
#define MAX_ROUNDS 100

typedef struct CommitNow {
    Node *top, *base;
    Root *source, *target;
    Node *filter;
    DirtyBitmap *written; /* by users, since it was copied */
    bool base_was_read_only;
    void *buf;
} CommitNow;

static char *describe(const Root *root)
{
    return g_strdup("an unnamed block device");
}

static const RootOps root_ops = {.describe = describe};

/* --- copying ------------------------------------------------------------- */

/* At most PIECE_BYTES. */
COROUTINE_ONLY static int co_copy(CommitNow *c, uint64_t at, uint64_t bytes)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, c->buf, bytes);
    ret = co_root_preadv(c->source, at, bytes, &iov, 0);
    if (ret == 0) {
        ret = iov_is_zero(&iov, 0, bytes)
                  ? co_root_pwrite_zeroes(c->target, at, bytes, REQ_MAY_UNMAP)
                  : co_root_pwritev(c->target, at, bytes, &iov, 0);
    }
    iov_free(&iov);
    return ret;
}

COROUTINE_ONLY static int co_copy_held(CommitNow *c)
{
    uint64_t size = root_size_bytes(c->source), at, run;
    unsigned depth;
    int ret = 0;

    for (at = 0; ret == 0 && at < size; at += run) {
        ret = co_root_allocation_depth(
            c->source, at, MIN(size - at, PIECE_BYTES), &run, &depth);
        if (ret == 0 && !run) {
            ret = -EIO;
        } else if (ret == 0 && depth == 1) {
            ret = co_copy(c, at, run);
        }
    }
    return ret;
}

COROUTINE_ONLY static int co_copy_written(CommitNow *c)
{
    uint64_t size = root_size_bytes(c->source), at = 0, start, bytes;
    int ret = 0;

    while (ret == 0 && bitmap_next_dirty_run(c->written, at, size, PIECE_BYTES,
                                             &start, &bytes)) {
        /* Before it is read: what is written from now on counts again. */
        bitmap_reset(c->written, start, bytes);
        ret = co_copy(c, start, bytes);
        at = start + bytes;
    }
    return ret;
}

/* 1: users have written since it was copied. */
COROUTINE_ONLY CONTROL_ONLY static int co_empty(CommitNow *c, Error **errp)
{
    const FormatOps *format = c->top->driver->format;
    int ret = co_root_flush(c->target);
    Quiesce *section;

    if (ret < 0) {
        return ret;
    }
    section = co_quiesce_begin(&c->top, 1);
    ret = bitmap_count_bytes(c->written) ? 1
          : format && format->co_make_empty
              ? format->co_make_empty(c->top, errp)
              : 0;
    quiesce_end(section);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int co_rounds(CommitNow *c, Error **errp)
{
    int ret = co_copy_held(c);

    for (unsigned n = 0; ret == 0 && n < MAX_ROUNDS; n++) {
        ret = co_empty(c, errp);
        if (ret != 1) {
            return ret;
        }
        ret = co_copy_written(c);
    }
    return ret < 0 ? ret : -EAGAIN;
}

/* --- before and after ---------------------------------------------------- */

/* Who is not above by way of @top would see the base change. */
CONTROL_ONLY
static bool others_bear_writes(const Node *top, const Node *base, Error **errp)
{
    LIST_FOREACH(edge, &base->parents, Edge, in_child) {
        bool below_top = edge->parent && node_leads_to(top, edge->parent);

        if (!below_top && !(edge->shared & PERM_WRITE)) {
            error_set(errp,
                      "Node '%s' has other users, who do not allow 'write' "
                      "on it",
                      node_name(base));
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static int co_check(CommitNow *c, Error **errp)
{
    Node *behind = node_backing_node(c->top);

    c->base = behind ? node_skip_filters(behind) : NULL;
    if (!c->base) {
        return -EOPNOTSUPP;
    }
    if (!node_op_allowed(c->top, NODE_OP_COMMIT_SOURCE, NULL) ||
        !node_op_allowed(c->base, NODE_OP_COMMIT_TARGET, NULL)) {
        return -EBUSY;
    }
    if (c->top->read_only) {
        error_set(errp, "Block node is read-only");
        return -EPERM;
    }
    c->base_was_read_only = c->base->read_only;
    return others_bear_writes(c->top, c->base, errp) &&
                   co_node_set_read_only(c->base, false, errp)
               ? 0
               : -EPERM;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_put_filter(CommitNow *c,
                                                      Error **errp)
{
    Quiesce *section = co_quiesce_begin(&c->base, 1);

    c->filter = co_commit_top_insert(c->base, NULL, errp);
    quiesce_end(section);
    return c->filter != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static int co_begin(CommitNow *c, Error **errp)
{
    bool grows = c->base->size_bytes < c->top->size_bytes;

    c->buf = io_buffer_alloc(c->top, PIECE_BYTES);
    if (!c->buf) {
        return -ENOMEM;
    }
    if (!co_put_filter(c, errp) ||
        !root_attach(c->source, c->top, PERM_CONSISTENT_READ, PERM_ALL, errp) ||
        !root_attach(c->target, c->base,
                     PERM_CONSISTENT_READ | PERM_WRITE |
                         (grows ? PERM_RESIZE : 0),
                     PERM_ALL, errp)) {
        return -EPERM;
    }
    c->written =
        bitmap_create(c->top, bitmap_default_granularity(c->top), NULL, errp);
    if (!c->written) {
        return -EINVAL;
    }
    return grows ? co_root_truncate(c->target, c->top->size_bytes, false, errp)
                 : 0;
}

COROUTINE_ONLY CONTROL_ONLY static void co_finish(CommitNow *c)
{
    if (c->written) {
        bitmap_release(c->written);
    }
    if (root_node(c->source)) {
        co_root_detach(c->source);
    }
    if (root_node(c->target)) {
        co_root_detach(c->target);
    }
    if (c->filter) {
        co_commit_top_drop(c->filter);
    }
    co_node_set_read_only(c->base, c->base_was_read_only, NULL);
    io_buffer_free(c->buf);
}

int co_commit_now(Node *node, Error **errp)
{
    CommitNow c = {.top = node_skip_filters(node)};
    int ret = co_check(&c, errp);

    if (ret < 0) {
        return ret;
    }
    c.source = root_new("root", &root_ops, NULL);
    c.target = root_new("root", &root_ops, NULL);
    ret = co_begin(&c, errp);
    ret = ret < 0 ? ret : co_rounds(&c, errp);
    co_finish(&c);
    root_free(c.source);
    root_free(c.target);
    return ret;
}
