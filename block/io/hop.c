/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The doors of block/io: bounds, and the hop to the node's home.
 *
 * A request to a HOMED node that comes from another reactor moves to node->home
 * by message; the coroutine that made it waits on its own thread. A node whose
 * driver declares ANY takes it where it is.
 */
#include "block/io/io-int.h"

typedef struct IoCall IoCall;

struct IoCall {
    void (*run)(IoCall *call);
    Node *node;
    uint64_t offset_bytes, bytes;
    Iov *iov;
    size_t iov_offset;
    ReqFlags flags;
    bool want_zero;
    BlockStatus *status;
    uint64_t size_bytes;
    bool exact;
    Error **errp;
    int ret;
};

static void call_entry(void *opaque)
{
    IoCall *call = opaque;

    call->run(call);
}

COROUTINE_ONLY
static int co_call_at_home(IoCall *call)
{
    if (LIKELY(node_is_here(call->node))) {
        call->run(call);
    } else {
        co_reactor_call(call->node->home, call_entry, call);
    }
    return call->ret;
}

typedef struct DebugEventCall {
    Node *node;
    int event;
} DebugEventCall;

static void debug_event_entry(void *opaque)
{
    const DebugEventCall *call = opaque;

    call->node->driver->co_debug_event(call->node, call->event);
}

void co_node_tell_debug_event(Node *node, int event)
{
    DebugEventCall call = {node, event};

    if (node_is_here(node)) {
        debug_event_entry(&call);
    } else {
        co_reactor_call(node->home, debug_event_entry, &call);
    }
}

/* A user stays within the size. A node above may have been asked for the whole
 * of the last block, which it got from this node's limits, and asks for it. */
static int check_range(const Edge *edge, uint64_t offset_bytes, uint64_t bytes)
{
    const Node *node = edge->child;
    uint64_t end = node_size(node);

    if (edge->parent) {
        end = ROUND_UP(end, node->limits.request_align);
    }
    return range_fits(offset_bytes, bytes, end) ? 0 : -EIO;
}

static int check_write(const Edge *edge, uint64_t offset_bytes, uint64_t bytes)
{
    return edge->child->read_only ? -EPERM
                                  : check_range(edge, offset_bytes, bytes);
}

/* A request on a range: what is @refused, or of no bytes, goes nowhere. */
COROUTINE_ONLY
static int co_call_range(Edge *edge, void (*run)(IoCall *call), int refused,
                         uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                         size_t iov_offset, ReqFlags flags)
{
    IoCall call = {
        .run = run,
        .node = edge->child,
        .offset_bytes = offset_bytes,
        .bytes = bytes,
        .iov = iov,
        .iov_offset = iov_offset,
        .flags = flags,
    };

    return refused || !bytes ? refused : co_call_at_home(&call);
}

COROUTINE_ONLY
static void run_preadv(IoCall *c)
{
    c->ret = co_node_preadv(c->node, c->offset_bytes, c->bytes, c->iov,
                            c->iov_offset, c->flags);
}

int co_edge_preadv(Edge *edge, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags)
{
    return co_call_range(edge, run_preadv,
                         check_range(edge, offset_bytes, bytes), offset_bytes,
                         bytes, iov, iov_offset, flags);
}

COROUTINE_ONLY
static void run_pwritev(IoCall *c)
{
    c->ret = co_node_pwritev(c->node, c->offset_bytes, c->bytes, c->iov,
                             c->iov_offset, c->flags);
}

int co_edge_pwritev(Edge *edge, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags)
{
    return co_call_range(edge, run_pwritev,
                         check_write(edge, offset_bytes, bytes), offset_bytes,
                         bytes, iov, iov_offset, flags);
}

COROUTINE_ONLY
static void run_pwrite_zeroes(IoCall *c)
{
    c->ret =
        co_node_pwrite_zeroes(c->node, c->offset_bytes, c->bytes, c->flags);
}

