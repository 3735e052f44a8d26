/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of machines: which buses they bring.
 */
#ifndef DEVICES_BOARD_H
#define DEVICES_BOARD_H

#include "util/annotations.h"
#include "util/error.h"

typedef struct Board {
    const char *name, *text;
    const char *alias;   /* the short name, or NULL */
    const char *pci_bus; /* "pci.0"; NULL: has no PCI */
    bool has_isa, has_ide;
    bool no_floppy;                /* unless it is asked for */
    unsigned ide_buses, ide_units; /* with @has_ide */
    /* Where its disks stand among its parts: QEMU's places, with one processor
     * and neither ports nor a screen; the floppies stand before the others. */
    unsigned first_floppy, first_ide;
    const char *type; /* of the object /machine */
    /* What programs read of it before they start one. */
    unsigned cpu_max;
    bool plugs_cpus, numa_memory, deprecated;
    const char *cpu_type, *ram_id; /* NULL: none */
} Board;

/* Chooses the machine; the default one before. False with QEMU's text. */
bool board_choose(const char *name, Error **errp) CONTROL_ONLY;
const Board *board_chosen(void) CONTROL_ONLY;
/* The entry at @index; NULL ends. */
const Board *board_at(unsigned index);
bool board_is_default(const Board *board);
/* How many parts more it has before its floppies (fewer: negative), and between
 * these and its other disks. */
void board_count_parts(int before_floppies, unsigned before_ide) CONTROL_ONLY;
/* `-machine help`. */
void boards_print(void);

#endif
