/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapshot.c, snapshot-counts.c and snapshot-table.c share. */
#ifndef BLOCK_QCOW2_SNAPSHOT_INT_H
#define BLOCK_QCOW2_SNAPSHOT_INT_H

#include "block/qcow2/qcow2-int.h"

void qcow2_snapshot_free(gpointer snapshot);
/* Why its L1 table cannot be one, or NULL. Such a snapshot is listed, but not
 * used. */
const char *qcow2_snapshot_wrong(const Qcow2State *s, const Qcow2Snapshot *sn);
/* Reads the entries that the header tells of into s->snapshots. @mend: what is
 * too much is left out, otherwise it is an error. */
int co_qcow2_snapshots_read(Qcow2State *s, bool mend,
                            Error **errp) COROUTINE_ONLY;
/* Writes the table anew and lets the header name it; on stable storage when
 * it returns. The old one is let go of. On failure the header still names the
 * old one. */
int co_qcow2_snapshots_write(Qcow2State *s) COROUTINE_ONLY;

/* --- snapshot-counts.c --------------------------------------------------- */

/* One more reference for all that @l1 of @entries leads to, or for nothing. */
int co_qcow2_counts_raise(Qcow2State *s, uint64_t *l1,
                          uint32_t entries) COROUTINE_ONLY;
/* One less, once all that was changed before is on stable storage. */
int co_qcow2_counts_lower(Qcow2State *s, uint64_t *l1,
                          uint32_t entries) COROUTINE_ONLY;
/* The disk's flags follow the counts as they are now, on disk too. */
int co_qcow2_flags_refresh(Qcow2State *s) COROUTINE_ONLY;

#endif
