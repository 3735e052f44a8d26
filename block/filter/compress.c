/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compress: shows its file, an image whose format can compress; what is
 * written is compressed, cluster by cluster.
 */
#include "block/filter/pass.h"
#include "block/graph/format.h"
#include "qapi/qapi-types.h"

extern const NodeDriver driver_compress;

COROUTINE_ONLY CONTROL_ONLY static bool
co_compress_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const PassState *s = node->state;
    const NodeDriver *below;

    if (!co_pass_open(node, options->u.compress.file, errp)) {
        return false;
    }
    below = node_skip_filters(s->file->child)->driver;
    if (!below->format || !below->format->co_pwritev_compressed) {
        error_set(errp,
                  "Compression is not supported for underlying format: %s",
                  s->file->child->driver->name);
        return false;
    }
    return true;
}

/* Whole clusters: who writes less has the rest read first. */
static void compress_refresh_limits(Node *node)
{
    uint32_t cluster = 0;

    if (node_cluster_bytes(node, &cluster) && cluster) {
        node->limits.request_align = cluster;
    }
}

/* What the caller padded beyond the disk's end. */
static uint64_t within(const Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t size = node->size_bytes;

    return offset_bytes < size ? MIN(bytes, size - offset_bytes) : 0;
}

COROUTINE_ONLY
static int co_compress_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                              Iov *iov, size_t iov_offset, ReqFlags flags)
{
    uint64_t inside = within(node, offset_bytes, bytes);

    iov_memset(iov, iov_offset + inside, 0, bytes - inside);
    return co_pass_preadv(node, offset_bytes, inside, iov, iov_offset, flags);
}

COROUTINE_ONLY
static int co_compress_pwritev(Node *node, uint64_t offset_bytes,
                               uint64_t bytes, Iov *iov, size_t iov_offset,
                               ReqFlags flags)
{
    return co_pass_pwritev(node, offset_bytes,
                           within(node, offset_bytes, bytes), iov, iov_offset,
                           flags | REQ_COMPRESSED);
}

COROUTINE_ONLY
static int co_compress_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                     uint64_t bytes, ReqFlags flags)
{
    return co_pass_pwrite_zeroes(node, offset_bytes,
                                 within(node, offset_bytes, bytes), flags);
}

COROUTINE_ONLY
static int co_compress_pdiscard(Node *node, uint64_t offset_bytes,
                                uint64_t bytes)
{
    return co_pass_pdiscard(node, offset_bytes,
                            within(node, offset_bytes, bytes));
}

const NodeDriver driver_compress = {
    .name = "compress",
    .state_bytes = sizeof(PassState),
    .threading = NODE_ANY,
    .is_filter = true,
    .shown_by_options = true,
    .supports_fua = true,
    .co_open = co_compress_open,
    .refresh_limits = compress_refresh_limits,
    .co_preadv = co_compress_preadv,
    .co_pwritev = co_compress_pwritev,
    .co_pwrite_zeroes = co_compress_pwrite_zeroes,
    .co_pdiscard = co_compress_pdiscard,
    .co_truncate = co_pass_truncate,
};
