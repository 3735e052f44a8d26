/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chips of a machine, as `info qtree` names them. Any thread. */
#ifndef MONITOR_HMP_QTREE_H
#define MONITOR_HMP_QTREE_H

#include "devices/board.h"

/* A chip, or with @type a bus; @depth tells on what it stands. */
typedef struct QtreeChip {
    int depth;
    const char *name, *type;
    bool for_floppies; /* there only if the machine has a bus for them */
} QtreeChip;

/* In the order of the tree; a name NULL ends. NULL: the machine has none. */
const QtreeChip *qtree_chips(const Board *board);

#endif
