/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chips of pc and q35 machines: tables. See qtree.h. */
#include "monitor/hmp/qtree.h"

#include <string.h>

/* Buses that a machine may have or not. */
#define FLOPPIES "floppy-bus.0"
#define USB "usb-bus.0"

#define DEVICE(depth, name)     \
    {                           \
        depth, name, NULL, NULL \
    }

#define EEPROM DEVICE(5, "smbus-eeprom")
#define MEMORY_CHIPS \
    EEPROM, EEPROM, EEPROM, EEPROM, EEPROM, EEPROM, EEPROM, EEPROM

#define ISA_CHIPS                                                            \
    DEVICE(5, "port92"), DEVICE(5, "vmmouse"), DEVICE(5, "vmport"),          \
        DEVICE(5, "i8042"), {5, "isa-fdc", NULL, FLOPPIES},                  \
        {6, "floppy-bus.0", "floppy-bus", FLOPPIES}, DEVICE(5, "isa-pcspk"), \
        DEVICE(5, "isa-pit"), DEVICE(5, "mc146818rtc"),                      \
        DEVICE(5, "isa-i8259"), DEVICE(5, "isa-i8259"), DEVICE(5, "i8257"),  \
        DEVICE(5, "i8257")

static const QtreeChip pc[] = {
    {0, "main-system-bus", "System", NULL},
    {1, "ps2-mouse", NULL, NULL},
    {1, "ps2-kbd", NULL, NULL},
    {1, "hpet", NULL, NULL},
    {1, "ioapic", NULL, NULL},
    {1, "i440FX-pcihost", NULL, NULL},
    {2, "pci.0", "PCI", NULL},
    {3, "PIIX4_PM", NULL, NULL},
    {4, "i2c", "i2c-bus", NULL},
    MEMORY_CHIPS,
    {3, "piix3-usb-uhci", NULL, USB},
    {4, USB, "usb-bus", USB},
    {3, "piix3-ide", NULL, NULL},
    {4, "ide.1", "IDE", NULL},
    {4, "ide.0", "IDE", NULL},
    {3, "PIIX3", NULL, NULL},
    {4, "isa.0", "ISA", NULL},
    ISA_CHIPS,
    {3, "i440FX", NULL, NULL},
    {1, "fw_cfg_io", NULL, NULL},
    {1, "kvmvapic", NULL, NULL},
    {0, NULL, NULL, NULL},
};

static const QtreeChip q35[] = {
    {0, "main-system-bus", "System", NULL},
    {1, "ps2-mouse", NULL, NULL},
    {1, "ps2-kbd", NULL, NULL},
    {1, "hpet", NULL, NULL},
    {1, "ioapic", NULL, NULL},
    {1, "q35-pcihost", NULL, NULL},
    {2, "pcie.0", "PCIE", NULL},
    {3, "ICH9-SMB", NULL, NULL},
    {4, "i2c", "i2c-bus", NULL},
    MEMORY_CHIPS,
    {3, "ich9-usb-uhci3", NULL, USB},
    {3, "ich9-usb-uhci2", NULL, USB},
    {3, "ich9-usb-uhci1", NULL, USB},
    {3, "ich9-usb-ehci1", NULL, USB},
    {4, USB, "usb-bus", USB},
    {3, "ich9-ahci", NULL, NULL},
    {4, "ide.5", "IDE", NULL},
    {4, "ide.4", "IDE", NULL},
    {4, "ide.3", "IDE", NULL},
    {4, "ide.2", "IDE", NULL},
    {4, "ide.1", "IDE", NULL},
    {4, "ide.0", "IDE", NULL},
    {3, "ICH9-LPC", NULL, NULL},
    {4, "isa.0", "ISA", NULL},
    ISA_CHIPS,
    {3, "mch", NULL, NULL},
    {1, "fw_cfg_io", NULL, NULL},
    {1, "kvmvapic", NULL, NULL},
    {0, NULL, NULL, NULL},
};

const QtreeChip *qtree_chips(const Board *board)
{
    if (!board->pci_bus || !board->has_ide || !board->has_isa) {
        return NULL;
    }
    return strcmp(board->pci_bus, "pcie.0") ? pc : q35;
}
