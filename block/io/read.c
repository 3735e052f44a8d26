/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One read of one node. */
#include "block/io/io-int.h"

int co_node_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags)
{
    bool aligned = is_aligned(offset_bytes | bytes, node->limits.request_align);
    IoRequest req;
    int ret;

    if (UNLIKELY((flags & REQ_COPY_ON_READ) || node->copy_on_read)) {
        flags &= ~(ReqFlags)REQ_COPY_ON_READ;
        ret = co_read_copies_up(node, offset_bytes, bytes);
        if (ret < 0) {
            stat_add(&node->stats.failed_reads, 1);
            return ret;
        }
    }
    co_request_begin(&req, node, offset_bytes, bytes, flags & REQ_SERIALISING);
    ret = (aligned ? co_driver_preadv : co_padded_preadv)(
        node, offset_bytes, bytes, iov, iov_offset, flags);
    request_end(&req);
    stat_done(ret, &node->stats.reads, &node->stats.read_bytes, bytes,
              &node->stats.failed_reads);
    return ret;
}
