/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last step before the driver: aligned reads and writes, split to the
 * driver's limits, so that what it gets fits driver.h's promises.
 */
#include "block/io/io-int.h"

#include <limits.h>

typedef int DriverRw(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset, ReqFlags flags);

static uint64_t transfer_max(const Node *node)
{
    uint64_t max = node->limits.max_transfer_bytes;
    uint32_t align = node->limits.request_align;

    /* Without a limit of its own: what one system call takes. */
    max = max ? max : INT_MAX;
    return MAX(ROUND_DOWN(max, align), align);
}

/* Areas that a part of a list spans. */
static unsigned areas_spanned(const Iov *iov, size_t offset, size_t bytes)
{
    Iov slice;
    unsigned n;

    iov_init_slice(&slice, iov, offset, bytes);
    n = slice.n;
    iov_free(&slice);
    return n;
}

static bool too_many_areas(const Node *node, const Iov *iov, size_t offset,
                           size_t bytes)
{
    unsigned max = node->limits.max_iov ? node->limits.max_iov : IOV_MAX;

    return iov->n > max && areas_spanned(iov, offset, bytes) > max;
}

/* One driver call by way of a buffer of one area. */
static int co_bounce(Node *node, DriverRw *fn, bool is_write,
                     uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                     size_t iov_offset, ReqFlags flags)
{
    void *buf = io_buffer_alloc(node, bytes);
    Iov one;
    int ret;

    if (!buf) {
        return -ENOMEM;
    }
    iov_init_buf(&one, buf, bytes);
    if (is_write) {
        iov_to_buf(iov, iov_offset, buf, bytes);
    }
    ret = fn(node, offset_bytes, bytes, &one, 0, flags);
    if (ret == 0 && !is_write) {
        iov_from_buf(iov, iov_offset, buf, bytes);
    }
    iov_free(&one);
    io_buffer_free(buf);
    return ret;
}

static int co_split(Node *node, DriverRw *fn, bool is_write,
                    uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags)
{
    uint64_t max = transfer_max(node);

    if (!fn) {
        return -ENOTSUP;
    }
    while (bytes) {
        uint64_t n = MIN(bytes, max);
        int ret = too_many_areas(node, iov, iov_offset, n)
                      ? co_bounce(node, fn, is_write, offset_bytes, n, iov,
                                  iov_offset, flags)
                      : fn(node, offset_bytes, n, iov, iov_offset, flags);

        if (ret < 0) {
            return ret;
        }
        offset_bytes += n;
        iov_offset += n;
        bytes -= n;
    }
    return 0;
}

int co_driver_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset, ReqFlags flags)
{
    return co_split(node, node->driver->co_preadv, false, offset_bytes, bytes,
                    iov, iov_offset, flags);
}

int co_driver_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, size_t iov_offset, ReqFlags flags)
{
    return co_split(node, node->driver->co_pwritev, true, offset_bytes, bytes,
                    iov, iov_offset, flags);
}

uint64_t driver_piece_bytes(uint64_t offset_bytes, uint64_t bytes,
                            uint32_t align, uint64_t max_bytes)
{
    uint64_t head = (align - offset_bytes % align) % align;

    if (head) {
        return MIN(head, bytes);
    }
    if (bytes < align) {
        return bytes;
    }
    max_bytes =
        max_bytes ? MAX(ROUND_DOWN(max_bytes, align), align) : UINT64_MAX;
    return MIN(ROUND_DOWN(bytes, align), max_bytes);
}
