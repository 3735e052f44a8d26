/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What query-blockstats shows of a node: where the highest write ended. What
 * is read and written is counted for devices, as in QEMU: of a node these
 * members are 0.
 */
#include "block/graph/driver.h"
#include "block/graph/query.h"
#include "qapi/qapi-types.h"

/* Counters go on while they are read: each is right by itself. */
static int64_t get(const uint64_t *counter)
{
    return (int64_t)__atomic_load_n(counter, __ATOMIC_RELAXED);
}

static BlockDeviceStats *node_counters(const Node *node)
{
    const NodeStats *from = &node->stats;
    BlockDeviceStats *s = g_new0(BlockDeviceStats, 1);

    s->wr_highest_offset = get(&from->written_end);
    s->timed_stats = BlockDeviceTimedStatsList_new();
    return s;
}

static BlockStatsSpecific *driver_counters(const Node *node)
{
    BlockdevDriver driver;
    BlockStatsSpecific *specific;
    BlockStatsSpecificFile *counters;

    /* A job's filter is no driver of the schema. */
    if (!BlockdevDriver_parse(node->driver->name, &driver) ||
        (driver != BLOCKDEV_DRIVER_FILE &&
         driver != BLOCKDEV_DRIVER_HOST_DEVICE)) {
        return NULL;
    }
    specific = g_new0(BlockStatsSpecific, 1);
    specific->driver = driver;
    counters = driver == BLOCKDEV_DRIVER_FILE ? &specific->u.file
                                              : &specific->u.host_device;
    counters->discard_nb_ok = get(&node->stats.discards);
    counters->discard_nb_failed = get(&node->stats.failed_discards);
    counters->discard_bytes_ok = get(&node->stats.discarded_bytes);
    return specific;
}

CONTROL_ONLY
static BlockStats *query(Node *node, bool of_device)
{
    BlockStats *stats = g_new0(BlockStats, 1);
    unsigned behind;

    node = of_device ? node_skip_implicit(node) : node;
    behind = EDGE_COW | (node->driver->is_filter ? EDGE_FILTERED : 0);
    stats->node_name = g_strdup(node_name(node));
    stats->stats = node_counters(node);
    stats->driver_specific = driver_counters(node);
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (!stats->parent && (edge->role & EDGE_PRIMARY)) {
            stats->parent = query(edge->child, of_device);
        }
        if (of_device && !stats->backing && (edge->role & behind)) {
            stats->backing = query(edge->child, true);
        }
    }
    return stats;
}

BlockStats *node_query_stats(Node *node)
{
    return query(node, false);
}

BlockStats *node_query_device_stats(Node *node)
{
    return query(node, true);
}
