/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What queries show of a node: BlockDeviceInfo and ImageInfo.
 */
#include "block/graph/query.h"

#include "block/bitmap/bitmap.h"
#include "block/graph/activity.h"
#include "block/graph/filename.h"
#include "block/graph/format.h"
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

static const Edge *shown_child(const Node *node)
{
    if (node->driver->is_filter || node->driver->shows_child) {
        LIST_FOREACH(edge, &node->children, Edge, in_parent) {
            if (edge->role & EDGE_FILTERED) {
                return edge;
            }
        }
    }
    return NULL;
}

/* What a node shows where it has nothing itself: the backing image, or all of
 * a filter's child. NULL at the chain's end. */
static Node *next_of_chain(const Node *node, QueryChain chain)
{
    const Edge *edge = shown_child(node);

    edge = edge ? edge : node_backing_child(node);
    if (!edge || chain == QUERY_ALONE) {
        return NULL;
    }
    return chain == QUERY_DEVICE ? node_skip_implicit(edge->child)
                                 : edge->child;
}

/* What the image itself says of the one behind it, with its folder. */
static void query_backing_name(Node *node, ImageInfo *info)
{
    const FormatOps *format = node->driver->format;
    const Edge *file = node_child(node, "file");
    const char *name =
        format && format->backing_file ? format->backing_file(node) : NULL;

    if (!name) {
        return;
    }
    info->backing_filename = g_strdup(name);
    info->full_backing_filename = filename_beside(
        node_plain_filename(file ? file->child : node), name, NULL);
    info->backing_filename_format = g_strdup(format->backing_format(node));
}

typedef struct FormatQuery {
    Node *node;
    ImageInfo *info;
} FormatQuery;

/* At home: a format's tables are its own. */
static void query_format_entry(void *opaque)
{
    const FormatQuery *query = opaque;
    Node *node = query->node;
    ImageInfo *info = query->info;
    const FormatOps *format = node->driver->format;

    if (format->dirty) {
        info->has_dirty_flag = true;
        info->dirty_flag = format->dirty(node);
    }
    if (format->co_info_specific) {
        info->format_specific = format->co_info_specific(node, NULL);
    }
}

static void query_snapshots_entry(void *opaque)
{
    const FormatQuery *query = opaque;
    ImageInfo *info = query->info;

    info->snapshots =
        query->node->driver->format->co_snapshot_list(query->node, NULL);
    if (info->snapshots && !info->snapshots->n) {
        SnapshotInfoList_free(info->snapshots);
        info->snapshots = NULL;
    }
}

/* The one child that all of @node lies in; NULL if there is no such one. */
static Node *only_child(const Node *node)
{
    Node *only = NULL;

    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & EDGE_UNNAMED) {
            continue; /* a mirror's target is its job's */
        }
        if (only || !(edge->role & EDGE_PRIMARY)) {
            return NULL;
        }
        only = edge->child;
    }
    return only;
}

/* As with QEMU a node shows those of the image that it lies in. */
COROUTINE_ONLY CONTROL_ONLY static void co_query_snapshots(Node *node,
                                                           ImageInfo *info)
{
    while (node &&
           !(node->driver->format && node->driver->format->co_snapshot_list)) {
        node = only_child(node);
    }
    if (node) {
        FormatQuery query = {node, info};

        co_reactor_call(node->home, query_snapshots_entry, &query);
    }
}

typedef struct LengthQuery {
    const Node *image;
    uint64_t bytes;
} LengthQuery;

static void query_length_entry(void *opaque)
{
    LengthQuery *query = opaque;

    query->bytes = query->image->driver->format->file_used_bytes(query->image);
}

/* A file that an image reserves space in shows what is used of it. */
COROUTINE_ONLY CONTROL_ONLY static uint64_t co_shown_bytes(Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        LengthQuery query = {.image = edge->parent};
        const FormatOps *format =
            edge->parent ? edge->parent->driver->format : NULL;

        if (format && format->file_used_bytes && !strcmp(edge->name, "file")) {
            co_reactor_call(edge->parent->home, query_length_entry, &query);
            return MIN(query.bytes, node->size_bytes);
        }
    }
    return node->size_bytes;
}

ImageInfo *co_node_query_image(Node *node, QueryChain chain)
{
    ImageInfo *info = g_new0(ImageInfo, 1);
    int64_t allocated = co_node_allocated_bytes(node);
    Node *next = next_of_chain(node, chain);
    uint32_t cluster_bytes;

    info->filename = g_strdup(node->filename ? node->filename : "");
    info->format = g_strdup(node->driver->name);
    info->virtual_size = co_shown_bytes(node);
    info->has_actual_size = allocated >= 0;
    info->actual_size = MAX(allocated, 0);
    if (node_cluster_bytes(node, &cluster_bytes)) {
        info->has_dirty_flag = true;
        info->has_cluster_size = cluster_bytes > 0;
        info->cluster_size = cluster_bytes;
    }
    if (node_encryption(node)) {
        info->has_encrypted = info->encrypted = true;
    }
    if (node->driver->format) {
        FormatQuery query = {node, info};

        co_reactor_call(node->home, query_format_entry, &query);
    }
    co_query_snapshots(node, info);
    query_backing_name(node, info);
    if (next) {
        info->backing_image = co_node_query_image(next, chain);
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

static void query_backing(const Node *node, QueryChain chain,
                          BlockDeviceInfo *info)
{
    const Edge *backing = node_backing_child(node);

    if (backing) {
        info->backing_file = g_strdup(backing->child->filename);
    }
    for (const Node *n = node; (n = next_of_chain(n, chain));) {
        info->backing_file_depth++;
    }
}

BlockDeviceInfo *co_node_query(Node *node, QueryChain chain)
{
    BlockDeviceInfo *info = g_new0(BlockDeviceInfo, 1);

    info->file = g_strdup(node->filename ? node->filename : "");
    info->node_name = g_strdup(node_name(node));
    info->ro = node_is_read_only(node);
    info->drv = g_strdup(node->driver->name);
    info->detect_zeroes = detect_zeroes(node);
    info->cache = g_new0(BlockdevCacheInfo, 1);
    info->cache->writeback = true;
    info->cache->direct = node->cache_direct;
    info->cache->no_flush = node->cache_no_flush;
    info->write_threshold =
        (int64_t)__atomic_load_n(&node->write_threshold, __ATOMIC_RELAXED);
    info->dirty_bitmaps = bitmaps_query(node);
    if (node->driver->snapshot_space) {
        info->has_snapshot_space_used =
            node->driver->snapshot_space(node, &info->snapshot_space_used);
    }
    if (node->driver->snapshot_error) {
        info->snapshot_error = g_strdup(node->driver->snapshot_error(node));
    }
    query_backing(node, chain, info);
    info->image = co_node_query_image(node, chain);
    info->encrypted = info->image->has_encrypted && info->image->encrypted;
    return info;
}
