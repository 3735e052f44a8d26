/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream filter: see stream-top.h. */
#include "block/filter/stream-top.h"

#include "block/graph/quiesce.h"
#include "block/io/io.h"
#include "util/sim.h"

typedef struct StreamTop {
    /* CONST */
    Edge *disk;
    RangeLocks *writes; /* users' shared, the job's exclusive */
    /* CONTROL */
    bool alone; /* nobody else writes to the disk from now on */
    bool bypassed;
} StreamTop;

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_stream_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            Iov *iov, size_t iov_offset, ReqFlags flags)
{
    StreamTop *s = node->state;

    return co_edge_preadv(s->disk, offset_bytes, bytes, iov, iov_offset, flags);
}

COROUTINE_ONLY
static int co_stream_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                             Iov *iov, size_t iov_offset, ReqFlags flags)
{
    StreamTop *s = node->state;
    RangeLock lock;
    int ret;

    co_range_lock(s->writes, &lock, offset_bytes, bytes, RANGE_SHARED);
    ret = co_edge_pwritev(s->disk, offset_bytes, bytes, iov, iov_offset, flags);
    range_unlock(s->writes, &lock);
    return ret;
}

COROUTINE_ONLY
static int co_stream_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                   uint64_t bytes, ReqFlags flags)
{
    StreamTop *s = node->state;
    RangeLock lock;
    int ret;

    co_range_lock(s->writes, &lock, offset_bytes, bytes, RANGE_SHARED);
    ret = co_edge_pwrite_zeroes(s->disk, offset_bytes, bytes, flags);
    range_unlock(s->writes, &lock);
    return ret;
}

COROUTINE_ONLY
static int co_stream_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    StreamTop *s = node->state;
    RangeLock lock;
    int ret;

    co_range_lock(s->writes, &lock, offset_bytes, bytes, RANGE_SHARED);
    ret = co_edge_pdiscard(s->disk, offset_bytes, bytes);
    range_unlock(s->writes, &lock);
    return ret;
}

/* --- the job's part ------------------------------------------------------ */

COROUTINE_ONLY
static int co_copy_run(StreamTop *s, uint64_t at, uint64_t bytes, void *buf,
                       bool *error_is_read)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, buf, bytes);
    *error_is_read = true;
    ret = co_edge_preadv(s->disk, at, bytes, &iov, 0, 0);
    if (ret == 0) {
        *error_is_read = false;
        ret = iov_is_zero(&iov, 0, bytes)
                  ? co_edge_pwrite_zeroes(s->disk, at, bytes,
                                          REQ_WRITE_UNCHANGED | REQ_ZERO_HERE)
                  : co_edge_pwritev(s->disk, at, bytes, &iov, 0,
                                    REQ_WRITE_UNCHANGED);
    }
    iov_free(&iov);
    return ret;
}

int co_stream_top_copy_up(Node *filter, uint64_t offset_bytes, uint64_t bytes,
                          unsigned layers, void *buf, bool *error_is_read)
{
    StreamTop *s = filter->state;
    uint64_t end = offset_bytes + bytes;
    BlockStatus status;
    unsigned depth;
    RangeLock lock;
    int ret = 0;

    co_range_lock(s->writes, &lock, offset_bytes, bytes,
                  PLANTED("copy-up-shared") ? RANGE_SHARED : RANGE_EXCLUSIVE);
    for (uint64_t at = offset_bytes; ret == 0 && at < end; at += status.bytes) {
        *error_is_read = true;
        ret = co_node_block_status_above(s->disk->child, NULL, false, at,
                                         end - at, &status, &depth);
        if (ret == 0 && !status.bytes) {
            break;
        }
        if (ret == 0 && depth > 1 && depth - 1 <= layers) {
            ret = co_copy_run(s, at, status.bytes, buf, error_is_read);
        }
    }
    range_unlock(s->writes, &lock);
    return ret;
}

/* --- graph --------------------------------------------------------------- */

static void stream_child_perm(const Node *node, const Edge *edge, Perms perm,
                              Perms shared, Perms *child_perm,
                              Perms *child_shared)
{
    const StreamTop *s = node->state;

    *child_perm = perm;
    *child_shared = shared;
    if (!s->bypassed && !list_empty(&node->parents)) {
        *child_perm |= PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED;
        *child_shared &=
            ~(Perms)(s->alone ? PERM_WRITE | PERM_RESIZE : PERM_RESIZE);
    }
}

static void co_stream_close(Node *node)
{
    StreamTop *s = node->state;

    range_locks_free(s->writes);
}

static const NodeDriver stream_top_driver = {
    .name = "copy-on-read", /* what QEMU takes for it */
    .state_bytes = sizeof(StreamTop),
    .threading = NODE_ANY,
    .is_filter = true,
    .is_implicit = true,
    .shown_by_options = true,
    .co_close = co_stream_close,
    .child_perm = stream_child_perm,
    .co_preadv = co_stream_preadv,
    .co_pwritev = co_stream_pwritev,
    .co_pwrite_zeroes = co_stream_pwrite_zeroes,
    .co_pdiscard = co_stream_pdiscard,
    .supports_fua = true,
};

Node *co_stream_top_insert(Node *disk, const char *name, Error **errp)
{
    Node *filter = node_new(&stream_top_driver, name, errp);
    StreamTop *s;

    assert(disk->quiesced);
    if (!filter) {
        error_prepend(errp, "Could not create node: ");
        return NULL;
    }
    s = filter->state;
    s->writes = range_locks_new(true);
    node_look_like(filter, disk);
    s->disk =
        edge_attach(filter, disk, "file", EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (s->disk) {
        node_refresh_limits(filter);
    }
    if (s->disk && node_replace(disk, filter, NULL, errp)) {
        return filter;
    }
    co_node_unref(filter);
    return NULL;
}

bool stream_top_keep_alone(Node *filter, Error **errp)
{
    StreamTop *s = filter->state;

    s->alone = true;
    return node_refresh_perms(filter, errp);
}

void co_stream_top_drop(Node *filter)
{
    Quiesce *section = co_quiesce_begin(&filter, 1);
    StreamTop *s = filter->state;
    Error *err = NULL;

    /* The users bore each other before the filter came. */
    s->bypassed = true;
    if (!node_replace(filter, s->disk->child, NULL, &err)) {
        g_error("%s", error_text(err));
    }
    quiesce_end(section);
    co_node_unref(filter);
}
