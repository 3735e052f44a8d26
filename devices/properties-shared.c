/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties that many models have: names, types, what is printed of them, and
 * the values that they have if nothing is said. See model.h.
 */
#include "devices/model.h"

const DeviceProperty device_set_pci[] = {
    {"acpi-index", "uint32", NULL, "0"},
    {"addr", "int32", "Slot and optional function number, example: 06.0 or 06",
     "-1"},
    {"failover_pair_id", "str", NULL, NULL},
    {"multifunction", "bool", "on/off", "false"},
    {"rombar", "uint32", NULL, "1"},
    {"romfile", "str", NULL, NULL},
    {"romsize", "uint32", NULL, "4294967295"},
    {"x-pcie-extcap-init", "bool", "on/off", "true"},
    {"x-pcie-lnksta-dllla", "bool", "on/off", "true"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_pci[] = {
    {"aer", "bool", "on/off", "false"},
    {"ats", "bool", "on/off", "false"},
    {"disable-legacy", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"disable-modern", "bool", NULL, "false"},
    {"migrate-extra", "bool", "on/off", "true"},
    {"modern-pio-notify", "bool", "on/off", "false"},
    {"page-per-vq", "bool", "on/off", "false"},
    {"virtio-pci-bus-master-bug-migration", "bool", "on/off", "false"},
    {"x-ats-page-aligned", "bool", "on/off", "true"},
    {"x-disable-pcie", "bool", "on/off", "false"},
    {"x-ignore-backend-features", "bool", NULL, "false"},
    {"x-pcie-deverr-init", "bool", "on/off", "true"},
    {"x-pcie-flr-init", "bool", "on/off", "true"},
    {"x-pcie-lnkctl-init", "bool", "on/off", "true"},
    {"x-pcie-pm-init", "bool", "on/off", "true"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio[] = {
    {"any_layout", "bool", "on/off", "true"},
    {"event_idx", "bool", "on/off", "true"},
    {"indirect_desc", "bool", "on/off", "true"},
    {"iommu_platform", "bool", "on/off", "false"},
    {"notify_on_empty", "bool", "on/off", "true"},
    {"packed", "bool", "on/off", "false"},
    {"queue_reset", "bool", "on/off", "true"},
    {"use-disabled-flag", "bool", NULL, "true"},
    {"use-started", "bool", NULL, "true"},
    {"x-disable-legacy-check", "bool", NULL, "false"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_usb[] = {
    {"attached", "bool", NULL, NULL}, {"msos-desc", "bool", "on/off", "true"},
    {"pcap", "str", NULL, NULL},      {"port", "str", NULL, NULL},
    {"serial", "str", NULL, NULL},    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_block[] = {
    {"account-failed", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"account-invalid", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"backend_defaults", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"bootindex", "int32", NULL, NULL},
    {"discard_granularity", "size", NULL, "4294967295"},
    {"drive", "str", "Node name or ID of a block device to use as a backend",
     NULL},
    {"logical_block_size", "size", "A power of two between 512 B and 2 MiB",
     "0"},
    {"min_io_size", "size", NULL, "0"},
    {"opt_io_size", "size", NULL, "0"},
    {"physical_block_size", "size", "A power of two between 512 B and 2 MiB",
     "0"},
    {"rerror", "BlockdevOnError",
     "Error handling policy, report/ignore/enospc/stop/auto", "\"auto\""},
    {"share-rw", "bool", NULL, "false"},
    {"werror", "BlockdevOnError",
     "Error handling policy, report/ignore/enospc/stop/auto", "\"auto\""},
    {"write-cache", "OnOffAuto", "on/off/auto", "\"auto\""},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_geometry[] = {
    {"cyls", "uint32", NULL, "0"},  {"heads", "uint32", NULL, "0"},
    {"lcyls", "uint32", NULL, "0"}, {"lheads", "uint32", NULL, "0"},
    {"lsecs", "uint32", NULL, "0"}, {"secs", "uint32", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_scsi[] = {
    {"channel", "uint32", NULL, "0"},
    {"device_id", "str", NULL, NULL},
    {"lun", "uint32", NULL, "4294967295"},
    {"max_io_size", "uint64", NULL, "2147483647"},
    {"port_index", "uint16", NULL, "0"},
    {"port_wwn", "uint64", NULL, "0"},
    {"product", "str", NULL, NULL},
    {"quirk_mode_page_vendor_specific_apple", "bool", "on/off", "false"},
    {"scsi-id", "uint32", NULL, "4294967295"},
    {"scsi_version", "int32", NULL, "5"},
    {"serial", "str", NULL, NULL},
    {"vendor", "str", NULL, NULL},
    {"ver", "str", NULL, NULL},
    {"wwn", "uint64", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_ide[] = {
    {"model", "str", NULL, NULL},           {"serial", "str", NULL, NULL},
    {"unit", "uint32", NULL, "4294967295"}, {"ver", "str", NULL, NULL},
    {"wwn", "uint64", NULL, "0"},           {NULL, NULL, NULL, NULL},
};
