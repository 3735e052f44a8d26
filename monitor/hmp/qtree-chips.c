/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chips of pc and q35 machines: tables. See qtree.h. */
#include "monitor/hmp/qtree.h"

#include <string.h>

#define DEVICE(depth, name)      \
    {                            \
        depth, name, NULL, false \
    }

#define EEPROM DEVICE(5, "smbus-eeprom")
#define MEMORY_CHIPS \
    EEPROM, EEPROM, EEPROM, EEPROM, EEPROM, EEPROM, EEPROM, EEPROM

#define ISA_CHIPS                                                           \
    DEVICE(5, "port92"), DEVICE(5, "vmmouse"), DEVICE(5, "vmport"),         \
        DEVICE(5, "i8042"), {5, "isa-fdc", NULL, true},                     \
        {6, "floppy-bus.0", "floppy-bus", true}, DEVICE(5, "isa-pcspk"),    \
        DEVICE(5, "isa-pit"), DEVICE(5, "mc146818rtc"),                     \
        DEVICE(5, "isa-i8259"), DEVICE(5, "isa-i8259"), DEVICE(5, "i8257"), \
        DEVICE(5, "i8257")

static const QtreeChip pc[] = {
    {0, "main-system-bus", "System", false},
    {1, "ps2-mouse", NULL, false},
    {1, "ps2-kbd", NULL, false},
    {1, "hpet", NULL, false},
    {1, "ioapic", NULL, false},
    {1, "i440FX-pcihost", NULL, false},
    {2, "pci.0", "PCI", false},
    {3, "PIIX4_PM", NULL, false},
    {4, "i2c", "i2c-bus", false},
    MEMORY_CHIPS,
    {3, "piix3-ide", NULL, false},
    {4, "ide.1", "IDE", false},
    {4, "ide.0", "IDE", false},
    {3, "PIIX3", NULL, false},
    {4, "isa.0", "ISA", false},
    ISA_CHIPS,
    {3, "i440FX", NULL, false},
    {1, "fw_cfg_io", NULL, false},
    {1, "kvmvapic", NULL, false},
    {0, NULL, NULL, false},
};

static const QtreeChip q35[] = {
    {0, "main-system-bus", "System", false},
    {1, "ps2-mouse", NULL, false},
    {1, "ps2-kbd", NULL, false},
    {1, "hpet", NULL, false},
    {1, "ioapic", NULL, false},
    {1, "q35-pcihost", NULL, false},
    {2, "pcie.0", "PCIE", false},
    {3, "ICH9-SMB", NULL, false},
    {4, "i2c", "i2c-bus", false},
    MEMORY_CHIPS,
    {3, "ich9-ahci", NULL, false},
    {4, "ide.5", "IDE", false},
    {4, "ide.4", "IDE", false},
    {4, "ide.3", "IDE", false},
    {4, "ide.2", "IDE", false},
    {4, "ide.1", "IDE", false},
    {4, "ide.0", "IDE", false},
    {3, "ICH9-LPC", NULL, false},
    {4, "isa.0", "ISA", false},
    ISA_CHIPS,
    {3, "mch", NULL, false},
    {1, "fw_cfg_io", NULL, false},
    {1, "kvmvapic", NULL, false},
    {0, NULL, NULL, false},
};

const QtreeChip *qtree_chips(const Board *board)
{
    if (!board->pci_bus || !board->has_ide || !board->has_isa) {
        return NULL;
    }
    return strcmp(board->pci_bus, "pcie.0") ? pc : q35;
}
