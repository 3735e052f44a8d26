/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests in flight on a node.
 *
 * Invariants:
 * 1. Each request holds its range, widened to request_align, while the driver
 *    works on it: shared, or exclusively when it serialises. So a read-modify-
 *    write of a block never meets another request on that block.
 * 2. Bitmaps are marked and the generation counted while the range is held.
 */
#include "block/io/io-int.h"

#include "block/bitmap/bitmap.h"

void co_request_begin(IoRequest *req, Node *node, uint64_t offset_bytes,
                      uint64_t bytes, bool serialising)
{
    uint32_t align = node->limits.request_align;
    uint64_t start = ROUND_DOWN(offset_bytes, align);
    uint64_t end = ROUND_UP(offset_bytes + bytes, align);

    req->node = node;
    co_range_lock(node->tracked, &req->lock, start, end - start,
                  serialising ? RANGE_EXCLUSIVE : RANGE_SHARED);
}

void request_end(IoRequest *req)
{
    range_unlock(req->node->tracked, &req->lock);
}

void write_landed(Node *node, uint64_t offset_bytes, uint64_t bytes,
                  ReqFlags flags)
{
    __atomic_add_fetch(&node->write_gen, 1, __ATOMIC_RELEASE);
    if (!(flags & REQ_WRITE_UNCHANGED)) {
        bitmaps_mark(node, offset_bytes, bytes);
    }
}
