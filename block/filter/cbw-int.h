/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a copy-before-write filter: what its files share. See
 * copy-before-write.h for the invariants.
 *
 *   cluster:  untouched --co_cbw_save--> being copied --> in the target (done)
 *   access:   open --co_cbw_snapshot_pdiscard--> closed (for good)
 *   snapshot: whole --cbw_break--> broken (for good)
 *
 * Who reads the snapshot and who writes to the disk meet here:
 *
 *   reader: locks its range in `frozen`, then looks whether it is done
 *   writer: marks its clusters done, then waits until `frozen` is free
 *
 * so a reader of the disk is seen by the writer, or sees that it has to read
 * the target.
 */
#ifndef BLOCK_FILTER_CBW_INT_H
#define BLOCK_FILTER_CBW_INT_H

#include "block/filter/copy-before-write.h"

typedef struct CbwState {
    /* CONST */
    Edge *file, *target;
    BlockCopy *copy;
    bool is_public;           /* made by blockdev-add: it serves snapshots */
    bool break_snapshot;      /* rather than the guest's write */
    bool discards;            /* from the disk, what was copied */
    int64_t timeout_ns;       /* for a copy that a guest waits for; 0: none */
    uint64_t space_cap_bytes; /* 0: none; block/filter/cbw-space.c */
    RangeLocks *frozen;       /* snapshot reads that are at the disk */
    RangeLocks *readers;      /* all snapshot reads */

    /* CONTROL */
    bool bypassed; /* it has been taken out and copies nothing any more */
    void (*ended)(void *opaque); /* hears that it is closed; or NULL */
    void *ended_opaque;
    char *broken_text; /* why the snapshot is broken, or NULL */

    /* ATOMIC */
    int broken; /* -errno: the snapshot is; 0 */

    /* SHORT: clusters whose content at the point in time may be asked for */
    DirtyBitmap *access;
    /* SHORT: clusters that users may have changed since: who wants the point
     * in time finds them in the target. */
    DirtyBitmap *done;
} CbwState;

extern const NodeDriver driver_copy_before_write;

static inline int cbw_broken(const CbwState *s)
{
    return __atomic_load_n(&s->broken, __ATOMIC_SEQ_CST);
}

/* --- copy-before-write.c ------------------------------------------------- */

void cbw_state_init(CbwState *s);
/* What the state has; @s stays. */
void cbw_state_free(CbwState *s);
/* The copy engine and the bitmaps; children and size are there. */
bool cbw_make_engine(Node *filter, uint64_t min_cluster_bytes, Error **errp);

/* --- cbw-open.c ---------------------------------------------------------- */

struct BlockdevOptions;
/* As a driver's (block/graph/driver.h). */
bool co_cbw_open(Node *node, const struct BlockdevOptions *options,
                 Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* --- cbw-space.c --------------------------------------------------------- */

struct BlockdevOptionsCbw;
bool cbw_check_space(const CbwState *s, const struct BlockdevOptionsCbw *o,
                     Error **errp);
/* Its engine is there; nothing was copied. */
bool cbw_set_space(Node *filter, const struct BlockdevOptionsCbw *o,
                   Error **errp);
/* A copy failed with @error because of the bound, not of the target. */
bool cbw_space_is_cause(const CbwState *s, int error) CONTROL_ONLY;
/* For queries; false: there is no bound. */
bool cbw_snapshot_space(const Node *node, uint64_t *used_bytes) CONTROL_ONLY;

/* --- cbw-save.c ---------------------------------------------------------- */

/* After it returned 0 a write to the range may pass to the disk. */
int co_cbw_save(Node *filter, uint64_t offset_bytes,
                uint64_t bytes) COROUTINE_ONLY;

#endif
