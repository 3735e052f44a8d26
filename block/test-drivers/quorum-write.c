/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quorum: writes and flushes go to all children; they are done when enough of
 * them have done it.
 */
#include "block/test-drivers/quorum-int.h"

#include "block/io/io.h"

int co_quorum_part_pwritev(QuorumPart *part)
{
    const QuorumRequest *req = part->request;

    return co_edge_pwritev(part->edge, req->offset_bytes, req->bytes, req->iov,
                           req->iov_offset, req->flags);
}

COROUTINE_ONLY
static int co_part_zero(QuorumPart *part)
{
    const QuorumRequest *req = part->request;

    return co_edge_pwrite_zeroes(part->edge, req->offset_bytes, req->bytes,
                                 req->flags);
}

COROUTINE_ONLY
static int co_part_flush(QuorumPart *part)
{
    return co_edge_flush(part->edge);
}

/* 0, or the error of most children if too few are left. */
COROUTINE_ONLY
static int co_change(QuorumRequest *req)
{
    const QuorumState *s = req->node->state;
    int ret = 0;

    quorum_request_begin(req);
    if (co_quorum_run(req) < s->threshold) {
        ret = quorum_vote_error(req);
        if (req->type != QUORUM_OP_TYPE_FLUSH) {
            quorum_report_failure(req);
        }
    }
    quorum_request_end(req);
    return ret;
}

int co_quorum_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, size_t iov_offset, ReqFlags flags)
{
    QuorumRequest req = {
        .node = node,
        .co_run = co_quorum_part_pwritev,
        .type = QUORUM_OP_TYPE_WRITE,
        .offset_bytes = offset_bytes,
        .bytes = bytes,
        .iov = iov,
        .iov_offset = iov_offset,
        .flags = flags,
    };

    return co_change(&req);
}

int co_quorum_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            ReqFlags flags)
{
    QuorumRequest req = {
        .node = node,
        .co_run = co_part_zero,
        .type = QUORUM_OP_TYPE_WRITE,
        .offset_bytes = offset_bytes,
        .bytes = bytes,
        .flags = flags,
    };

    /* Children may differ in what they can do fast. */
    return flags & REQ_NO_FALLBACK ? -ENOTSUP : co_change(&req);
}

int co_quorum_flush(Node *node)
{
    QuorumRequest req = {
        .node = node,
        .co_run = co_part_flush,
        .type = QUORUM_OP_TYPE_FLUSH,
    };

    return co_change(&req);
}
