/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that are no multiple of the driver's request_align.
 *
 *      |<- head ->|<------ bytes ------>|<- tail ->|
 *      +----------+-------- ... --------+----------+
 *   aligned    offset                          aligned
 *
 * A read reads the padding too and drops it. A write first reads the first
 * and last block, then writes all of it with the padding around it; it holds
 * the range exclusively from before that read.
 */
#include "block/io/io-int.h"

typedef struct Padding {
    uint64_t start, bytes; /* of the widened request */
    size_t align;
    size_t head, tail; /* bytes around the caller's */
    bool one_block;    /* head and tail are in the same block */
    uint8_t *buf;      /* the head's block, then the tail's */
    uint8_t *last;     /* the tail's block */
    Iov iov;           /* head, the caller's areas, tail */
} Padding;

static int padding_init(Padding *pad, Node *node, uint64_t offset_bytes,
                        uint64_t bytes, const Iov *iov, size_t iov_offset)
{
    size_t align = node->limits.request_align;
    uint64_t end = ROUND_UP(offset_bytes + bytes, align);

    pad->align = align;
    pad->start = ROUND_DOWN(offset_bytes, align);
    pad->bytes = end - pad->start;
    pad->head = offset_bytes - pad->start;
    pad->tail = end - (offset_bytes + bytes);
    pad->one_block = pad->bytes == align;
    pad->buf = io_buffer_alloc(node, 2 * align);
    if (!pad->buf) {
        return -ENOMEM;
    }
    pad->last = pad->one_block ? pad->buf : pad->buf + align;
    iov_init(&pad->iov);
    if (pad->head) {
        iov_add(&pad->iov, pad->buf, pad->head);
    }
    iov_add_slice(&pad->iov, iov, iov_offset, bytes);
    if (pad->tail) {
        iov_add(&pad->iov, pad->last + align - pad->tail, pad->tail);
    }
    return 0;
}

static void padding_free(Padding *pad)
{
    iov_free(&pad->iov);
    io_buffer_free(pad->buf);
}

int co_padded_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset, ReqFlags flags)
{
    Padding pad;
    int ret = padding_init(&pad, node, offset_bytes, bytes, iov, iov_offset);

    if (ret < 0) {
        return ret;
    }
    ret = co_driver_preadv(node, pad.start, pad.bytes, &pad.iov, 0, flags);
    padding_free(&pad);
    return ret;
}

COROUTINE_ONLY
static int co_read_block(Node *node, const Padding *pad, uint64_t offset_bytes,
                         void *buf)
{
    Iov one;
    int ret;

    iov_init_buf(&one, buf, pad->align);
    ret = co_driver_preadv(node, offset_bytes, pad->align, &one, 0, 0);
    iov_free(&one);
    return ret;
}

COROUTINE_ONLY
static int co_read_head(Node *node, const Padding *pad)
{
    int ret;

    if (pad->head) {
        co_node_debug_event(node, BLKDBG_PWRITEV_RMW_HEAD);
    }
    if (pad->one_block && pad->tail) {
        co_node_debug_event(node, BLKDBG_PWRITEV_RMW_TAIL);
    }
    ret = co_read_block(node, pad, pad->start, pad->buf);
    if (ret == 0 && pad->head) {
        co_node_debug_event(node, BLKDBG_PWRITEV_RMW_AFTER_HEAD);
    }
    if (ret == 0 && pad->one_block && pad->tail) {
        co_node_debug_event(node, BLKDBG_PWRITEV_RMW_AFTER_TAIL);
    }
    return ret;
}

COROUTINE_ONLY
static int co_read_tail(Node *node, const Padding *pad)
{
    int ret;

    co_node_debug_event(node, BLKDBG_PWRITEV_RMW_TAIL);
    ret = co_read_block(node, pad, pad->start + pad->bytes - pad->align,
                        pad->last);
    if (ret == 0) {
        co_node_debug_event(node, BLKDBG_PWRITEV_RMW_AFTER_TAIL);
    }
    return ret;
}

COROUTINE_ONLY
static int co_read_padding(Node *node, const Padding *pad)
{
    int ret = 0;

    if (pad->head || pad->one_block) {
        ret = co_read_head(node, pad);
    }
    if (ret == 0 && pad->tail && !pad->one_block) {
        ret = co_read_tail(node, pad);
    }
    return ret;
}

int co_padded_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, size_t iov_offset, ReqFlags flags)
{
    Padding pad;
    int ret = padding_init(&pad, node, offset_bytes, bytes, iov, iov_offset);

    if (ret < 0) {
        return ret;
    }
    ret = co_read_padding(node, &pad);
    if (ret == 0) {
        co_node_debug_event(node, BLKDBG_PWRITEV);
        ret = co_driver_pwritev(node, pad.start, pad.bytes, &pad.iov, 0, flags);
    }
    padding_free(&pad);
    return ret;
}
