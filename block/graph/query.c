/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What queries show of a node: BlockDeviceInfo and ImageInfo.
 */
#include "block/graph/query.h"

#include "block/bitmap/bitmap.h"
#include "block/graph/driver.h"
#include "qapi/qapi-types.h"

int64_t co_node_allocated_bytes(Node *node)
{
    int64_t sum = 0;

    if (node->driver->co_allocated_bytes) {
        return node->driver->co_allocated_bytes(node);
    }
    if (list_empty(&node->children)) {
        return -ENOTSUP;
    }
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & (EDGE_DATA | EDGE_METADATA | EDGE_FILTERED)) {
            int64_t bytes = co_node_allocated_bytes(edge->child);

            if (bytes < 0) {
                return bytes;
            }
            sum += bytes;
        }
    }
    return sum;
}

/* The image behind a node, below filters, or NULL. */
static Node *node_backing(Node *node)
{
    Edge *edge = node_backing_child(node_skip_filters(node));

    return edge ? edge->child : NULL;
}

ImageInfo *co_node_query_image(Node *node, bool flat)
{
    ImageInfo *info = g_new0(ImageInfo, 1);
    int64_t allocated = co_node_allocated_bytes(node);
    Node *backing = node_backing(node);
    uint32_t cluster_bytes;

    info->filename = g_strdup(node->filename ? node->filename : "");
    info->format = g_strdup(node->driver->name);
    info->virtual_size = node->size_bytes;
    info->has_actual_size = allocated >= 0;
    info->actual_size = MAX(allocated, 0);
    if (node_cluster_bytes(node, &cluster_bytes)) {
        info->has_dirty_flag = true;
        info->has_cluster_size = cluster_bytes > 0;
        info->cluster_size = cluster_bytes;
    }
    if (backing) {
        info->backing_filename = g_strdup(backing->filename);
        if (!flat) {
            info->backing_image = co_node_query_image(backing, flat);
        }
    }
    return info;
}

static BlockdevDetectZeroesOptions detect_zeroes(const Node *node)
{
    switch (node->detect_zeroes) {
    case DETECT_ZEROES_ON:
        return BLOCKDEV_DETECT_ZEROES_OPTIONS_ON;
    case DETECT_ZEROES_UNMAP:
        return BLOCKDEV_DETECT_ZEROES_OPTIONS_UNMAP;
    default:
        return BLOCKDEV_DETECT_ZEROES_OPTIONS_OFF;
    }
}

static void query_backing(Node *node, BlockDeviceInfo *info)
{
    for (Node *n = node_backing(node); n; n = node_backing(n)) {
        if (!info->backing_file) {
            info->backing_file = g_strdup(n->filename);
        }
        info->backing_file_depth++;
    }
}

BlockDeviceInfo *co_node_query(Node *node, bool flat)
{
    BlockDeviceInfo *info = g_new0(BlockDeviceInfo, 1);

    info->file = g_strdup(node->filename ? node->filename : "");
    info->node_name = g_strdup(node_name(node));
    info->ro = node->read_only;
    info->drv = g_strdup(node->driver->name);
    info->detect_zeroes = detect_zeroes(node);
    info->cache = g_new0(BlockdevCacheInfo, 1);
    info->cache->writeback = true;
    info->cache->direct = node->cache_direct;
    info->cache->no_flush = node->cache_no_flush;
    info->write_threshold = (int64_t)__atomic_load_n(&node->write_threshold,
                                                     __ATOMIC_RELAXED);
    info->dirty_bitmaps = bitmaps_query(node);
    query_backing(node, info);
    info->image = co_node_query_image(node, flat);
    return info;
}
