/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of models that management programs ask for: names, types, what is
 * printed of them, and the values that they have if nothing is said. See
 * model.h.
 */
#include "devices/model.h"

const DeviceProperty device_set_virtio_balloon_pci[] = {
    {"virtio-backend", "child<virtio-balloon-device>", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_balloon_device[] = {
    {"deflate-on-oom", "bool", "on/off", "false"},
    {"free-page-hint", "bool", "on/off", "false"},
    {"free-page-reporting", "bool", "on/off", "false"},
    {"guest-stats", "guest statistics", NULL, NULL},
    {"guest-stats-polling-interval", "int", NULL, NULL},
    {"iothread", "link<iothread>", NULL, NULL},
    {"page-poison", "bool", "on/off", "true"},
    {"qemu-4-0-config-size", "bool", NULL, "false"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_intel_iommu[] = {
    {"aw-bits", "uint8", NULL, "39"},
    {"caching-mode", "bool", NULL, "false"},
    {"device-iotlb", "bool", NULL, "false"},
    {"dma-drain", "bool", NULL, "true"},
    {"dma-translation", "bool", NULL, "true"},
    {"eim", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"intremap", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"pt", "bool", NULL, "true"},
    {"snoop-control", "bool", NULL, "false"},
    {"version", "uint32", NULL, "0"},
    {"x-buggy-eim", "bool", NULL, "false"},
    {"x-pasid-mode", "bool", NULL, "false"},
    {"x-scalable-mode", "bool", NULL, "false"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_mch[] = {
    {"extended-tseg-mbytes", "uint16", NULL, "16"},
    {"smbase-smram", "bool", NULL, "true"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_nvdimm[] = {
    {"addr", "uint64", NULL, "0"},
    {"label-size", "int", NULL, NULL},
    {"memdev", "link<memory-backend>", NULL, NULL},
    {"node", "uint32", NULL, "0"},
    {"size", "uint64", NULL, NULL},
    {"slot", "int32", NULL, "-1"},
    {"unarmed", "bool", NULL, "false"},
    {"uuid", "QemuUUID", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_pcie_root_port[] = {
    {"aer_log_max", "uint16", NULL, "8"},
    {"bus-reserve", "uint32", NULL, "4294967295"},
    {"chassis", "uint8", NULL, "0"},
    {"disable-acs", "bool", NULL, "false"},
    {"hotplug", "bool", NULL, "true"},
    {"io-reserve", "size", NULL, "18446744073709551615"},
    {"mem-reserve", "size", NULL, "18446744073709551615"},
    {"port", "uint8", NULL, "0"},
    {"power_controller_present", "bool", "on/off", "true"},
    {"pref32-reserve", "size", NULL, "18446744073709551615"},
    {"pref64-reserve", "size", NULL, "18446744073709551615"},
    {"slot", "uint16", NULL, "0"},
    {"x-migrate-msix", "bool", NULL, "true"},
    {"x-native-hotplug", "bool", NULL, "true"},
    {"x-speed", "PCIELinkSpeed", "2_5/5/8/16", "\"16\""},
    {"x-width", "PCIELinkWidth", "1/2/4/8/12/16/32", "\"32\""},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_usb_host[] = {
    {"bootindex", "int32", NULL, NULL},
    {"guest-reset", "bool", NULL, "true"},
    {"guest-resets-all", "bool", NULL, "false"},
    {"hostaddr", "uint32", NULL, "0"},
    {"hostbus", "uint32", NULL, "0"},
    {"hostdevice", "str", NULL, NULL},
    {"hostport", "str", NULL, NULL},
    {"isobsize", "uint32", NULL, "32"},
    {"isobufs", "uint32", NULL, "4"},
    {"loglevel", "uint32", NULL, "2"},
    {"pipeline", "bool", "on/off", "true"},
    {"productid", "uint32", NULL, "0"},
    {"suppress-remote-wake", "bool", NULL, "true"},
    {"vendorid", "uint32", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_vhost_user_fs_device[] = {
    {"bootindex", "int32", NULL, NULL},
    {"chardev", "str", "ID of a chardev to use as a backend", NULL},
    {"num-request-queues", "uint16", NULL, "1"},
    {"queue-size", "uint16", NULL, "128"},
    {"tag", "str", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_mem_pci[] = {
    {"block-size", "size", NULL, NULL},
    {"memaddr", "uint64", NULL, "0"},
    {"memdev", "link<memory-backend>", NULL, NULL},
    {"node", "uint32", NULL, "0"},
    {"prealloc", "bool", NULL, "false"},
    {"requested-size", "size", NULL, NULL},
    {"size", "size", NULL, NULL},
    {"unplugged-inaccessible", "OnOffAuto", "on/off/auto", "\"auto\""},
    {"virtio-backend", "child<virtio-mem>", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_iommu_pci[] = {
    {"boot-bypass", "bool", NULL, "true"},
    {"class", "uint32", NULL, "0"},
    {"len-reserved-regions", "uint32", NULL, "0"},
    {"primary-bus", "link<PCI>", NULL, NULL},
    {"virtio-backend", "child<virtio-iommu-device>", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};
