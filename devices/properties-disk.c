/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of models with disks and of their controllers: names, types, what
 * is printed of them, and the values that they have if nothing is said. See
 * model.h.
 */
#include "devices/model.h"

const DeviceProperty device_set_virtio_blk[] = {
    {"config-wce", "bool", "on/off", "true"},
    {"discard", "bool", "on/off", "true"},
    {"iothread", "link<iothread>", NULL, NULL},
    {"max-discard-sectors", "uint32", NULL, "4194303"},
    {"max-write-zeroes-sectors", "uint32", NULL, "4194303"},
    {"num-queues", "uint16", NULL, "65535"},
    {"queue-size", "uint16", NULL, "256"},
    {"report-discard-granularity", "bool", NULL, "true"},
    {"request-merging", "bool", "on/off", "true"},
    {"scsi", "bool", "on/off", "false"},
    {"seg-max-adjust", "bool", NULL, "true"},
    {"serial", "str", NULL, NULL},
    {"write-zeroes", "bool", "on/off", "true"},
    {"x-enable-wce-if-config-wce", "bool", NULL, "true"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_blk_pci[] = {
    {"class", "uint32", NULL, "0"},
    {"ioeventfd", "bool", "on/off", "true"},
    {"vectors", "uint32", NULL, "4294967295"},
    {"virtio-backend", "child<virtio-blk-device>", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_scsi_pci[] = {
    {"cmd_per_lun", "uint32", NULL, "128"},
    {"hotplug", "bool", "on/off", "true"},
    {"ioeventfd", "bool", "on/off", "true"},
    {"iothread", "link<iothread>", NULL, NULL},
    {"max_sectors", "uint32", NULL, "65535"},
    {"num_queues", "uint32", NULL, "4294967295"},
    {"param_change", "bool", "on/off", "true"},
    {"seg_max_adjust", "bool", NULL, "true"},
    {"vectors", "uint32", NULL, "4294967295"},
    {"virtio-backend", "child<virtio-scsi-device>", NULL, NULL},
    {"virtqueue_size", "uint32", NULL, "256"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_scsi_hd[] = {
    {"dpofua", "bool", "on/off", "false"},
    {"max_unmap_size", "uint64", NULL, "1073741824"},
    {"removable", "bool", "on/off", "false"},
    {"rotation_rate", "uint16", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_scsi_cd[] = {
    {"quirk_mode_page_apple_vendor", "bool", "on/off", "false"},
    {"quirk_mode_page_truncated", "bool", "on/off", "false"},
    {"quirk_mode_sense_rom_use_dbd", "bool", "on/off", "false"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_ide_hd[] = {
    {"bios-chs-trans", "BiosAtaTranslation",
     "Logical CHS translation algorithm, auto/none/lba/large/rechs",
     "\"auto\""},
    {"rotation_rate", "uint16", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_floppy[] = {
    {"account-failed", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"account-invalid", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"backend_defaults", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"discard_granularity", "size", NULL, "4294967295"},
    {"drive", "str", "Node name or ID of a block device to use as a backend",
     NULL},
    {"drive-type", "FdcDriveType", "FDC drive type, 144/288/120/none/auto",
     "\"auto\""},
    {"logical_block_size", "size", "A power of two between 512 B and 2 MiB",
     "0"},
    {"min_io_size", "size", NULL, "0"},
    {"opt_io_size", "size", NULL, "0"},
    {"physical_block_size", "size", "A power of two between 512 B and 2 MiB",
     "0"},
    {"share-rw", "bool", NULL, "false"},
    {"unit", "uint32", NULL, "4294967295"},
    {"write-cache", "OnOffAuto", "on/off/auto", "\"auto\""},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_usb_storage[] = {
    {"commandlog", "bool", NULL, "false"},
    {"removable", "bool", NULL, "false"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_nvme[] = {
    {"account-failed", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"account-invalid", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"aer_max_queued", "uint32", NULL, "64"},
    {"aerl", "uint8", NULL, "3"},
    {"backend_defaults", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"bootindex", "int32", NULL, NULL},
    {"cmb_size_mb", "uint32", NULL, "0"},
    {"discard_granularity", "size", NULL, "4294967295"},
    {"drive", "str", "Node name or ID of a block device to use as a backend",
     NULL},
    {"ioeventfd", "bool", NULL, "false"},
    {"logical_block_size", "size", "A power of two between 512 B and 2 MiB",
     "0"},
    {"max_ioqpairs", "uint32", NULL, "64"},
    {"mdts", "uint8", NULL, "7"},
    {"min_io_size", "size", NULL, "0"},
    {"msix-exclusive-bar", "bool", NULL, "false"},
    {"msix_qsize", "uint16", NULL, "65"},
    {"num_queues", "uint32", NULL, "0"},
    {"opt_io_size", "size", NULL, "0"},
    {"physical_block_size", "size", "A power of two between 512 B and 2 MiB",
     "0"},
    {"pmrdev", "link<memory-backend>", NULL, NULL},
    {"serial", "str", NULL, NULL},
    {"share-rw", "bool", NULL, "false"},
    {"smart_critical_warning", "uint8", NULL, NULL},
    {"sriov_max_vfs", "uint8", NULL, "0"},
    {"sriov_max_vi_per_vf", "uint8", NULL, "0"},
    {"sriov_max_vq_per_vf", "uint8", NULL, "0"},
    {"sriov_vi_flexible", "uint16", NULL, "0"},
    {"sriov_vq_flexible", "uint16", NULL, "0"},
    {"subsys", "link<nvme-subsys>", NULL, NULL},
    {"use-intel-id", "bool", NULL, "false"},
    {"vsl", "uint8", NULL, "7"},
    {"write-cache", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"zoned.auto_transition", "bool", NULL, "true"},
    {"zoned.zasl", "uint8", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};
