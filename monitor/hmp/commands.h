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

/* guest-commands.c */
extern const HmpCommand hmp_cpu, hmp_dump_guest_memory, hmp_dumpdtb,
    hmp_gdbserver, hmp_gpa2hpa, hmp_gpa2hva, hmp_gva2gpa, hmp_i, hmp_mce,
    hmp_memsave, hmp_nmi, hmp_o, hmp_pmemsave, hmp_sum, hmp_x, hmp_xp;

/* guest-rate-commands.c */
extern const HmpCommand hmp_calc_dirty_rate, hmp_cancel_vcpu_dirty_limit,
    hmp_exit_preconfig, hmp_replay_break, hmp_replay_delete_break,
    hmp_replay_seek, hmp_set_vcpu_dirty_limit, hmp_singlestep,
    hmp_x_colo_lost_heartbeat;

/* guest-user-commands.c */
extern const HmpCommand hmp_boot_set, hmp_client_migrate_info,
    hmp_expire_password, hmp_mouse_button, hmp_mouse_move, hmp_mouse_set,
    hmp_screendump, hmp_sendkey, hmp_set_password, hmp_stopcapture,
    hmp_wavcapture;

/* guest-device-commands.c */
extern const HmpCommand hmp_announce_self, hmp_balloon, hmp_hostfwd_add,
    hmp_hostfwd_remove, hmp_netdev_add, hmp_netdev_del,
    hmp_pcie_aer_inject_error, hmp_set_link;

/* log-commands.c */
extern const HmpCommand hmp_log, hmp_logfile, hmp_sync_profile, hmp_trace_event;

/* info-guest.c */
extern const HmpCommand hmp_info_capture, hmp_info_dirty_rate, hmp_info_dump,
    hmp_info_history, hmp_info_irq, hmp_info_jit, hmp_info_lapic, hmp_info_mem,
    hmp_info_memory_devices, hmp_info_mtree, hmp_info_numa, hmp_info_opcount,
    hmp_info_pic, hmp_info_profile, hmp_info_ramblock, hmp_info_rdma,
    hmp_info_registers, hmp_info_replay, hmp_info_sync_profile, hmp_info_tlb,
    hmp_info_vcpu_dirty_limit;

/* info-hardware.c */
extern const HmpCommand hmp_info_hotpluggable_cpus, hmp_info_memdev,
    hmp_info_mice, hmp_info_network, hmp_info_pci, hmp_info_rocker,
    hmp_info_rocker_of_dpa_flows, hmp_info_rocker_of_dpa_groups,
    hmp_info_rocker_ports, hmp_info_roms, hmp_info_sev, hmp_info_sgx,
    hmp_info_spice, hmp_info_tpm, hmp_info_usb, hmp_info_usbhost,
    hmp_info_usernet, hmp_info_vm_generation_id, hmp_info_vnc;

/* info-virtio.c */
extern const HmpCommand hmp_info_virtio, hmp_info_virtio_queue_element,
    hmp_info_virtio_queue_status, hmp_info_virtio_status,
    hmp_info_virtio_vhost_queue_status;

/* info-program.c */
extern const HmpCommand hmp_info_qdm, hmp_info_qom_tree, hmp_info_stats,
    hmp_info_trace_events;

/* print-command.c */
extern const HmpCommand hmp_print;

#endif