int co_edge_pwrite_zeroes_as_told(Edge *edge, uint64_t offset_bytes,
                                  uint64_t bytes, ReqFlags flags)
{
    return co_call_range(edge, run_pwrite_zeroes,
                         check_write(edge, offset_bytes, bytes), offset_bytes,
                         bytes, NULL, 0, flags);
}

int co_edge_pwrite_zeroes(Edge *edge, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags)
{
    if (!edge->child->discard_unmap) {
        flags &= ~(ReqFlags)REQ_MAY_UNMAP;
    }
    return co_edge_pwrite_zeroes_as_told(edge, offset_bytes, bytes, flags);
}

COROUTINE_ONLY
static void run_pdiscard(IoCall *c)
{
    c->ret = co_node_pdiscard(c->node, c->offset_bytes, c->bytes);
}

int co_edge_pdiscard(Edge *edge, uint64_t offset_bytes, uint64_t bytes)
{
    return co_call_range(edge, run_pdiscard,
                         check_write(edge, offset_bytes, bytes), offset_bytes,
                         bytes, NULL, 0, 0);
}

COROUTINE_ONLY
static void run_flush(IoCall *c)
{
    c->ret = co_node_flush_at_home(c->node);
}

int co_node_flush(Node *node)
{
    IoCall call = {.run = run_flush, .node = node};

    return co_call_at_home(&call);
}

int co_edge_flush(Edge *edge)
{
    return co_node_flush(edge->child);
}

COROUTINE_ONLY
static void run_block_status(IoCall *c)
{
    c->ret = co_node_block_status(c->node, c->want_zero, c->offset_bytes,
                                  c->bytes, c->status);
}

int co_node_block_status_hop(Node *node, bool want_zero, uint64_t offset_bytes,
                             uint64_t bytes, BlockStatus *status)
{
    IoCall call = {
        .run = run_block_status,
        .node = node,
        .want_zero = want_zero,
        .offset_bytes = offset_bytes,
        .bytes = bytes,
        .status = status,
    };

    return co_call_at_home(&call);
}

int co_edge_block_status(Edge *edge, bool want_zero, uint64_t offset_bytes,
                         uint64_t bytes, BlockStatus *status)
{
    return co_node_block_status_hop(edge->child, want_zero, offset_bytes, bytes,
                                    status);
}

COROUTINE_ONLY
static void run_truncate(IoCall *c)
{
    c->ret =
        co_node_truncate_at_home(c->node, c->size_bytes, c->exact, c->errp);
}

int co_node_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    IoCall call = {
        .run = run_truncate,
        .node = node,
        .size_bytes = size_bytes,
        .exact = exact,
        .errp = errp,
    };
    int ret = co_call_at_home(&call);

    if (ret == 0) {
        node_size_changed(node, ROUND_UP(size_bytes, 512));
    }
    return MIN(ret, 0); /* TRUNCATE_KEPT is a success */
}

int co_edge_truncate(Edge *edge, uint64_t size_bytes, bool exact, Error **errp)
{
    return co_node_truncate(edge->child, size_bytes, exact, errp);
}

typedef struct LengthCall {
    Node *node;
    uint64_t size_bytes;
    int ret;
} LengthCall;

COROUTINE_ONLY
static void co_set_length_on_control(void *opaque)
{
    LengthCall *call = opaque;

    control_assert();
    call->ret = co_node_truncate(call->node, call->size_bytes, false, NULL);
}

int co_edge_set_length(Edge *edge, uint64_t size_bytes)
{
    LengthCall call = {edge->child, size_bytes, 0};

    co_reactor_call(reactor_control(), co_set_length_on_control, &call);
    return call.ret;
}

int co_edge_truncate_along(Edge *edge, uint64_t size_bytes, bool exact,
                           Error **errp)
{
    int ret = co_edge_truncate(edge, size_bytes, exact, errp);

    return ret == 0 && edge->child->size_bytes > ROUND_UP(size_bytes, 512)
               ? TRUNCATE_KEPT
               : ret;
}
