/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img convert`: what the sources have at a place. */
#include "block/graph/format.h"
#include "block/io/io.h"
#include "tools/img/copy-int.h"

Root *img_copy_source_at(const ImgCopy *copy, uint64_t *at, uint64_t *bytes)
{
    unsigned i = 0;

    while (*at >= root_size_bytes(copy->sources[i])) {
        *at -= root_size_bytes(copy->sources[i]);
        i++;
        assert(i < copy->n_sources);
    }
    *bytes = root_size_bytes(copy->sources[i]) - *at;
    return copy->sources[i];
}

/* Where the target has a backing image, what the source's top layer does not
 * hold is there already; but not where the source has nothing behind it. */
COROUTINE_ONLY
static int co_top_layer(const ImgCopy *copy, Root *source, uint64_t at,
                        uint64_t *bytes, unsigned *kind)
{
    const Edge *behind =
        node_backing_child(node_skip_filters(root_node(source)));
    BlockStatus status;
    unsigned depth;
    int ret;

    if (!copy->target_has_backing || !behind ||
        at >= behind->child->size_bytes) {
        return 0;
    }
    co_root_enter(source);
    ret = co_node_block_status_above(root_node(source), behind->child, false,
                                     at, *bytes, &status, &depth);
    root_leave(source);
    if (ret == 0) {
        *bytes = status.bytes;
    }
    if (ret == 0 && !(status.flags & STATUS_ALLOCATED)) {
        *kind = KIND_BACKING;
    }
    return ret;
}

COROUTINE_ONLY
static int co_ask_kind(const ImgCopy *copy, uint64_t offset, uint64_t *bytes,
                       unsigned *kind)
{
    uint64_t at = offset, left;
    Root *source = img_copy_source_at(copy, &at, &left);
    BlockStatus status;
    int ret;

    *kind = KIND_DATA;
    ret = co_top_layer(copy, source, at, &left, kind);
    *bytes = left;
    if (ret < 0 || *kind == KIND_BACKING) {
        return ret;
    }
    ret = co_root_block_status(source, at, left, &status);
    if (ret < 0) {
        return ret;
    }
    *bytes = status.bytes;
    if (status.flags & STATUS_ZERO) {
        *kind = copy->min_sparse_bytes ? KIND_ZERO : KIND_DATA;
    }
    if (*kind == KIND_ZERO && copy->target_has_backing &&
        offset >= copy->target_backing_bytes) {
        *kind = KIND_BACKING; /* nothing is behind it: zeroes */
    }
    return 0;
}

int co_img_copy_kind(const ImgCopy *copy, uint64_t offset, uint64_t *bytes,
                     unsigned *kind)
{
    int ret = co_ask_kind(copy, offset, bytes, kind);

    if (ret < 0 && copy->salvage) {
        if (!copy->quiet) {
            warn_report("error while reading block status at offset %" PRIu64
                        ": %s",
                        offset, strerror(-ret));
        }
        *kind = KIND_DATA;
        *bytes = MIN(IMG_COPY_SECTOR_BYTES, copy->total_bytes - offset);
        ret = 0;
    }
    return ret;
}
