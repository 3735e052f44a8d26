/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of models that management programs ask for: names, types, what is
 * printed of them, and the values that they have if nothing is said. See
 * model.h.
 */
#include "devices/model.h"

const DeviceProperty device_set_virtio_net_pci[] = {
    {"bootindex", "int32", NULL, NULL},
    {"csum", "bool", "on/off", "true"},
    {"ctrl_guest_offloads", "bool", "on/off", "true"},
    {"ctrl_mac_addr", "bool", "on/off", "true"},
    {"ctrl_rx", "bool", "on/off", "true"},
    {"ctrl_rx_extra", "bool", "on/off", "true"},
    {"ctrl_vlan", "bool", "on/off", "true"},
    {"ctrl_vq", "bool", "on/off", "true"},
    {"duplex", "str", NULL, NULL},
    {"failover", "bool", NULL, "false"},
    {"gso", "bool", "on/off", "true"},
    {"guest_announce", "bool", "on/off", "true"},
    {"guest_csum", "bool", "on/off", "true"},
    {"guest_ecn", "bool", "on/off", "true"},
    {"guest_rsc_ext", "bool", "on/off", "false"},
    {"guest_tso4", "bool", "on/off", "true"},
    {"guest_tso6", "bool", "on/off", "true"},
    {"guest_ufo", "bool", "on/off", "true"},
    {"hash", "bool", "on/off", "false"},
    {"host_ecn", "bool", "on/off", "true"},
    {"host_mtu", "uint16", NULL, "0"},
    {"host_tso4", "bool", "on/off", "true"},
    {"host_tso6", "bool", "on/off", "true"},
    {"host_ufo", "bool", "on/off", "true"},
    {"ioeventfd", "bool", "on/off", "true"},
    {"mac", "str", "Ethernet 6-byte MAC Address, example: 52:54:00:12:34:56",
     NULL},
    {"mq", "bool", "on/off", "false"},
    {"mrg_rxbuf", "bool", "on/off", "true"},
    {"netdev", "str", "ID of a netdev to use as a backend", NULL},
    {"rsc_interval", "uint32", NULL, "300000"},
    {"rss", "bool", "on/off", "false"},
    {"rx_queue_size", "uint16", NULL, "256"},
    {"speed", "int32", NULL, "-1"},
    {"status", "bool", "on/off", "true"},
    {"tx", "str", NULL, NULL},
    {"tx_queue_size", "uint16", NULL, "256"},
    {"vectors", "uint32", NULL, "4294967295"},
    {"virtio-backend", "child<virtio-net-device>", NULL, NULL},
    {"x-mtu-bypass-backend", "bool", NULL, "true"},
    {"x-txburst", "int32", NULL, "256"},
    {"x-txtimer", "uint32", NULL, "150000"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_vfio_pci[] = {
    {"bootindex", "int32", NULL, NULL},
    {"display", "OnOffAuto", "on/off/auto", "\"off\""},
    {"host", "str",
     "Address (bus/device/function) of the host device, example: 04:10.0",
     NULL},
    {"sysfsdev", "str", NULL, NULL},
    {"x-balloon-allowed", "bool", NULL, "false"},
    {"x-enable-migration", "bool", NULL, "false"},
    {"x-igd-gms", "uint32", NULL, "0"},
    {"x-igd-opregion", "bool", "on/off", "false"},
    {"x-intx-mmap-timeout-ms", "uint32", NULL, "1100"},
    {"x-msix-relocation", "OffAutoPCIBAR",
     "off/auto/bar0/bar1/bar2/bar3/bar4/bar5", "\"off\""},
    {"x-no-geforce-quirks", "bool", NULL, "false"},
    {"x-no-kvm-intx", "bool", NULL, "false"},
    {"x-no-kvm-ioeventfd", "bool", NULL, "false"},
    {"x-no-kvm-msi", "bool", NULL, "false"},
    {"x-no-kvm-msix", "bool", NULL, "false"},
    {"x-no-mmap", "bool", NULL, "false"},
    {"x-no-vfio-ioeventfd", "bool", NULL, "false"},
    {"x-nv-gpudirect-clique", "uint4", "NVIDIA GPUDirect Clique ID (0 - 15)",
     NULL},
    {"x-pci-device-id", "uint32", NULL, "4294967295"},
    {"x-pci-sub-device-id", "uint32", NULL, "4294967295"},
    {"x-pci-sub-vendor-id", "uint32", NULL, "4294967295"},
    {"x-pci-vendor-id", "uint32", NULL, "4294967295"},
    {"x-pre-copy-dirty-page-tracking", "OnOffAuto", "on/off/auto", "\"on\""},
    {"x-req", "bool", "on/off", "true"},
    {"x-vga", "bool", "on/off", "false"},
    {"xres", "uint32", NULL, "0"},
    {"yres", "uint32", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_piix4_pm[] = {
    {"acpi-pci-hotplug-with-bridge-support", "bool", NULL, "true"},
    {"acpi-root-pci-hotplug", "bool", NULL, "true"},
    {"disable_s3", "uint8", NULL, "0"},
    {"disable_s4", "uint8", NULL, "0"},
    {"memory-hotplug-support", "bool", NULL, "true"},
    {"s4_val", "uint8", NULL, "2"},
    {"smb_io_base", "uint32", NULL, "0"},
    {"smi-irq[0]", "link<irq>", NULL, NULL},
    {"smm-compat", "bool", NULL, "false"},
    {"smm-enabled", "bool", NULL, "false"},
    {"unnamed-gpio-out[0]", "link<irq>", NULL, NULL},
    {"x-not-migrate-acpi-index", "bool", NULL, "false"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_usb_redir[] = {
    {"bootindex", "int32", NULL, NULL},
    {"chardev", "str", "ID of a chardev to use as a backend", NULL},
    {"debug", "uint8", NULL, "2"},
    {"filter", "str", NULL, NULL},
    {"streams", "bool", NULL, "true"},
    {"suppress-remote-wake", "bool", NULL, "true"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_kvm_pit[] = {
    {"iobase", "uint32", NULL, "4294967295"},
    {"lost_tick_policy", "LostTickPolicy", NULL, "\"delay\""},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_vmport[] = {
    {"vmware-vmx-type", "uint8", NULL, "2"},
    {"vmware-vmx-version", "uint32", NULL, "6"},
    {"x-cmds-v2", "bool", "on/off", "true"},
    {"x-read-set-eax", "bool", "on/off", "true"},
    {"x-report-vmx-type", "bool", "on/off", "true"},
    {"x-signal-unsupported-cmd", "bool", "on/off", "true"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_vga[] = {
    {"big-endian-framebuffer", "bool", NULL, NULL},
    {"edid", "bool", "on/off", "true"},
    {"global-vmstate", "bool", NULL, "false"},
    {"mmio", "bool", "on/off", "true"},
    {"qemu-extended-regs", "bool", "on/off", "true"},
    {"refresh_rate", "uint32", NULL, "0"},
    {"vgamem_mb", "uint32", NULL, "16"},
    {"xmax", "uint32", NULL, "0"},
    {"xres", "uint32", NULL, "0"},
    {"ymax", "uint32", NULL, "0"},
    {"yres", "uint32", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_vmware_svga[] = {
    {"global-vmstate", "bool", NULL, "false"},
    {"vgamem_mb", "uint32", NULL, "16"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_qxl[] = {
    {"cmdlog", "uint32", NULL, "0"},
    {"debug", "uint32", NULL, "0"},
    {"global-vmstate", "bool", NULL, "false"},
    {"guestdebug", "uint32", NULL, "0"},
    {"max_outputs", "uint16", NULL, "0"},
    {"ram_size", "uint32", NULL, "67108864"},
    {"ram_size_mb", "uint32", NULL, "4294967295"},
    {"revision", "uint32", NULL, "5"},
    {"surfaces", "int32", NULL, "1024"},
    {"vgamem_mb", "uint32", NULL, "16"},
    {"vram64_size_mb", "uint32", NULL, "4294967295"},
    {"vram_size", "uint64", NULL, "67108864"},
    {"vram_size_mb", "uint32", NULL, "4294967295"},
    {"xres", "uint32", NULL, "0"},
    {"yres", "uint32", NULL, "0"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_gpu_pci[] = {
    {"ioeventfd", "bool", "on/off", "false"},
    {"vectors", "uint32", NULL, "3"},
    {"virtio-backend", "child<virtio-gpu-device>", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_virtio_gpu_device[] = {
    {"blob", "bool", "on/off", "false"},
    {"edid", "bool", "on/off", "true"},
    {"max_hostmem", "size", NULL, "268435456"},
    {"max_outputs", "uint32", NULL, "1"},
    {"xres", "uint32", NULL, "1280"},
    {"yres", "uint32", NULL, "800"},
    {NULL, NULL, NULL, NULL},
};

const DeviceProperty device_set_ich9_lpc[] = {
    {"acpi-pci-hotplug-with-bridge-support", "bool", NULL, NULL},
    {"acpi_disable_cmd", "uint8", NULL, NULL},
    {"acpi_enable_cmd", "uint8", NULL, NULL},
    {"cpu-hotplug-legacy", "bool", NULL, NULL},
    {"disable_s3", "uint8", NULL, NULL},
    {"disable_s4", "uint8", NULL, NULL},
    {"enable_tco", "bool", NULL, NULL},
    {"gpe0_blk", "uint32", NULL, NULL},
    {"gpe0_blk_len", "uint32", NULL, NULL},
    {"memory-hotplug-support", "bool", NULL, NULL},
    {"noreboot", "bool", NULL, "true"},
    {"pm_io_base", "uint32", NULL, NULL},
    {"s4_val", "uint8", NULL, NULL},
    {"sci_int", "uint8", NULL, NULL},
    {"smm-compat", "bool", NULL, "false"},
    {"x-keep-pci-slot-hpc", "bool", NULL, NULL},
    {"x-smi-broadcast", "bool", "on/off", "true"},
    {"x-smi-cpu-hotplug", "bool", "on/off", "true"},
    {"x-smi-cpu-hotunplug", "bool", "on/off", "true"},
    {"x-smi-negotiated-features", "uint64", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};
