/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What l2.c and l2-tables.c share. */
#ifndef BLOCK_QCOW2_L2_INT_H
#define BLOCK_QCOW2_L2_INT_H

#include "block/qcow2/qcow2-int.h"

/* Where the table for @guest is; 0: there is none. */
int co_qcow2_table_of(Qcow2State *s, uint64_t guest,
                      uint64_t *table) COROUTINE_ONLY;
/* The piece of @table with the entry of @guest, and the entry's place in it.
 * To be put. */
int co_qcow2_piece_of(Qcow2State *s, uint64_t table, uint64_t guest,
                      Qcow2Piece **piece, unsigned *byte) COROUTINE_ONLY;

#endif
