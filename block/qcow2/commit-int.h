/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commit.c and commit-batch.c share. */
#ifndef BLOCK_QCOW2_COMMIT_INT_H
#define BLOCK_QCOW2_COMMIT_INT_H

#include "block/qcow2/qcow2-int.h"

#define QCOW2_PART_BYTES 512
#define QCOW2_PART_ENTRIES (QCOW2_PART_BYTES / 8)

/* A part of the L1 or refcount table, as it is to be written. */
typedef struct Qcow2Part {
    uint64_t number;
    Be64 entries[QCOW2_PART_ENTRIES];
} Qcow2Part;

/* All that one commit writes. */
typedef struct Qcow2Batch {
    GPtrArray *refs, *l2;
    GHashTable *l1_indexes; /* taken over from the state */
    GHashTable *reftable_indexes;
    GArray *l1_parts, *reftable_parts;
    bool reftable_moved;
    bool defer; /* refs and the refcount table stay in memory */
    GArray *frees;
} Qcow2Batch;

/* Counts may stay in memory: never those that a longer table comes with. */
bool qcow2_may_defer(const Qcow2State *s);
/* @frees: what waits to be freed goes with it. */
void qcow2_batch_take(Qcow2State *s, Qcow2Batch *b, bool frees);
/* What was not written is dirty again. */
void qcow2_batch_end(Qcow2State *s, Qcow2Batch *b, bool ok);

#endif
