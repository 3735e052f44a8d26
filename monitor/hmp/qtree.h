/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chips of a machine, as `info qtree` names them. Any thread. */
#ifndef MONITOR_HMP_QTREE_H
#define MONITOR_HMP_QTREE_H

#include "devices/board.h"

/* A chip, or with @type a bus; @depth tells on what it stands. */
typedef struct QtreeChip {
    int depth;
    const char *name, *type;
    const char *needs; /* the bus that it goes with; NULL: always there */
} QtreeChip;

/* In the order of the tree; a name NULL ends. NULL: the machine has none. */
const QtreeChip *qtree_chips(const Board *board);

#endif
