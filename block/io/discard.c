/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Discards: passed on where the node was opened with discard=unmap. What the
 * driver cannot discard (unaligned ends, -ENOTSUP) just stays: a discard is
 * advice.
 */
#include "block/io/io-int.h"

static int co_discard_aligned(Node *node, uint64_t offset_bytes,
                              uint64_t end_bytes)
{
    const NodeLimits *limits = &node->limits;
    uint32_t align = MAX(limits->discard_align, limits->request_align);

    while (offset_bytes < end_bytes) {
        uint64_t n = driver_piece_bytes(offset_bytes, end_bytes - offset_bytes,
                                        align, limits->max_discard_bytes);
        int ret = node->driver->co_pdiscard(node, offset_bytes, n);

        if (ret < 0 && ret != -ENOTSUP) {
            return ret;
        }
        offset_bytes += n;
    }
    return 0;
}

int co_node_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t align = node->limits.request_align;
    uint64_t start = ROUND_UP(offset_bytes, align);
    uint64_t end = ROUND_DOWN(offset_bytes + bytes, align);
    IoRequest req;
    int ret;

    if (!node->discard_unmap || !node->driver->co_pdiscard) {
        return 0;
    }
    threshold_check(node, offset_bytes + bytes);
    co_request_begin(&req, node, offset_bytes, bytes, false);
    ret = co_discard_aligned(node, start, end);
    write_landed(node, offset_bytes, bytes, 0);
    request_end(&req);
    stat_done(ret, &node->stats.discards, &node->stats.discarded_bytes, bytes,
              &node->stats.failed_discards);
    return ret;
}
