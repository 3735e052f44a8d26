/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info block, info blockstats, info named-block-nodes. */
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"
#include "text/image-text.h"

/* --- one device or node -------------------------------------------------- */

static const char *title(const BlockInfo *info, const BlockDeviceInfo *inserted)
{
    if (inserted && inserted->node_name) {
        return inserted->node_name;
    }
    return info && info->qdev ? info->qdev : "<anonymous>";
}

static void show_title(Hmp *hmp, const BlockInfo *info,
                       const BlockDeviceInfo *inserted)
{
    if (info && info->device[0]) {
        hmp_printf(hmp, "%s", info->device);
        if (inserted && inserted->node_name) {
            hmp_printf(hmp, " (%s)", inserted->node_name);
        }
    } else {
        hmp_printf(hmp, "%s", title(info, inserted));
    }
    if (inserted) {
        hmp_printf(hmp, ": %s (%s%s%s)\n", inserted->file, inserted->drv,
                   inserted->ro ? ", read-only" : "",
                   inserted->encrypted ? ", encrypted" : "");
    } else {
        hmp_printf(hmp, ": [not inserted]\n");
    }
}

static void show_device(Hmp *hmp, const BlockInfo *info)
{
    if (info->qdev) {
        hmp_printf(hmp, "    Attached to:      %s\n", info->qdev);
    }
    if (info->has_io_status && info->io_status != BLOCK_DEVICE_IO_STATUS_OK) {
        hmp_printf(hmp, "    I/O status:       %s\n",
                   BlockDeviceIoStatus_str(info->io_status));
    }
    if (info->removable) {
        hmp_printf(hmp, "    Removable device: %slocked, tray %s\n",
                   info->locked ? "" : "not ",
                   info->tray_open ? "open" : "closed");
    }
}

static void show_limits(Hmp *hmp, const BlockDeviceInfo *b)
{
    if (!b->bps && !b->bps_rd && !b->bps_wr && !b->iops && !b->iops_rd &&
        !b->iops_wr) {
        return;
    }
    hmp_printf(hmp,
               "    I/O throttling:   bps=%" PRId64 " bps_rd=%" PRId64
               " bps_wr=%" PRId64 " bps_max=%" PRId64 " bps_rd_max=%" PRId64
               " bps_wr_max=%" PRId64 " iops=%" PRId64 " iops_rd=%" PRId64
               " iops_wr=%" PRId64 " iops_max=%" PRId64 " iops_rd_max=%" PRId64
               " iops_wr_max=%" PRId64 " iops_size=%" PRId64 " group=%s\n",
               b->bps, b->bps_rd, b->bps_wr, b->bps_max, b->bps_rd_max,
               b->bps_wr_max, b->iops, b->iops_rd, b->iops_wr, b->iops_max,
               b->iops_rd_max, b->iops_wr_max, b->iops_size,
               b->group ? b->group : "");
}

static void show_images(Hmp *hmp, const ImageInfo *image)
{
    hmp_printf(hmp, "\nImages:\n");
    for (; image; image = image->backing_image) {
        image_text(hmp->out, image);
    }
}

static void show_inserted(Hmp *hmp, const BlockDeviceInfo *b, bool verbose)
{
    hmp_printf(hmp, "    Cache mode:       %s%s%s\n",
               b->cache->writeback ? "writeback" : "writethrough",
               b->cache->direct ? ", direct" : "",
               b->cache->no_flush ? ", ignore flushes" : "");
    if (b->backing_file) {
        hmp_printf(hmp, "    Backing file:     %s (chain depth: %" PRId64 ")\n",
                   b->backing_file, b->backing_file_depth);
    }
    if (b->detect_zeroes != BLOCKDEV_DETECT_ZEROES_OPTIONS_OFF) {
        hmp_printf(hmp, "    Detect zeroes:    %s\n",
                   BlockdevDetectZeroesOptions_str(b->detect_zeroes));
    }
    show_limits(hmp, b);
    if (verbose) {
        show_images(hmp, b->image);
    }
}

static void show(Hmp *hmp, const BlockInfo *info,
                 const BlockDeviceInfo *inserted, bool verbose)
{
    show_title(hmp, info, inserted);
    if (info) {
        show_device(hmp, info);
    }
    if (inserted) {
        show_inserted(hmp, inserted, verbose);
    }
}

/* --- info block ---------------------------------------------------------- */

/* Whether any device was shown. */
static bool show_devices(Hmp *hmp, const BlockInfoList *list,
                         const char *device, bool verbose)
{
    bool found = false;

    for (size_t i = 0; i < list->n; i++) {
        const BlockInfo *info = list->v[i];

        if (device && strcmp(device, info->device)) {
            continue;
        }
        if (i) {
            hmp_printf(hmp, "\n");
        }
        show(hmp, info, info->inserted, verbose);
        found = true;
    }
    return found;
}

