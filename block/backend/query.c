/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query-block and query-blockstats: what is told of back ends. */
#include "block/backend/backend-int.h"
#include "block/backend/io-limits.h"
#include "block/graph/format.h"
#include "block/graph/query.h"
#include "qapi/qapi-commands.h"

/* What was in it is of no use any more: it counts as empty. */
static bool is_lost(const Node *node)
{
    const FormatOps *format = node->driver->format;

    return format && format->lost && format->lost(node);
}

COROUTINE_ONLY CONTROL_ONLY static BlockInfo *co_info(Backend *backend)
{
    const BackendDevice *device = backend->device;
    BlockInfo *info = g_new0(BlockInfo, 1);
    Node *node = node_skip_implicit(backend_node(backend));

    info->device = g_strdup(backend_name(backend));
    info->type = g_strdup("unknown");
    info->qdev = backend_device_path(backend);
    info->removable = !device || device->removable;
    info->locked = device && device->locked;
    if (device && device->has_tray) {
        info->has_tray_open = true;
        info->tray_open = device->tray_open;
    }
    if (device && device->counts_status && backend_may_stop(backend)) {
        info->has_io_status = true;
        info->io_status = backend->io_status;
    }
    if (node && !is_lost(node)) {
        info->inserted = co_node_query(node, QUERY_DEVICE);
        info->inserted->cache->writeback = !backend->writethrough;
        backend_limits_show(backend, info->inserted);
    }
    return info;
}

/* Without name, device and medium there is nothing to tell of. */
static bool is_shown(const Backend *backend)
{
    return backend->name || backend->device;
}

BlockInfoList *qmp_query_block(Error **errp)
{
    BlockInfoList *list = BlockInfoList_new();

    co_graph_lock();
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        if (is_shown(b)) {
            BlockInfoList_append(list, co_info(b));
        }
    }
    graph_unlock();
    return list;
}

CONTROL_ONLY
static BlockStats *backend_stats(const Backend *backend)
{
    Node *node = node_skip_implicit(backend_node(backend));
    BlockStats *stats =
        node ? node_query_device_stats(node) : g_new0(BlockStats, 1);

    stats->device = g_strdup(backend_name(backend));
    stats->qdev = backend_device_path(backend);
    BlockDeviceStats_free(stats->stats);
    stats->stats = account_query(&backend->account);
    if (node) {
        stats->stats->wr_highest_offset = (int64_t)__atomic_load_n(
            &node->stats.written_end, __ATOMIC_RELAXED);
    }
    return stats;
}

BlockStatsList *qmp_query_blockstats(const QmpQueryBlockstatsArgs *args,
                                     Error **errp)
{
    BlockStatsList *list = BlockStatsList_new();

    if (args->has_query_nodes && args->query_nodes) {
        for (Node *node = node_next(NULL); node; node = node_next(node)) {
            BlockStatsList_append(list, node_query_stats(node));
        }
        return list;
    }
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        if (is_shown(b)) {
            BlockStatsList_append(list, backend_stats(b));
        }
    }
    return list;
}
