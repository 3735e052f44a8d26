/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of a check share: counting of references (check-refs.c), the
 * walk over everything that refers (check.c), the table of snapshots
 * (check-snapshots.c), comparing and mending counts
 * (check-compare.c), new refcount structures (check-rebuild.c).
 */
#ifndef BLOCK_QCOW2_CHECK_INT_H
#define BLOCK_QCOW2_CHECK_INT_H

#include "block/qcow2/qcow2-int.h"

/* Clusters behind the end of the file that something refers to: they read as
 * zeroes, so nothing new may be put there. */
typedef struct Qcow2Beyond {
    uint64_t first, end;
} Qcow2Beyond;

/* More than these are not kept apart. */
#define QCOW2_BEYOND_MAX 4096

typedef struct Qcow2Check {
    Qcow2State *s;
    FormatCheck *out;
    uint64_t clusters;  /* of the file */
    uint64_t counted;   /* clusters from 0 on that may have references */
    GPtrArray *pages;   /* counts, made when touched; see check-refs.c */
    GArray *beyond;     /* Qcow2Beyond: what is referred to and cannot be */
    uint64_t elsewhere; /* corruptions that are none of counts */
    uint64_t too_much;  /* cluster whose count does not fit, at -EOVERFLOW */
    bool needs_rebuild; /* some counts have no place to be mended in */
} Qcow2Check;

void qcow2_check_say(Qcow2Check *c, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* @fix: CHECK_FIX_ of what is said; "Repairing" or "ERROR". */
static inline bool qcow2_check_fixes(const Qcow2Check *c, unsigned fix)
{
    return c->out->fix & fix;
}

bool qcow2_check_refs_init(Qcow2Check *c);
void qcow2_check_refs_free(Qcow2Check *c);
/* One more reference for each cluster that [@offset, +@bytes) touches; what
 * lies a cluster or more behind the file's end is a corruption. */
void qcow2_check_ref(Qcow2Check *c, uint64_t offset, uint64_t bytes);
uint64_t qcow2_check_count(const Qcow2Check *c, uint64_t cluster);
void qcow2_check_set_count(Qcow2Check *c, uint64_t cluster, uint64_t count);
/* How many clusters from 0 on have counts in memory. */
uint64_t qcow2_check_known(const Qcow2Check *c);

/* Looks at the table of snapshots, which may have been left to be read here;
 * *@wrong: how many corruptions of it are to be mended. That happens when the
 * counts have been mended, so that it does not take what is in use. */
int co_qcow2_check_snapshots(Qcow2Check *c, uint64_t *wrong) COROUTINE_ONLY;
int co_qcow2_mend_snapshots(Qcow2Check *c, uint64_t wrong) COROUTINE_ONLY;
int co_qcow2_check_bitmaps(Qcow2Check *c) COROUTINE_ONLY;
/* The table at @offset; @active: it is the disk's, and counts for its
 * fragmentation. */
int co_qcow2_check_l2(Qcow2Check *c, bool active,
                      uint64_t offset) COROUTINE_ONLY;
int co_qcow2_check_compare(Qcow2Check *c) COROUTINE_ONLY;
int co_qcow2_check_rebuild(Qcow2Check *c) COROUTINE_ONLY;
/* The same with counts of 1 << @order bits; -EOVERFLOW if one does not fit,
 * then nothing has changed but s->refcount_order. */
int co_qcow2_check_rebuild_as(Qcow2Check *c, unsigned order) COROUTINE_ONLY;
/* Counts all references (makes the counts; the caller frees them). */
int co_qcow2_check_count_all(Qcow2Check *c) COROUTINE_ONLY;
int co_qcow2_check_copied(Qcow2Check *c) COROUTINE_ONLY;

#endif
