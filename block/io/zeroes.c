/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing zeroes: by the driver where it can, else as data; in pieces that
 * fit the driver's zeroes_align and max_zeroes_bytes.
 */
#include "block/io/io-int.h"

#define ZERO_AREA_BYTES (64 * KiB)

/* Shared by all: never written. */
static const uint8_t zero_area[ZERO_AREA_BYTES] __attribute__((aligned(4096)));

#define IO_ZEROES_CHUNK (1 * MiB)

/* A list of areas, @bytes long in all, that reads as zeroes and must not be
 * written to. @bytes <= IO_ZEROES_CHUNK. Ends with iov_free. */
static void iov_init_zeroes(Iov *iov, size_t bytes)
{
    assert(bytes <= IO_ZEROES_CHUNK);
    iov_init(iov);
    while (bytes) {
        size_t n = MIN(bytes, ZERO_AREA_BYTES);

        iov_add(iov, (void *)zero_area, n);
        bytes -= n;
    }
}

/* @rw: co_driver_pwritev for an aligned range, else co_padded_pwritev. */
static int co_write_as_data(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            ReqFlags flags,
                            int (*rw)(Node *, uint64_t, uint64_t, Iov *, size_t,
                                      ReqFlags))
{
    flags &= REQ_FUA | REQ_WRITE_UNCHANGED;
    while (bytes) {
        uint64_t n = MIN(bytes, IO_ZEROES_CHUNK);
        Iov zeroes;
        int ret;

        iov_init_zeroes(&zeroes, n);
        ret = rw(node, offset_bytes, n, &zeroes, 0, flags);
        iov_free(&zeroes);
        if (ret < 0) {
            return ret;
        }
        offset_bytes += n;
        bytes -= n;
    }
    return 0;
}

static int co_zero_piece(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         ReqFlags flags)
{
    int ret = -ENOTSUP;

    if (node->driver->co_pwrite_zeroes) {
        ret = node->driver->co_pwrite_zeroes(node, offset_bytes, bytes, flags);
    }
    if (ret == -ENOTSUP && !(flags & REQ_NO_FALLBACK)) {
        ret = co_write_as_data(node, offset_bytes, bytes, flags,
                               co_driver_pwritev);
    }
    return ret;
}

/* The range is a multiple of request_align. */
static int co_zero_aligned(Node *node, uint64_t offset_bytes, uint64_t bytes,
                           ReqFlags flags)
{
    const NodeLimits *limits = &node->limits;
    uint32_t align = MAX(limits->zeroes_align, limits->request_align);

    while (bytes) {
        uint64_t n = driver_piece_bytes(offset_bytes, bytes, align,
                                        limits->max_zeroes_bytes);
        int ret = co_zero_piece(node, offset_bytes, n, flags);

        if (ret < 0) {
            return ret;
        }
        offset_bytes += n;
        bytes -= n;
    }
    return 0;
}

/* Unaligned head and tail as data, with read-modify-write; the middle as
 * zeroes. */
static int co_zero_range(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         ReqFlags flags)
{
    uint64_t align = node->limits.request_align;
    uint64_t end = offset_bytes + bytes;
    uint64_t mid = MIN(ROUND_UP(offset_bytes, align), end);
    uint64_t mid_end = MAX(ROUND_DOWN(end, align), mid);
    int ret = 0;

    if (offset_bytes < mid) {
        ret = co_write_as_data(node, offset_bytes, mid - offset_bytes, flags,
                               co_padded_pwritev);
    }
    if (ret == 0 && mid < mid_end) {
        ret = co_zero_aligned(node, mid, mid_end - mid, flags);
    }
    if (ret == 0 && mid_end < end) {
        ret = co_write_as_data(node, mid_end, end - mid_end, flags,
                               co_padded_pwritev);
    }
    return ret;
}

int co_node_zero_untracked(Node *node, uint64_t offset_bytes, uint64_t bytes,
                           ReqFlags flags)
{
    return co_zero_range(node, offset_bytes, bytes, flags);
}

int co_node_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags)
{
    bool aligned = is_aligned(offset_bytes | bytes, node->limits.request_align);
    bool flush = fua_begin(node, &flags);
    IoRequest req;
    int ret;

    threshold_check(node, offset_bytes + bytes);
    co_request_begin(&req, node, offset_bytes, bytes,
                     !aligned || (flags & REQ_SERIALISING));
    co_node_debug_event(node, BLKDBG_PWRITEV_ZERO);
    ret = co_zero_range(node, offset_bytes, bytes, flags);
    co_node_debug_event(node, BLKDBG_PWRITEV_DONE);
    write_landed(node, offset_bytes, bytes, flags);
    ret = co_fua_end(node, ret, flush);
    request_end(&req);
    stat_written_end(node, ret, offset_bytes + bytes);
    stat_done(ret, &node->stats.zeroes, &node->stats.zeroed_bytes, bytes,
              &node->stats.failed_writes);
    return ret;
}