static void show_nodes(Hmp *hmp, const BlockDeviceInfoList *list,
                       const char *node, bool verbose)
{
    for (size_t i = 0; i < list->n; i++) {
        if (node && strcmp(node, list->v[i]->node_name)) {
            continue;
        }
        if (i) {
            hmp_printf(hmp, "\n");
        }
        show(hmp, NULL, list->v[i], verbose);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void
co_show_nodes(Hmp *hmp, const char *node, bool verbose)
{
    QmpQueryNamedBlockNodesArgs args = {0};
    Error *err = NULL;
    BlockDeviceInfoList *nodes = qmp_query_named_block_nodes(&args, &err);

    if (nodes) {
        show_nodes(hmp, nodes, node, verbose);
    }
    hmp_error(hmp, err);
    BlockDeviceInfoList_free(nodes);
}

COROUTINE_ONLY CONTROL_ONLY static void co_info_block(Hmp *hmp,
                                                      json_object *args)
{
    const char *device = hmp_str(args, "device");
    bool verbose = hmp_flag(args, "verbose");
    BlockInfoList *devices;
    Error *err = NULL;
    bool found;

    if (hmp_flag(args, "nodes")) {
        co_show_nodes(hmp, device, verbose);
        return;
    }
    devices = qmp_query_block(&err);
    if (!devices) {
        hmp_error(hmp, err);
        return;
    }
    found = show_devices(hmp, devices, device, verbose);
    BlockInfoList_free(devices);
    if (device && !found) {
        co_show_nodes(hmp, device, verbose);
    }
}

const HmpCommand hmp_info_block = {
    .name = "block",
    .args = {{"nodes", HMP_FLAG, .flag = 'n'},
             {"verbose", HMP_FLAG, .flag = 'v'},
             {"device", HMP_DEVICE, true}},
    .params = "[-n] [-v] [device]",
    .help = "show info of one block device or all block devices (-n: show "
            "named nodes; -v: show details)",
    .co_run = co_info_block,
};

/* --- info named-block-nodes ---------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void
co_info_named_block_nodes(Hmp *hmp, json_object *args)
{
    QmpQueryNamedBlockNodesArgs qmp = {.has_flat = true, .flat = true};
    BlockDeviceInfoList *nodes = qmp_query_named_block_nodes(&qmp, NULL);

    for (size_t i = 0; nodes && i < nodes->n; i++) {
        const BlockDeviceInfo *node = nodes->v[i];

        hmp_printf(hmp, "%-24s %-18s %-3s %14" PRId64 "  %s\n", node->node_name,
                   node->drv, node->ro ? "ro" : "rw", node->image->virtual_size,
                   node->file);
    }
    BlockDeviceInfoList_free(nodes);
}

const HmpCommand hmp_info_named_block_nodes = {
    .name = "named-block-nodes",
    .params = "",
    .help = "a line for each node: name, driver, ro or rw, bytes, file",
    .co_run = co_info_named_block_nodes,
};

/* --- info blockstats ----------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_info_blockstats(Hmp *hmp,
                                                           json_object *args)
{
    QmpQueryBlockstatsArgs qmp = {0};
    Error *err = NULL;
    BlockStatsList *list = qmp_query_blockstats(&qmp, &err);

    for (size_t i = 0; list && i < list->n; i++) {
        const BlockDeviceStats *s = list->v[i]->stats;

        if (!list->v[i]->device) {
            continue;
        }
        hmp_printf(hmp,
                   "%s: rd_bytes=%" PRId64 " wr_bytes=%" PRId64
                   " rd_operations=%" PRId64 " wr_operations=%" PRId64
                   " flush_operations=%" PRId64 " wr_total_time_ns=%" PRId64
                   " rd_total_time_ns=%" PRId64 " flush_total_time_ns=%" PRId64
                   " rd_merged=%" PRId64 " wr_merged=%" PRId64
                   " idle_time_ns=%" PRId64 "\n",
                   list->v[i]->device, s->rd_bytes, s->wr_bytes,
                   s->rd_operations, s->wr_operations, s->flush_operations,
                   s->wr_total_time_ns, s->rd_total_time_ns,
                   s->flush_total_time_ns, s->rd_merged, s->wr_merged,
                   s->idle_time_ns);
    }
    hmp_error(hmp, err);
    BlockStatsList_free(list);
}

const HmpCommand hmp_info_blockstats = {
    .name = "blockstats",
    .params = "",
    .help = "show block device statistics",
    .co_run = co_info_blockstats,
};
