/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the tables: a file a subject. */
#ifndef MONITOR_HMP_COMMANDS_H
#define MONITOR_HMP_COMMANDS_H

#include "monitor/hmp/hmp-int.h"

/* block-commands.c */
extern const HmpCommand hmp_block_job_cancel, hmp_block_job_complete,
    hmp_block_job_pause, hmp_block_job_resume, hmp_block_job_set_speed,
    hmp_block_resize, hmp_block_set_io_throttle, hmp_block_stream, hmp_change,
    hmp_drive_backup, hmp_drive_mirror, hmp_eject, hmp_snapshot_blkdev,
    hmp_snapshot_blkdev_internal, hmp_snapshot_delete_blkdev_internal;

/* drive-commands.c */
extern const HmpCommand hmp_drive_add, hmp_drive_del;

/* chardev-commands.c */
extern const HmpCommand hmp_chardev_add, hmp_chardev_change, hmp_chardev_remove,
    hmp_chardev_send_break, hmp_closefd, hmp_getfd, hmp_ringbuf_read,
    hmp_ringbuf_write;

/* commit-command.c */
extern const HmpCommand hmp_commit;

/* migration-commands.c */
extern const HmpCommand hmp_migrate, hmp_migrate_cancel, hmp_migrate_continue,
    hmp_migrate_incoming, hmp_migrate_pause, hmp_migrate_recover,
    hmp_migrate_set_capability, hmp_migrate_set_parameter,
    hmp_migrate_start_postcopy;

/* nbd-commands.c */
extern const HmpCommand hmp_nbd_server_add, hmp_nbd_server_remove,
    hmp_nbd_server_start, hmp_nbd_server_stop;

/* machine-commands.c */
extern const HmpCommand hmp_cont, hmp_device_add, hmp_device_del,
    hmp_help_command, hmp_object_add, hmp_object_del, hmp_qom_get, hmp_qom_list,
    hmp_qom_set, hmp_quit, hmp_stop, hmp_system_powerdown, hmp_system_reset,
    hmp_system_wakeup, hmp_watchdog_action;

/* io-command.c */
extern const HmpCommand hmp_qemu_io;

/* vm-snapshots.c */
extern const HmpCommand hmp_delvm, hmp_info_snapshots, hmp_loadvm, hmp_savevm;

/* info-block.c */
extern const HmpCommand hmp_info_block, hmp_info_blockstats,
    hmp_info_named_block_nodes;

/* info-jobs.c */
extern const HmpCommand hmp_info_block_jobs, hmp_info_exports, hmp_info_jobs;

/* info-machine.c */
extern const HmpCommand hmp_info_chardev, hmp_info_iothreads, hmp_info_name,
    hmp_info_status, hmp_info_version;

/* info-about.c */
extern const HmpCommand hmp_info_balloon, hmp_info_cpus, hmp_info_kvm,
    hmp_info_memory_size_summary, hmp_info_uuid;

/* info-devices.c */
extern const HmpCommand hmp_info_qtree;

/* info-migration.c */
extern const HmpCommand hmp_info_migrate, hmp_info_migrate_capabilities,
    hmp_info_migrate_parameters;

/* info-bitmaps.c, info-graph.c */
extern const HmpCommand hmp_info_bitmaps, hmp_info_graph;

#endif
