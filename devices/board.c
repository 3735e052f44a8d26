/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of machines. */
#include "devices/board.h"

#include <stdio.h>

#define PC_TEXT "Standard PC (i440FX + PIIX, 1996)"
#define Q35_TEXT "Standard PC (Q35 + ICH9, 2009)"
#define PC(v)                                               \
    {                                                       \
        "pc-i440fx-" v, PC_TEXT, NULL, "pci.0", true, true, \
            "pc-i440fx-" v "-machine"                       \
    }
#define Q35(v)                                             \
    {                                                      \
        "pc-q35-" v, Q35_TEXT, NULL, "pcie.0", true, true, \
            "pc-q35-" v "-machine"                         \
    }

static const Board boards[] = {
    {"microvm", "microvm (i386)", NULL, NULL, true, false, "microvm-machine"},
    {"pc-i440fx-7.2", PC_TEXT, "pc", "pci.0", true, true,
     "pc-i440fx-7.2-machine"},
    PC("7.1"),
    PC("7.0"),
    PC("6.2"),
    PC("6.1"),
    PC("6.0"),
    PC("5.2"),
    PC("5.1"),
    PC("5.0"),
    PC("4.2"),
    {"pc-q35-7.2", Q35_TEXT, "q35", "pcie.0", true, true, "pc-q35-7.2-machine"},
    Q35("7.1"),
    Q35("7.0"),
    Q35("6.2"),
    Q35("6.1"),
    Q35("6.0"),
    Q35("5.2"),
    Q35("5.1"),
    Q35("5.0"),
    Q35("4.2"),
    {"isapc", "ISA-only PC", NULL, NULL, true, true, "isapc-machine"},
    {"none", "empty machine", NULL, NULL, false, false, "none-machine"},
    {"x-remote", "Experimental remote machine", NULL, NULL, false, false,
     "x-remote-machine"},
    {NULL, NULL, NULL, NULL, false, false, NULL},
};

static const Board *const default_board = &boards[1];
/* CONTROL */
static const Board *chosen = default_board;

const Board *board_at(unsigned index)
{
    return boards[index].name ? &boards[index] : NULL;
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
    for (const Board *b = boards; b->name; b++) {
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
    for (const Board *b = boards; b->name; b++) {
        if (b->alias) {
            printf("%-20s %s (alias of %s)\n", b->alias, b->text, b->name);
        }
        printf("%-20s %s%s\n", b->name, b->text,
               b == default_board ? " (default)" : "");
    }
}
