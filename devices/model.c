/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of device models. */
#include "devices/model.h"

#include <stdio.h>

#define VIRTIO_BLK(n, a)                                                 \
    {                                                                    \
        .name = n, .alias = a, .category = DEVICE_STORAGE, .bus = "PCI", \
        .use = DEVICE_USES_DISK,                                         \
        .properties = device_properties_virtio_blk_pci,                  \
        .inner_type = "virtio-blk-device", .shares_resize = true,        \
        .counts_status = true,                                           \
    }
#define VIRTIO_SCSI(n, a)                                                \
    {                                                                    \
        .name = n, .alias = a, .category = DEVICE_STORAGE, .bus = "PCI", \
        .brings = "SCSI", .bus_name = "scsi",                            \
        .properties = device_properties_virtio_scsi_pci,                 \
        .inner_type = "virtio-scsi-device",                              \
    }
#define SCSI_CONTROLLER(n, a, b, t)                                   \
    {                                                                 \
        .name = n, .alias = a, .text = t, .category = DEVICE_STORAGE, \
        .bus = b, .brings = "SCSI", .bus_name = "scsi",               \
    }
#define USB_CONTROLLER(n)                                                     \
    {                                                                         \
        .name = n, .category = DEVICE_USB, .bus = "PCI", .brings = "usb-bus", \
        .bus_name = "usb-bus",                                                \
    }
#define PCI_PORT(n, t)                                                 \
    {                                                                  \
        .name = n, .text = t, .category = DEVICE_BRIDGE, .bus = "PCI", \
        .brings = "PCI", .bus_name = "pci",                            \
    }
#define OTHER(n, a, c, b)                               \
    {                                                   \
        .name = n, .alias = a, .category = c, .bus = b, \
    }

static const DeviceModel models[] = {
    PCI_PORT("ioh3420", "Intel IOH device id 3420 PCIE Root Port"),
    PCI_PORT("pci-bridge", "Standard PCI Bridge"),
    PCI_PORT("pcie-pci-bridge", NULL),
    PCI_PORT("pcie-root-port", "PCI Express Root Port"),
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
                    "AMD Am53c974 PCscsi-PCI SCSI adapter"),
    SCSI_CONTROLLER("dc390", NULL, "PCI", "Tekram DC-390 SCSI adapter"),
    {.name = "floppy",
     .text = "virtual floppy drive",
     .category = DEVICE_STORAGE,
     .bus = "floppy-bus",
     .use = DEVICE_USES_FLOPPY,
     .properties = device_properties_floppy},
    {.name = "ich9-ahci",
     .alias = "ahci",
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .brings = "IDE",
     .bus_name = "ide"},
    {.name = "ide-cd",
     .text = "virtual IDE CD-ROM",
     .category = DEVICE_STORAGE,
     .bus = "IDE",
     .use = DEVICE_USES_CD,
     .counts_status = true,
     .properties = device_properties_ide_cd},
    {.name = "ide-hd",
     .text = "virtual IDE disk",
     .category = DEVICE_STORAGE,
     .bus = "IDE",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .properties = device_properties_ide_hd},
    {.name = "isa-fdc",
     .text = "virtual floppy controller",
     .category = DEVICE_STORAGE,
     .bus = "ISA",
     .brings = "floppy-bus",
     .bus_name = "floppy-bus",
     .bus_places = 2},
    {.name = "isa-ide",
     .category = DEVICE_STORAGE,
     .bus = "ISA",
     .brings = "IDE",
     .bus_name = "ide",
     .bus_places = 2},
    SCSI_CONTROLLER("lsi53c810", NULL, "PCI", NULL),
    SCSI_CONTROLLER("lsi53c895a", "lsi", "PCI", NULL),
    SCSI_CONTROLLER("megasas", NULL, "PCI", "LSI MegaRAID SAS 1078"),
    SCSI_CONTROLLER("megasas-gen2", NULL, "PCI", "LSI MegaRAID SAS 2108"),
    SCSI_CONTROLLER("mptsas1068", NULL, "PCI", "LSI SAS 1068"),
    {.name = "nvme",
     .text = "Non-Volatile Memory Express",
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .use = DEVICE_USES_DISK,
     .needs_serial = true,
     .properties = device_properties_nvme},
    {.name = "piix3-ide",
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .brings = "IDE",
     .bus_name = "ide",
     .bus_places = 2},
    {.name = "piix4-ide",
     .category = DEVICE_STORAGE,
     .bus = "PCI",
     .brings = "IDE",
     .bus_name = "ide",
     .bus_places = 2},
    SCSI_CONTROLLER("pvscsi", NULL, "PCI", NULL),
    {.name = "scsi-cd",
     .text = "virtual SCSI CD-ROM",
     .category = DEVICE_STORAGE,
     .bus = "SCSI",
     .use = DEVICE_USES_CD,
     .counts_status = true,
     .properties = device_properties_scsi_cd},
    {.name = "scsi-hd",
     .text = "virtual SCSI disk",
     .category = DEVICE_STORAGE,
     .bus = "SCSI",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .properties = device_properties_scsi_hd},
    SCSI_CONTROLLER("usb-bot", NULL, "usb-bus", NULL),
    {.name = "usb-storage",
     .category = DEVICE_STORAGE,
     .bus = "usb-bus",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .properties = device_properties_usb_storage},
    SCSI_CONTROLLER("usb-uas", NULL, "usb-bus", NULL),
    {.name = "virtio-blk-device",
     .category = DEVICE_STORAGE,
     .bus = "virtio-bus",
     .use = DEVICE_USES_DISK,
     .shares_resize = true,
     .counts_status = true,
     .properties = device_properties_virtio_blk_device},
    VIRTIO_BLK("virtio-blk-pci", "virtio-blk"),
    VIRTIO_BLK("virtio-blk-pci-non-transitional", NULL),
    VIRTIO_BLK("virtio-blk-pci-transitional", NULL),
    {.name = "virtio-scsi-device",
     .category = DEVICE_STORAGE,
     .bus = "virtio-bus",
     .brings = "SCSI",
     .bus_name = "scsi"},
    VIRTIO_SCSI("virtio-scsi-pci", "virtio-scsi"),
    VIRTIO_SCSI("virtio-scsi-pci-non-transitional", NULL),
    VIRTIO_SCSI("virtio-scsi-pci-transitional", NULL),
    OTHER("e1000", NULL, DEVICE_NETWORK, "PCI"),
    OTHER("e1000e", NULL, DEVICE_NETWORK, "PCI"),
    OTHER("rtl8139", NULL, DEVICE_NETWORK, "PCI"),
    OTHER("virtio-net-pci", "virtio-net", DEVICE_NETWORK, "PCI"),
    OTHER("usb-kbd", NULL, DEVICE_INPUT, "usb-bus"),
    OTHER("usb-mouse", NULL, DEVICE_INPUT, "usb-bus"),
    OTHER("usb-tablet", NULL, DEVICE_INPUT, "usb-bus"),
    OTHER("virtio-serial-pci", "virtio-serial", DEVICE_INPUT, "PCI"),
    OTHER("isa-serial", NULL, DEVICE_INPUT, "ISA"),
    OTHER("VGA", NULL, DEVICE_DISPLAY, "PCI"),
    OTHER("cirrus-vga", NULL, DEVICE_DISPLAY, "PCI"),
    OTHER("virtio-vga", NULL, DEVICE_DISPLAY, "PCI"),
    OTHER("isa-debug-exit", NULL, DEVICE_MISC, "ISA"),
    OTHER("pvpanic", NULL, DEVICE_MISC, "ISA"),
    OTHER("virtio-balloon-pci", "virtio-balloon", DEVICE_MISC, "PCI"),
    OTHER("virtio-rng-pci", "virtio-rng", DEVICE_MISC, "PCI"),
    OTHER("vmcoreinfo", NULL, DEVICE_MISC, NULL),
};

