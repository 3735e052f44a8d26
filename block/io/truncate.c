/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resizing a node. */
#include "block/io/io-int.h"

int co_node_truncate_at_home(Node *node, uint64_t size_bytes, bool exact,
                             Error **errp)
{
    int ret;

    if (size_bytes > BLOCK_MAX_BYTES) {
        error_set(errp, "offset(%" PRIu64 ") exceeds maximum(%" PRIu64 ")",
                  size_bytes, (uint64_t)(INT64_MAX & ~(GiB - 1)));
        return -EFBIG;
    }
    if (node->read_only) {
        error_set(errp, "Image is read-only");
        return -EACCES;
    }
    if (!node->driver->co_truncate) {
        error_set(errp, "Image format driver does not support resize");
        return -ENOTSUP;
    }
    ret = node->driver->co_truncate(node, size_bytes, exact, errp);
    /* A new length is something that a flush has to bring to the disk. */
    __atomic_add_fetch(&node->write_gen, 1, __ATOMIC_RELEASE);
    return ret;
}
