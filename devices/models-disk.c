/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Models with disks, their controllers, and bridges to these. */
#include "devices/model.h"

#define VIRTIO_BLK(n, a)                                                 \
    {                                                                    \
        .name = n, .alias = a, .category = DEVICE_STORAGE, .bus = "PCI", \
        .use = DEVICE_USES_DISK,                                         \
        .sets = {device_set_pci,           device_set_virtio_pci,        \
                 device_set_virtio,        device_set_block,             \
                 device_set_geometry,      device_set_virtio_blk,        \
                 device_set_virtio_blk_pci},                             \
        .inner_type = "virtio-blk-device", .shares_resize = true,        \
        .counts_status = true,                                           \
    }
#define VIRTIO_SCSI(n, a)                                                  \
    {                                                                      \
        .name = n, .alias = a, .category = DEVICE_STORAGE, .bus = "PCI",   \
        .brings = "SCSI", .bus_name = "scsi",                              \
        .sets = {device_set_pci, device_set_virtio_pci, device_set_virtio, \
                 device_set_virtio_scsi_pci},                              \
        .inner_type = "virtio-scsi-device", .scsi_id_max = 255,            \
        .scsi_lun_max = 16383,                                             \
    }
#define SCSI_CONTROLLER(n, a, b, t, id, lun)                               \
    {                                                                      \
        .name = n, .alias = a, .text = t, .category = DEVICE_STORAGE,      \
        .bus = b, .brings = "SCSI", .bus_name = "scsi", .open_sets = true, \
        .scsi_id_max = (id), .scsi_lun_max = (lun),                        \
    }
#define USB_CONTROLLER(n)                                                     \
    {                                                                         \
        .name = n, .category = DEVICE_USB, .bus = "PCI", .brings = "usb-bus", \
        .open_sets = true, .sets = {device_set_pci}, .bus_name = "usb-bus",   \
    }
#define PCI_PORT(n, t)                                                 \
    {                                                                  \
        .name = n, .text = t, .category = DEVICE_BRIDGE, .bus = "PCI", \
        .brings = "PCI", .bus_name = "pci", .open_sets = true,         \
        .sets = {device_set_pci},                                      \
    }