static bool is_called(const DeviceModel *model, const char *name)
{
    return !strcmp(model->name, name) ||
           (model->alias && !strcmp(model->alias, name)) ||
           /* What the buses of other machines call it. */
           (model->alias && g_str_has_suffix(name, "-ccw") &&
            strlen(name) == strlen(model->alias) + 4 &&
            g_str_has_prefix(name, model->alias));
}

const DeviceModel *device_model_at(unsigned index)
{
    return index < ARRAY_SIZE(models) ? &models[index] : NULL;
}

const DeviceModel *device_model_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        if (is_called(&models[i], name)) {
            return &models[i];
        }
    }
    return NULL;
}

const DeviceProperty *device_model_property(const DeviceModel *model,
                                            const char *name)
{
    for (const DeviceProperty *p = model->properties; p && p->name; p++) {
        if (!strcmp(p->name, name)) {
            return p;
        }
    }
    return NULL;
}

const char *device_model_owner(const DeviceModel *model, const char *property)
{
    return model->inner_type && !strcmp(property, "drive") ? model->inner_type
                                                           : model->name;
}

/* --- help ---------------------------------------------------------------- */

static void print_model(const DeviceModel *model)
{
    printf("name \"%s\"", model->name);
    if (model->bus) {
        printf(", bus %s", model->bus);
    }
    if (model->alias) {
        printf(", alias \"%s\"", model->alias);
    }
    if (model->text) {
        printf(", desc \"%s\"", model->text);
    }
    printf("\n");
}

void device_models_print(void)
{
    static const char *const titles[DEVICE_CATEGORY__MAX] = {
        [DEVICE_BRIDGE] = "Controller/Bridge/Hub",
        [DEVICE_USB] = "USB",
        [DEVICE_STORAGE] = "Storage",
        [DEVICE_NETWORK] = "Network",
        [DEVICE_INPUT] = "Input",
        [DEVICE_DISPLAY] = "Display",
        [DEVICE_MISC] = "Misc",
    };

    for (unsigned category = 0; category < DEVICE_CATEGORY__MAX; category++) {
        printf("%s%s devices:\n", category ? "\n" : "", titles[category]);
        for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
            if (models[i].category == category) {
                print_model(&models[i]);
            }
        }
    }
}

static void print_property(const DeviceProperty *p)
{
    g_autofree char *head = g_strdup_printf("%s=<%s>", p->name, p->type);

    if (!p->text && !p->value) {
        printf("  %s\n", head);
        return;
    }
    printf("  %-22s - %s", head, p->text ? p->text : "");
    if (p->value) {
        printf(" (default: %s)", p->value);
    }
    printf("\n");
}

void device_model_print_properties(const DeviceModel *model)
{
    if (!model->properties) {
        printf("There are no options for %s.\n", model->name);
        return;
    }
    printf("%s options:\n", model->name);
    for (const DeviceProperty *p = model->properties; p->name; p++) {
        print_property(p);
    }
}
