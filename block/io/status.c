/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies where: the status of an area of a node, and of a chain of
 * backing images.
 */
#include "block/io/io-int.h"
#include "util/sim.h"

/* Nobody knows better: it is data. */
static int status_default(uint64_t bytes, BlockStatus *status)
{
    *status =
        (BlockStatus){.flags = STATUS_DATA | STATUS_ALLOCATED, .bytes = bytes};
    return 0;
}

/* The range is a multiple of request_align, or ends at the node's end. */
COROUTINE_ONLY
static int co_driver_status(Node *node, bool want_zero, uint64_t offset_bytes,
                            uint64_t bytes, BlockStatus *status)
{
    Edge *filtered;
    int ret;

    if (node->driver->co_block_status) {
        *status = (BlockStatus){0};
        ret = node->driver->co_block_status(node, want_zero, offset_bytes,
                                            bytes, status);
        return ret == -ENOTSUP ? status_default(bytes, status) : ret;
    }
    filtered = node_filtered_child(node);
    if (filtered) {
        return co_edge_block_status(filtered, want_zero, offset_bytes, bytes,
                                    status);
    }
    return status_default(bytes, status);
}

/* Widens to request_align, asks, and cuts the answer to what was asked. */
COROUTINE_ONLY
static int co_aligned_status(Node *node, bool want_zero, uint64_t offset_bytes,
                             uint64_t bytes, BlockStatus *status)
{
    uint64_t align = node->limits.request_align;
    uint64_t start = ROUND_DOWN(offset_bytes, align);
    uint64_t end = MIN(ROUND_UP(offset_bytes + bytes, align), node_size(node));
    uint64_t skip = offset_bytes - start;
    int ret = co_driver_status(node, want_zero, start, end - start, status);

    if (ret < 0) {
        return ret;
    }
    /* A filter's child may be shorter than the filter. */
    if (status->bytes <= skip) {
        *status = (BlockStatus){.flags = STATUS_ZERO | STATUS_ALLOCATED,
                                .bytes = bytes};
        return 0;
    }
    status->bytes = MIN(status->bytes - skip, bytes);
    if (CHANCE("status-short")) {
        status->bytes = MIN(status->bytes, MAX(align, 512));
    }
    status->map += status->flags & STATUS_OFFSET ? skip : 0;
    return 0;
}

/* A format says "data, there": the file below may know of a hole. */
COROUTINE_ONLY
static int co_recurse(BlockStatus *status)
{
    BlockStatus below;
    int ret = co_node_block_status_hop(status->file, true, status->map,
                                       status->bytes, &below);

    if (ret < 0) {
        return ret;
    }
    if (below.bytes == 0) {
        status->flags |= STATUS_ZERO; /* beyond the file's end */
    } else {
        status->bytes = MIN(status->bytes, below.bytes);
        status->flags |= below.flags & STATUS_ZERO;
    }
    return 0;
}

int co_node_block_status(Node *node, bool want_zero, uint64_t offset_bytes,
                         uint64_t bytes, BlockStatus *status)
{
    const unsigned below = STATUS_RECURSE | STATUS_DATA | STATUS_OFFSET;
    uint64_t size = node_size(node);
    int ret;

    if (offset_bytes >= size) {
        *status = (BlockStatus){.flags = STATUS_EOF};
        return 0;
    }
    bytes = MIN(bytes, size - offset_bytes);
    if (bytes == 0) {
        *status = (BlockStatus){0};
        return 0;
    }
    ret = co_aligned_status(node, want_zero, offset_bytes, bytes, status);
    if (ret < 0) {
        return ret;
    }
    if ((status->flags & STATUS_PASSED) ||
        (node_filtered_child(node) && !node->driver->co_block_status)) {
        /* The one below has said it all. */
    } else if (status->flags & (STATUS_DATA | STATUS_ZERO)) {
        status->flags |= STATUS_ALLOCATED;
    } else if (node->driver->supports_backing && !node_backing_child(node)) {
        status->flags |= STATUS_ZERO; /* unallocated with nothing behind */
    }
    if (want_zero && (status->flags & below) == below &&
        (ret = co_recurse(status)) < 0) {
        return ret;
    }
    status->flags &= ~(unsigned)(STATUS_RECURSE | STATUS_EOF | STATUS_PASSED);
    if (offset_bytes + status->bytes == size) {
        status->flags |= STATUS_EOF;
    }
    return 0;
}

static Node *next_layer(Node *node)
{
    Edge *edge = node_backing_child(node_skip_filters(node));

    return edge ? edge->child : NULL;
}

int co_node_block_status_above(Node *node, Node *base, bool want_zero,
                               uint64_t offset_bytes, uint64_t bytes,
                               BlockStatus *status, unsigned *depth)
{
    unsigned level = 0;

    *depth = 0;
    for (Node *n = node; n && n != base; n = next_layer(n)) {
        BlockStatus above = *status;
        int ret =
            co_node_block_status_hop(n, want_zero, offset_bytes, bytes, status);

        if (ret < 0) {
            return ret;
        }
        level++;
        if (status->bytes == 0) {
            if (level > 1) {
                /* A backing image that is shorter: zeroes from its end on,
                 * and it is the one that says so. */
                *status = above;
                status->flags = STATUS_ZERO | STATUS_ALLOCATED |
                                (above.flags & STATUS_OFFSET);
                status->bytes = bytes;
                *depth = level;
            }
            return 0;
        }
        if (status->flags & STATUS_ALLOCATED) {
            *depth = level;
            return 0;
        }
        bytes = status->bytes;
    }
    if (!(status->flags & STATUS_ZERO)) {
        status->flags &= ~(unsigned)STATUS_OFFSET;
    }
    return 0;
}
