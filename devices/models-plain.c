/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Models without disks. They are there so that a machine can be described as
 * usual: none of them does anything.
 */
#include "devices/model.h"

#define OF_BUS(b, n, a, t, c, ...)                                 \
    {                                                              \
        .name = n, .alias = a, .text = t, .category = c, .bus = b, \
        .open_sets = true, .sets = {__VA_ARGS__},                  \
    }
#define PCI(n, a, t, c) OF_BUS("PCI", n, a, t, c, device_set_pci)
#define VIRTIO_PCI(n, a, t, c)                                       \
    OF_BUS("PCI", n, a, t, c, device_set_pci, device_set_virtio_pci, \
           device_set_virtio)
#define VIRTIO(n, a, t, c) OF_BUS("virtio-bus", n, a, t, c, device_set_virtio)
#define USB(n, a, t, c) OF_BUS("usb-bus", n, a, t, c, device_set_usb)
#define PLAIN(n, a, t, c, b) OF_BUS(b, n, a, t, c, NULL)
/* With a bus of its own. */
#define BUS_PCI(n, a, t, c, kind, called)                              \
    {                                                                  \
        .name = n, .alias = a, .text = t, .category = c, .bus = "PCI", \
        .open_sets = true, .sets = {device_set_pci}, .brings = kind,   \
        .bus_name = called,                                            \
    }
#define BUS_VIRTIO_PCI(n, a, t, c, kind, called)                            \
    {                                                                       \
        .name = n, .alias = a, .text = t, .category = c, .bus = "PCI",      \
        .open_sets = true,                                                  \
        .sets = {device_set_pci, device_set_virtio_pci, device_set_virtio}, \
        .brings = kind, .bus_name = called,                                 \
    }
#define BUS_VIRTIO(n, a, t, c, kind, called)                                  \
    {                                                                         \
        .name = n, .alias = a, .text = t, .category = c, .bus = "virtio-bus", \
        .open_sets = true, .sets = {device_set_virtio}, .brings = kind,       \
        .bus_name = called,                                                   \
    }

