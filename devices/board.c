/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of machines. */
#include "devices/board.h"

#include <stdio.h>

#define PC_TEXT "Standard PC (i440FX + PIIX, 1996)"
#define Q35_TEXT "Standard PC (Q35 + ICH9, 2009)"
#define COMMON(v, t, a, cpus, numa, old)                                      \
    .name = v, .text = t, .alias = a, .type = v "-machine", .has_isa = true,  \
    .has_ide = true, .cpu_max = cpus, .numa_memory = numa, .deprecated = old, \
    .plugs_cpus = true, .cpu_type = "qemu64-x86_64-cpu", .ram_id = "pc.ram"
#define PC(v, a, cpus, numa, old)                               \
    {                                                           \
        COMMON("pc-i440fx-" v, PC_TEXT, a, cpus, numa, old),    \
            .pci_bus = "pci.0", .ide_buses = 2, .ide_units = 2, \
            .first_floppy = 13, .first_ide = 18,                \
    }
#define Q35(v, a, cpus, numa, old)                                  \
    {                                                               \
        COMMON("pc-q35-" v, Q35_TEXT, a, cpus, numa, old),          \
            .pci_bus = "pcie.0", .no_floppy = true, .ide_buses = 6, \
            .ide_units = 1, .first_floppy = 12, .first_ide = 16,    \
    }

static const Board boards[] = {
    {.name = "microvm",
     .text = "microvm (i386)",
     .has_isa = true,
     .type = "microvm-machine",
     .cpu_max = 288,
     .cpu_type = "qemu64-x86_64-cpu",
     .ram_id = "microvm.ram"},
    PC("7.2", "pc", 255, false, false),
    PC("7.1", NULL, 255, false, false),
    PC("7.0", NULL, 255, false, false),
    PC("6.2", NULL, 255, false, false),
    PC("6.1", NULL, 255, false, false),
    PC("6.0", NULL, 255, false, false),
    PC("5.2", NULL, 255, false, false),
    PC("5.1", NULL, 255, false, false),
    PC("5.0", NULL, 255, true, false),
    PC("4.2", NULL, 255, true, false),
    PC("4.1", NULL, 255, true, false),
    PC("4.0", NULL, 255, true, false),
    PC("3.1", NULL, 255, true, false),
    PC("3.0", NULL, 255, true, false),
    PC("2.12", NULL, 255, true, false),
    PC("2.11", NULL, 255, true, false),
    PC("2.10", NULL, 255, true, false),
    PC("2.9", NULL, 255, true, false),
    PC("2.8", NULL, 255, true, false),
    PC("2.7", NULL, 255, true, false),
    PC("2.6", NULL, 255, true, false),
    PC("2.5", NULL, 255, true, false),
    PC("2.4", NULL, 255, true, false),
    PC("2.3", NULL, 255, true, false),
    PC("2.2", NULL, 255, true, false),
    PC("2.1", NULL, 255, true, false),
    PC("2.0", NULL, 255, true, false),
    PC("1.7", NULL, 255, true, true),
    PC("1.6", NULL, 255, true, true),
    PC("1.5", NULL, 255, true, true),
    PC("1.4", NULL, 255, true, true),
    Q35("7.2", "q35", 288, false, false),
    Q35("7.1", NULL, 288, false, false),
    Q35("7.0", NULL, 288, false, false),
    Q35("6.2", NULL, 288, false, false),
    Q35("6.1", NULL, 288, false, false),
    Q35("6.0", NULL, 288, false, false),
    Q35("5.2", NULL, 288, false, false),
    Q35("5.1", NULL, 288, false, false),
    Q35("5.0", NULL, 288, true, false),
    Q35("4.2", NULL, 288, true, false),
    Q35("4.1", NULL, 288, true, false),
    Q35("4.0.1", NULL, 288, true, false),
    Q35("4.0", NULL, 288, true, false),
    Q35("3.1", NULL, 288, true, false),
    Q35("3.0", NULL, 288, true, false),
    Q35("2.12", NULL, 288, true, false),
    Q35("2.11", NULL, 288, true, false),
    Q35("2.10", NULL, 288, true, false),
    Q35("2.9", NULL, 288, true, false),
    Q35("2.8", NULL, 288, true, false),
    Q35("2.7", NULL, 255, true, false),
    Q35("2.6", NULL, 255, true, false),
    Q35("2.5", NULL, 255, true, false),
    Q35("2.4", NULL, 255, true, false),
    {.name = "isapc",
     .text = "ISA-only PC",
     .has_isa = true,
     .has_ide = true,
     .ide_buses = 2,
     .ide_units = 2,
     .first_floppy = 10,
     .first_ide = 15,
     .type = "isapc-machine",
     .cpu_max = 1,
     .plugs_cpus = true,
     .cpu_type = "486-x86_64-cpu",
     .ram_id = "pc.ram"},
    {.name = "none",
     .text = "empty machine",
     .type = "none-machine",
     .cpu_max = 1,
     .ram_id = "ram"},
    {.name = "x-remote",
     .text = "Experimental remote machine",
     .type = "x-remote-machine",
     .cpu_max = 1},
};

static const Board *const default_board = &boards[1];
/* CONTROL */
static const Board *chosen = default_board;

const Board *board_at(unsigned index)
{
    return index < ARRAY_SIZE(boards) ? &boards[index] : NULL;
}

bool board_is_default(const Board *board)
{
    return board == default_board;
}

const Board *board_chosen(void)
{
    return chosen;
}

bool board_choose(const char *name, Error **errp)
{
    for (const Board *b = boards; b < boards + ARRAY_SIZE(boards); b++) {
        if (!strcmp(b->name, name) || (b->alias && !strcmp(b->alias, name))) {
            chosen = b;
            return true;
        }
    }
    error_set(errp, "unsupported machine type");
    error_append_hint(errp, "Use -machine help to list supported machines\n");
    return false;
}

void boards_print(void)
{
    printf("Supported machines are:\n");
    for (const Board *b = boards; b < boards + ARRAY_SIZE(boards); b++) {
        if (b->alias) {
            printf("%-20s %s (alias of %s)\n", b->alias, b->text, b->name);
        }
        printf("%-20s %s%s\n", b->name, b->text,
               b == default_board ? " (default)" : "");
    }
}
