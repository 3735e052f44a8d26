/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One write of one node. */
#include "block/io/io-int.h"

#include "block/bitmap/bitmap.h"
#include "block/graph/format.h"
#include "util/sim.h"

/* Whether all on the way to the storage do; else the node is flushed, not the
 * one far below that does not, so that who counts flushes or makes them fail
 * sees one that comes from the top. */
static bool takes_fua(const Node *node)
{
    if (!node->driver->supports_fua) {
        return false;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & (EDGE_PRIMARY | EDGE_FILTERED) &&
            !takes_fua(edge->child)) {
            return false;
        }
    }
    return true;
}

bool fua_begin(const Node *node, ReqFlags *flags)
{
    if (!(*flags & REQ_FUA) || takes_fua(node)) {
        return false;
    }
    *flags &= ~(ReqFlags)REQ_FUA;
    return true;
}

int co_fua_end(Node *node, int ret, bool flush)
{
    return ret == 0 && flush ? co_node_flush_at_home(node) : ret;
}

/* True if the write is to become one of zeroes; @flags follow. */
static bool detect_zeroes(const Node *node, const Iov *iov, size_t iov_offset,
                          uint64_t bytes, ReqFlags *flags)
{
    if (node->detect_zeroes == DETECT_ZEROES_OFF ||
        (*flags & REQ_WRITE_UNCHANGED) ||
        !iov_is_zero(iov, iov_offset, bytes)) {
        return false;
    }
    if (node->detect_zeroes == DETECT_ZEROES_UNMAP) {
        *flags |= REQ_MAY_UNMAP;
    }
    return true;
}

COROUTINE_ONLY
static int co_aligned_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                              Iov *iov, size_t iov_offset, ReqFlags flags)
{
    co_node_debug_event(node, BLKDBG_PWRITEV);
    return co_driver_pwritev(node, offset_bytes, bytes, iov, iov_offset, flags);
}

/* A cluster at a time, as formats want it. */
COROUTINE_ONLY
static int co_compressed_pwritev(Node *node, uint64_t offset_bytes,
                                 uint64_t bytes, Iov *iov, size_t iov_offset,
                                 ReqFlags flags)
{
    const FormatOps *format = node->driver->format;
    uint32_t cluster = 0;
    int ret = 0;

    if (node->driver->is_filter) {
        return co_driver_pwritev(node, offset_bytes, bytes, iov, iov_offset,
                                 flags);
    }
    if (!format || !format->co_pwritev_compressed ||
        !node_cluster_bytes(node, &cluster) || !cluster) {
        return -ENOTSUP;
    }
    if (offset_bytes % cluster ||
        (bytes % cluster && offset_bytes + bytes != node->size_bytes)) {
        return -EINVAL; /* before a part of it is written */
    }
    for (uint64_t at = 0; ret == 0 && at < bytes; at += cluster) {
        ret = format->co_pwritev_compressed(node, offset_bytes + at,
                                            MIN(cluster, bytes - at), iov,
                                            iov_offset + at);
    }
    return ret;
}

int co_node_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags)
{
    bool aligned = is_aligned(offset_bytes | bytes, node->limits.request_align);
    IoRequest req;
    bool flush;
    int ret;

    if (detect_zeroes(node, iov, iov_offset, bytes, &flags)) {
        return co_node_pwrite_zeroes(node, offset_bytes, bytes,
                                     flags & ~(ReqFlags)REQ_COMPRESSED);
    }
    flush = fua_begin(node, &flags);
    threshold_check(node, offset_bytes + bytes);
    co_request_begin(&req, node, offset_bytes, bytes,
                     !aligned || (flags & REQ_SERIALISING));
    if (PLANTED("bit-before-data")) {
        bitmaps_mark(node, offset_bytes, bytes);
    }
    ret = (flags & REQ_COMPRESSED ? co_compressed_pwritev
           : aligned              ? co_aligned_pwritev
                     : co_padded_pwritev)(node, offset_bytes, bytes, iov,
                                          iov_offset, flags);
    co_node_debug_event(node, BLKDBG_PWRITEV_DONE);
    write_landed(node, offset_bytes, bytes,
                 PLANTED("bit-before-data") ? REQ_WRITE_UNCHANGED : flags);
    ret = co_fua_end(node, ret, flush);
    request_end(&req);
    stat_written_end(node, ret, offset_bytes + bytes);
    stat_done(ret, &node->stats.writes, &node->stats.written_bytes, bytes,
              &node->stats.failed_writes);
    return ret;
}
