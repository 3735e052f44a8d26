/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What queries show of a node.
 */
#ifndef BLOCK_GRAPH_QUERY_H
#define BLOCK_GRAPH_QUERY_H

#include "block/graph/node.h"

struct BlockDeviceInfo;
struct BlockStats;
struct ImageInfo;
struct XDbgBlockGraph;

/* What is shown of the images behind the image. */
typedef enum QueryChain {
    QUERY_ALONE, /* nothing */
    QUERY_CHAIN, /* all of them, and all filters */
    QUERY_DEVICE /* what devices are shown: no filters of jobs */
} QueryChain;

/* Both: the caller frees; in a coroutine on control, may yield (sizes are
 * asked of the storage). */
struct BlockDeviceInfo *
co_node_query(Node *node, QueryChain chain) COROUTINE_ONLY CONTROL_ONLY;
struct ImageInfo *
co_node_query_image(Node *node, QueryChain chain) COROUTINE_ONLY CONTROL_ONLY;
/* Both: the caller frees; do not yield. */
struct BlockStats *node_query_stats(Node *node) CONTROL_ONLY;
/* The same of a device that has @node: with what is behind, and without
 * filters that it is not shown. */
struct BlockStats *node_query_device_stats(Node *node) CONTROL_ONLY;
struct XDbgBlockGraph *graph_query_debug(void) CONTROL_ONLY;
/* "node 'x'", "an unnamed block device": owned by the caller. */
char *edge_describe_user(const Edge *edge) CONTROL_ONLY;
/* The same for people: also which export it is. */
char *edge_label_user(const Edge *edge) CONTROL_ONLY;
/* Bytes that the node takes on its storage, or -errno. */
int64_t co_node_allocated_bytes(Node *node) COROUTINE_ONLY CONTROL_ONLY;

#endif
