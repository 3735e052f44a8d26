/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads that leave in a node what they find behind it.
 *
 * Invariant: what is copied is read and written while the range, widened to
 * clusters, is held exclusively, so it never takes the place of something
 * that was written since.
 */
#include "block/io/io-int.h"

#define PIECE_BYTES (1 * MiB)

void node_copy_on_read(Node *node, bool on)
{
    assert(on || node->copy_on_read);
    node->copy_on_read += on ? 1 : -1;
}

/* Sets *@bytes to those from @at on, up to @end, that are there or are not. */
COROUTINE_ONLY
static int co_next_run(Node *node, uint64_t at, uint64_t end, uint64_t *bytes,
                       bool *there)
{
    BlockStatus status;
    int ret = co_node_block_status(node, false, at, end - at, &status);

    *bytes = ret == 0 && status.bytes ? status.bytes : end - at;
    *there = ret < 0 || !status.bytes || (status.flags & STATUS_ALLOCATED);
    return ret;
}

COROUTINE_ONLY
static int co_all_there(Node *node, uint64_t start, uint64_t end, bool *all)
{
    uint64_t n;
    int ret = 0;

    *all = true;
    for (uint64_t at = start; ret == 0 && *all && at < end; at += n) {
        ret = co_next_run(node, at, end, &n, all);
    }
    return ret;
}

COROUTINE_ONLY
static int co_copy_piece(Node *node, uint64_t at, uint64_t bytes, void *buf)
{
    const ReqFlags flags = REQ_WRITE_UNCHANGED | REQ_ZERO_HERE;
    uint64_t padded = ROUND_UP(bytes, node->limits.request_align);
    Iov iov;
    int ret;

    iov_init_buf(&iov, buf, padded);
    ret = co_driver_preadv(node, at, padded, &iov, 0, 0);
    if (ret == 0) {
        co_node_debug_event(node, BLKDBG_COR_WRITE);
        ret = iov_is_zero(&iov, 0, padded)
                  ? co_node_zero_untracked(node, at, bytes, flags)
                  : co_driver_pwritev(node, at, padded, &iov, 0, flags);
        write_landed(node, at, bytes, flags);
    }
    iov_free(&iov);
    return ret;
}

/* The range is held exclusively. */
COROUTINE_ONLY
static int co_copy_up(Node *node, uint64_t start, uint64_t end)
{
    void *buf = io_buffer_alloc(node, PIECE_BYTES);
    uint64_t n;
    int ret = buf ? 0 : -ENOMEM;

    for (uint64_t at = start; ret == 0 && at < end; at += n) {
        bool there;

        ret = co_next_run(node, at, end, &n, &there);
        if (ret == 0 && !there) {
            n = MIN(n, PIECE_BYTES);
            ret = co_copy_piece(node, at, n, buf);
        }
    }
    if (buf) {
        io_buffer_free(buf);
    }
    return ret;
}

int co_read_copies_up(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t end = MIN(offset_bytes + bytes, node_size(node));
    uint32_t cluster = 0;
    uint64_t start;
    IoRequest req;
    bool all = true;
    int ret;

    if (node->read_only || offset_bytes >= end) {
        return 0;
    }
    ret = co_all_there(node, offset_bytes, end, &all);
    if (ret < 0 || all) {
        return ret;
    }
    if (!node_cluster_bytes(node, &cluster) || !cluster) {
        cluster = 1;
    }
    start = ROUND_DOWN(offset_bytes, cluster);
    end = MIN(ROUND_UP(end, cluster), node_size(node));
    co_request_begin(&req, node, start, end - start, true);
    ret = co_copy_up(node, start, end);
    request_end(&req);
    return ret;
}
