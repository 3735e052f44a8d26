/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See pass.h. */
#include "block/filter/pass.h"

static Edge *file_of(const Node *node)
{
    return ((const PassState *)node->state)->file;
}

bool co_pass_open(Node *node, const struct BlockdevRef *file, Error **errp)
{
    PassState *s = node->state;

    s->file = co_node_open_child(node, file, "file",
                                 EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (s->file) {
        node->size_bytes = s->file->child->size_bytes;
    }
    return s->file != NULL;
}

int co_pass_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags)
{
    return co_edge_preadv(file_of(node), offset_bytes, bytes, iov, iov_offset,
                          flags);
}

int co_pass_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags)
{
    return co_edge_pwritev(file_of(node), offset_bytes, bytes, iov, iov_offset,
                           flags);
}

int co_pass_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags)
{
    return co_edge_pwrite_zeroes(file_of(node), offset_bytes, bytes, flags);
}

int co_pass_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    return co_edge_pdiscard(file_of(node), offset_bytes, bytes);
}

int co_pass_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    return co_edge_truncate_along(file_of(node), size_bytes, exact, errp);
}
