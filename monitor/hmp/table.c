/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of commands, in alphabetical order. */
#include "monitor/hmp/commands.h"

const HmpCommand *const hmp_info_commands[] = {
    &hmp_info_bitmaps,
    &hmp_info_block,
    &hmp_info_block_jobs,
    &hmp_info_blockstats,
    &hmp_info_chardev,
    &hmp_info_exports,
    &hmp_info_graph,
    &hmp_info_iothreads,
    &hmp_info_jobs,
    &hmp_info_name,
    &hmp_info_named_block_nodes,
    &hmp_info_snapshots,
    &hmp_info_status,
    &hmp_info_version,
    NULL,
};

static void co_info(Hmp *hmp, json_object *args)
{
    hmp_help(hmp, "info");
}

static const HmpCommand hmp_info = {
    .name = "info",
    .args = {{"subcommand", HMP_STRING, true}},
    .params = "[subcommand]",
    .help = "show how things are: see help info",
    .co_run = co_info,
    .sub = hmp_info_commands,
};

const HmpCommand *const hmp_commands[] = {
    &hmp_block_job_cancel,
    &hmp_block_job_complete,
    &hmp_block_job_pause,
    &hmp_block_job_resume,
    &hmp_block_job_set_speed,
    &hmp_block_resize,
    &hmp_block_set_io_throttle,
    &hmp_block_stream,
    &hmp_change,
    &hmp_cont,
    &hmp_delvm,
    &hmp_device_add,
    &hmp_device_del,
    &hmp_drive_add,
    &hmp_drive_backup,
    &hmp_drive_del,
    &hmp_drive_mirror,
    &hmp_eject,
    &hmp_help_command,
    &hmp_info,
    &hmp_loadvm,
    &hmp_nbd_server_add,
    &hmp_nbd_server_remove,
    &hmp_nbd_server_start,
    &hmp_nbd_server_stop,
    &hmp_object_add,
    &hmp_object_del,
    &hmp_qemu_io,
    &hmp_qom_get,
    &hmp_qom_list,
    &hmp_qom_set,
    &hmp_quit,
    &hmp_savevm,
    &hmp_snapshot_blkdev,
    &hmp_snapshot_blkdev_internal,
    &hmp_snapshot_delete_blkdev_internal,
    &hmp_stop,
    &hmp_system_powerdown,
    &hmp_system_reset,
    NULL,
};
