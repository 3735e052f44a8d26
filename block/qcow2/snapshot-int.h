/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapshot.c and snapshot-table.c share. */
#ifndef BLOCK_QCOW2_SNAPSHOT_INT_H
#define BLOCK_QCOW2_SNAPSHOT_INT_H

#include "block/qcow2/qcow2-int.h"

void qcow2_snapshot_free(gpointer snapshot);
/* Writes the table anew and lets the header name it; on stable storage when
 * it returns. The old one is let go of. On failure the header still names the
 * old one. */
int co_qcow2_snapshots_write(Qcow2State *s) COROUTINE_ONLY;

#endif