const DeviceModel device_models_disk[] = {
    PCI_PORT("i82801b11-bridge", NULL),
    PCI_PORT("ioh3420", "Intel IOH device id 3420 PCIE Root Port"),
    PCI_PORT("pci-bridge", "Standard PCI Bridge"),
    PCI_PORT("pci-bridge-seat", "Standard PCI Bridge (multiseat)"),
    PCI_PORT("pcie-pci-bridge", NULL),
    PCI_PORT("x3130-upstream", "TI X3130 Upstream Port of PCI Express Switch"),
    PCI_PORT("xio3130-downstream",
             "TI X3130 Downstream Port of PCI Express Switch"),
    {.name = "pcie-root-port",
     .text = "PCI Express Root Port",
     .category = DEVICE_BRIDGE,
     .bus = "PCI",
     .brings = "PCI",
     .bus_name = "pci",
     .sets = {device_set_pci, device_set_pcie_root_port}},
    PCI_PORT("pxb", "PCI Expander Bridge"),
    PCI_PORT("pxb-pcie", "PCI Express Expander Bridge"),
    USB_CONTROLLER("ich9-usb-ehci1"),
    USB_CONTROLLER("ich9-usb-uhci1"),
    USB_CONTROLLER("nec-usb-xhci"),
    USB_CONTROLLER("pci-ohci"),
    USB_CONTROLLER("piix3-usb-uhci"),
    USB_CONTROLLER("qemu-xhci"),
    USB_CONTROLLER("usb-ehci"),
    SCSI_CONTROLLER("am53c974", NULL, "PCI",
                    "AMD Am53c974 PCscsi-PCI SCSI adapter", 7, 7),
    SCSI_CONTROLLER("dc390", NULL, "PCI", "Tekram DC-390 SCSI adapter", 7, 7),
    {.name = "floppy",
     .text = "virtual floppy drive",
     .category = DEVICE_STORAGE,
     .bus = "floppy-bus",
     .use = DEVICE_USES_FLOPPY,
     .sets = {device_set_floppy}},
    {.name = "ich9-ahci",
     .open_sets = true,
     .sets = {device_set_pci},
     .alias = "ahci",
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .brings = "IDE",
     .bus_name = "ide",
     .bus_places = 1,
     .buses = 6},
    {.name = "ide-cd",
     .text = "virtual IDE CD-ROM",
     .category = DEVICE_STORAGE,
     .bus = "IDE",
     .use = DEVICE_USES_CD,
     .counts_status = true,
     .sets = {device_set_ide, device_set_block}},
    {.name = "ide-hd",
     .text = "virtual IDE disk",
     .category = DEVICE_STORAGE,
     .bus = "IDE",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .sets = {device_set_ide, device_set_block, device_set_geometry,
              device_set_ide_hd}},
    {.name = "isa-fdc",
     .open_sets = true,
     .text = "virtual floppy controller",
     .category = DEVICE_STORAGE,
     .bus = "ISA",
     .brings = "floppy-bus",
     .bus_name = "floppy-bus",
     .bus_places = 2},
    {.name = "isa-ide",
     .open_sets = true,
     .category = DEVICE_STORAGE,
     .bus = "ISA",
     .brings = "IDE",
     .bus_name = "ide",
     .bus_places = 2},
    SCSI_CONTROLLER("lsi53c810", NULL, "PCI", NULL, 7, 0),
    SCSI_CONTROLLER("lsi53c895a", "lsi", "PCI", NULL, 7, 0),
    SCSI_CONTROLLER("megasas", NULL, "PCI", "LSI MegaRAID SAS 1078", 64, 255),
    SCSI_CONTROLLER("megasas-gen2", NULL, "PCI", "LSI MegaRAID SAS 2108", 64,
                    255),
    SCSI_CONTROLLER("mptsas1068", NULL, "PCI", "LSI SAS 1068", 8, 1),
    {.name = "nvme",
     .text = "Non-Volatile Memory Express",
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .use = DEVICE_USES_DISK,
     .needs_serial = true,
     .sets = {device_set_pci, device_set_nvme}},
    {.name = "piix3-ide",
     .open_sets = true,
     .sets = {device_set_pci},
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .brings = "IDE",
     .bus_name = "ide",
     .bus_places = 2,
     .buses = 2},
    {.name = "piix4-ide",
     .open_sets = true,
     .sets = {device_set_pci},
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .brings = "IDE",
     .bus_name = "ide",
     .bus_places = 2,
     .buses = 2},
    SCSI_CONTROLLER("pvscsi", NULL, "PCI", NULL, 64, 0),
    {.name = "scsi-cd",
     .text = "virtual SCSI CD-ROM",
     .category = DEVICE_STORAGE,
     .bus = "SCSI",
     .use = DEVICE_USES_CD,
     .counts_status = true,
     .sets = {device_set_scsi, device_set_block, device_set_scsi_cd}},
    {.name = "scsi-hd",
     .text = "virtual SCSI disk",
     .category = DEVICE_STORAGE,
     .bus = "SCSI",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .sets = {device_set_scsi, device_set_block, device_set_geometry,
              device_set_scsi_hd}},
    SCSI_CONTROLLER("usb-bot", NULL, "usb-bus", NULL, 0, 15),
    {.name = "usb-storage",
     .category = DEVICE_STORAGE,
     .bus = "usb-bus",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .sets = {device_set_usb, device_set_block, device_set_usb_storage}},
    SCSI_CONTROLLER("usb-uas", NULL, "usb-bus", NULL, 0, 255),
    {.name = "virtio-blk-device",
     .category = DEVICE_STORAGE,
     .bus = "virtio-bus",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .sets = {device_set_virtio, device_set_block, device_set_geometry,
              device_set_virtio_blk}},
    VIRTIO_BLK("virtio-blk-pci", "virtio-blk"),
    VIRTIO_BLK("virtio-blk-pci-non-transitional", NULL),
    VIRTIO_BLK("virtio-blk-pci-transitional", NULL),
    {.name = "virtio-scsi-device",
     .open_sets = true,
     .sets = {device_set_virtio},
     .category = DEVICE_STORAGE,
     .bus = "virtio-bus",
     .brings = "SCSI",
     .bus_name = "scsi",
     .scsi_id_max = 255,
     .scsi_lun_max = 16383},
    VIRTIO_SCSI("virtio-scsi-pci", "virtio-scsi"),
    VIRTIO_SCSI("virtio-scsi-pci-non-transitional", NULL),
    VIRTIO_SCSI("virtio-scsi-pci-transitional", NULL),
    {.name = NULL},
};