const DeviceModel device_models_plain[] = {
    USB("usb-hub", NULL, NULL, DEVICE_BRIDGE),
    PCI("ich9-usb-ehci2", NULL, NULL, DEVICE_USB),
    PCI("ich9-usb-uhci2", NULL, NULL, DEVICE_USB),
    PCI("ich9-usb-uhci3", NULL, NULL, DEVICE_USB),
    PCI("ich9-usb-uhci4", NULL, NULL, DEVICE_USB),
    PCI("ich9-usb-uhci5", NULL, NULL, DEVICE_USB),
    PCI("ich9-usb-uhci6", NULL, NULL, DEVICE_USB),
    PCI("piix4-usb-uhci", NULL, NULL, DEVICE_USB),
    USB("usb-mtp", NULL, "USB Media Transfer Protocol device", DEVICE_STORAGE),
    VIRTIO_PCI("vhost-user-fs-pci", NULL, NULL, DEVICE_STORAGE),
    VIRTIO("virtio-9p-device", NULL, NULL, DEVICE_STORAGE),
    VIRTIO_PCI("virtio-9p-pci", "virtio-9p", NULL, DEVICE_STORAGE),
    VIRTIO_PCI("virtio-9p-pci-non-transitional", NULL, NULL, DEVICE_STORAGE),
    VIRTIO_PCI("virtio-9p-pci-transitional", NULL, NULL, DEVICE_STORAGE),
    PCI("e1000", "e1000-82540em", "Intel Gigabit Ethernet", DEVICE_NETWORK),
    PCI("e1000-82544gc", NULL, "Intel Gigabit Ethernet", DEVICE_NETWORK),
    PCI("e1000-82545em", NULL, "Intel Gigabit Ethernet", DEVICE_NETWORK),
    PCI("e1000e", NULL, "Intel 82574L GbE Controller", DEVICE_NETWORK),
    PCI("i82550", NULL, "Intel i82550 Ethernet", DEVICE_NETWORK),
    PCI("i82551", NULL, "Intel i82551 Ethernet", DEVICE_NETWORK),
    PCI("i82557a", NULL, "Intel i82557A Ethernet", DEVICE_NETWORK),
    PCI("i82557b", NULL, "Intel i82557B Ethernet", DEVICE_NETWORK),
    PCI("i82557c", NULL, "Intel i82557C Ethernet", DEVICE_NETWORK),
    PCI("i82558a", NULL, "Intel i82558A Ethernet", DEVICE_NETWORK),
    PCI("i82558b", NULL, "Intel i82558B Ethernet", DEVICE_NETWORK),
    PCI("i82559a", NULL, "Intel i82559A Ethernet", DEVICE_NETWORK),
    PCI("i82559b", NULL, "Intel i82559B Ethernet", DEVICE_NETWORK),
    PCI("i82559c", NULL, "Intel i82559C Ethernet", DEVICE_NETWORK),
    PCI("i82559er", NULL, "Intel i82559ER Ethernet", DEVICE_NETWORK),
    PCI("i82562", NULL, "Intel i82562 Ethernet", DEVICE_NETWORK),
    PCI("i82801", NULL, "Intel i82801 Ethernet", DEVICE_NETWORK),
    PLAIN("ne2k_isa", NULL, NULL, DEVICE_NETWORK, "ISA"),
    PCI("ne2k_pci", NULL, NULL, DEVICE_NETWORK),
    PCI("pcnet", NULL, NULL, DEVICE_NETWORK),
    PCI("rocker", NULL, "Rocker Switch", DEVICE_NETWORK),
    PCI("rtl8139", NULL, NULL, DEVICE_NETWORK),
    PCI("tulip", NULL, NULL, DEVICE_NETWORK),
    USB("usb-net", NULL, NULL, DEVICE_NETWORK),
    VIRTIO("virtio-net-device", NULL, NULL, DEVICE_NETWORK),
    VIRTIO_PCI("virtio-net-pci-non-transitional", NULL, NULL, DEVICE_NETWORK),
    VIRTIO_PCI("virtio-net-pci-transitional", NULL, NULL, DEVICE_NETWORK),
    PCI("vmxnet3", NULL, "VMWare Paravirtualized Ethernet v3", DEVICE_NETWORK),
    PLAIN("i8042", NULL, NULL, DEVICE_INPUT, "ISA"),
    PLAIN("isa-parallel", NULL, NULL, DEVICE_INPUT, "ISA"),
    PLAIN("isa-serial", NULL, NULL, DEVICE_INPUT, "ISA"),
    PCI("pci-serial", NULL, NULL, DEVICE_INPUT),
    PCI("pci-serial-2x", NULL, NULL, DEVICE_INPUT),
    PCI("pci-serial-4x", NULL, NULL, DEVICE_INPUT),
    USB("usb-braille", NULL, NULL, DEVICE_INPUT),
    USB("usb-ccid", NULL, "CCID Rev 1.1 smartcard reader", DEVICE_INPUT),
    USB("usb-kbd", NULL, NULL, DEVICE_INPUT),
    USB("usb-mouse", NULL, NULL, DEVICE_INPUT),
    USB("usb-serial", NULL, NULL, DEVICE_INPUT),
    USB("usb-tablet", NULL, NULL, DEVICE_INPUT),
    USB("usb-wacom-tablet", NULL, "QEMU PenPartner Tablet", DEVICE_INPUT),
    PLAIN("virtconsole", NULL, NULL, DEVICE_INPUT, "virtio-serial-bus"),
    VIRTIO("virtio-input-host-device", NULL, NULL, DEVICE_INPUT),
    VIRTIO_PCI("virtio-input-host-pci", "virtio-input-host", NULL,
               DEVICE_INPUT),
    VIRTIO("virtio-keyboard-device", NULL, NULL, DEVICE_INPUT),
    VIRTIO_PCI("virtio-keyboard-pci", "virtio-keyboard", NULL, DEVICE_INPUT),
    VIRTIO("virtio-mouse-device", NULL, NULL, DEVICE_INPUT),
    VIRTIO_PCI("virtio-mouse-pci", "virtio-mouse", NULL, DEVICE_INPUT),
    BUS_VIRTIO("virtio-serial-device", NULL, NULL, DEVICE_INPUT,
               "virtio-serial-bus", "virtio-serial"),
    BUS_VIRTIO_PCI("virtio-serial-pci", "virtio-serial", NULL, DEVICE_INPUT,
                   "virtio-serial-bus", "virtio-serial"),
    BUS_VIRTIO_PCI("virtio-serial-pci-non-transitional", NULL, NULL,
                   DEVICE_INPUT, "virtio-serial-bus", "virtio-serial"),
    BUS_VIRTIO_PCI("virtio-serial-pci-transitional", NULL, NULL, DEVICE_INPUT,
                   "virtio-serial-bus", "virtio-serial"),
    VIRTIO("virtio-tablet-device", NULL, NULL, DEVICE_INPUT),
    VIRTIO_PCI("virtio-tablet-pci", "virtio-tablet", NULL, DEVICE_INPUT),
    PLAIN("virtserialport", NULL, NULL, DEVICE_INPUT, "virtio-serial-bus"),
    PLAIN("vmmouse", NULL, NULL, DEVICE_INPUT, "ISA"),
    PCI("ati-vga", NULL, NULL, DEVICE_DISPLAY),
    PCI("bochs-display", NULL, NULL, DEVICE_DISPLAY),
    PCI("cirrus-vga", NULL, "Cirrus CLGD 54xx VGA", DEVICE_DISPLAY),
    PLAIN("isa-cirrus-vga", NULL, NULL, DEVICE_DISPLAY, "ISA"),
    PLAIN("isa-vga", NULL, NULL, DEVICE_DISPLAY, "ISA"),
    PLAIN("ramfb", NULL, "ram framebuffer standalone device", DEVICE_DISPLAY,
          "System"),
    PCI("secondary-vga", NULL, NULL, DEVICE_DISPLAY),
    PLAIN("sga", NULL, "Serial Graphics Adapter", DEVICE_DISPLAY, "ISA"),
    VIRTIO("virtio-gpu-gl-device", NULL, NULL, DEVICE_DISPLAY),
    VIRTIO_PCI("virtio-gpu-gl-pci", "virtio-gpu-gl", NULL, DEVICE_DISPLAY),
    VIRTIO_PCI("virtio-vga", NULL, NULL, DEVICE_DISPLAY),
    PCI("virtio-vga-gl", NULL, NULL, DEVICE_DISPLAY),
    PCI("AC97", "ac97", "Intel 82801AA AC97 Audio", DEVICE_SOUND),
    PLAIN("adlib", NULL, "Yamaha YM3812 (OPL2)", DEVICE_SOUND, "ISA"),
    PLAIN("cs4231a", NULL, "Crystal Semiconductor CS4231A", DEVICE_SOUND,
          "ISA"),
    PCI("ES1370", "es1370", "ENSONIQ AudioPCI ES1370", DEVICE_SOUND),
    PLAIN("gus", NULL, "Gravis Ultrasound GF1", DEVICE_SOUND, "ISA"),
    PLAIN("hda-duplex", NULL, "HDA Audio Codec, duplex (line-out, line-in)",
          DEVICE_SOUND, "HDA"),
    PLAIN("hda-micro", NULL, "HDA Audio Codec, duplex (speaker, microphone)",
          DEVICE_SOUND, "HDA"),
    PLAIN("hda-output", NULL, "HDA Audio Codec, output-only (line-out)",
          DEVICE_SOUND, "HDA"),
    BUS_PCI("ich9-intel-hda", NULL, "Intel HD Audio Controller (ich9)",
            DEVICE_SOUND, "HDA", "hda"),
    BUS_PCI("intel-hda", NULL, "Intel HD Audio Controller (ich6)", DEVICE_SOUND,
            "HDA", "hda"),
    PLAIN("sb16", NULL, "Creative Sound Blaster 16", DEVICE_SOUND, "ISA"),
    USB("usb-audio", NULL, NULL, DEVICE_SOUND),
    PCI("acpi-erst", NULL,
        "ACPI Error Record Serialization Table (ERST) device", DEVICE_MISC),
    PLAIN("amd-iommu", NULL, "AMD IOMMU (AMD-Vi) DMA Remapping device",
          DEVICE_MISC, "System"),
    PCI("AMDVI-PCI", NULL, "AMD IOMMU (AMD-Vi) DMA Remapping device",
        DEVICE_MISC),
    PCI("ctucan_pci", NULL, "CTU CAN PCI", DEVICE_MISC),
    PCI("edu", NULL, NULL, DEVICE_MISC),
    PLAIN("hyperv-testdev", NULL, NULL, DEVICE_MISC, "ISA"),
    PLAIN("i2c-ddc", NULL, NULL, DEVICE_MISC, "i2c-bus"),
    PLAIN("isa-applesmc", NULL, NULL, DEVICE_MISC, "ISA"),
    PLAIN("isa-debug-exit", NULL, NULL, DEVICE_MISC, "ISA"),
    PLAIN("isa-debugcon", NULL, NULL, DEVICE_MISC, "ISA"),
    PCI("ivshmem-doorbell", NULL, "Inter-VM shared memory", DEVICE_MISC),
    PCI("ivshmem-plain", NULL, "Inter-VM shared memory", DEVICE_MISC),
    PCI("kvaser_pci", NULL, "Kvaser PCICANx", DEVICE_MISC),
    PLAIN("mc146818rtc", NULL, NULL, DEVICE_MISC, "ISA"),
    PCI("mioe3680_pci", NULL, "Mioe3680 PCICANx", DEVICE_MISC),
    PLAIN("pc-testdev", NULL, NULL, DEVICE_MISC, "ISA"),
    PCI("pci-testdev", NULL, "PCI Test Device", DEVICE_MISC),
    PCI("pcm3680_pci", NULL, "Pcm3680i PCICANx", DEVICE_MISC),
    PLAIN("pvpanic", NULL, NULL, DEVICE_MISC, "ISA"),
    PCI("pvpanic-pci", NULL, NULL, DEVICE_MISC),
    PLAIN("smbus-ipmi", NULL, NULL, DEVICE_MISC, "i2c-bus"),
    PLAIN("tpm-crb", NULL, NULL, DEVICE_MISC, NULL),
    PLAIN("tpm-tis", NULL, NULL, DEVICE_MISC, "ISA"),
    VIRTIO_PCI("vhost-vsock-pci", NULL, NULL, DEVICE_MISC),
    VIRTIO_PCI("virtio-balloon-pci-non-transitional", NULL, NULL, DEVICE_MISC),
    VIRTIO_PCI("virtio-balloon-pci-transitional", NULL, NULL, DEVICE_MISC),
    VIRTIO("virtio-crypto-device", NULL, NULL, DEVICE_MISC),
    VIRTIO_PCI("virtio-crypto-pci", NULL, NULL, DEVICE_MISC),
    VIRTIO("virtio-iommu-device", NULL, NULL, DEVICE_MISC),
    VIRTIO("virtio-mem", NULL, NULL, DEVICE_MISC),
    VIRTIO_PCI("virtio-pmem-pci", NULL, NULL, DEVICE_MISC),
    VIRTIO("virtio-rng-device", NULL, NULL, DEVICE_MISC),
    VIRTIO_PCI("virtio-rng-pci", "virtio-rng", NULL, DEVICE_MISC),
    VIRTIO_PCI("virtio-rng-pci-non-transitional", NULL, NULL, DEVICE_MISC),
    VIRTIO_PCI("virtio-rng-pci-transitional", NULL, NULL, DEVICE_MISC),
    PLAIN("vmcoreinfo", NULL, NULL, DEVICE_MISC, NULL),
    PLAIN("vmgenid", NULL, NULL, DEVICE_MISC, NULL),
    PCI("i6300esb", NULL, "Intel 6300ESB", DEVICE_WATCHDOG),
    PLAIN("ib700", NULL, "iBASE 700", DEVICE_WATCHDOG, "ISA"),
    PLAIN("ipmi-bmc-extern", NULL, NULL, DEVICE_OTHER, NULL),
    PLAIN("ipmi-bmc-sim", NULL, NULL, DEVICE_OTHER, NULL),
    PLAIN("isa-ipmi-bt", NULL, NULL, DEVICE_OTHER, "ISA"),
    PLAIN("isa-ipmi-kcs", NULL, NULL, DEVICE_OTHER, "ISA"),
    PCI("pci-ipmi-bt", NULL, "PCI IPMI BT", DEVICE_OTHER),
    PCI("pci-ipmi-kcs", NULL, "PCI IPMI KCS", DEVICE_OTHER),
    PCI("x-pci-proxy-dev", NULL, NULL, DEVICE_OTHER),
    {.name = NULL},
};
