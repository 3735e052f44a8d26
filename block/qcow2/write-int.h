/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What write.c and fill.c share. */
#ifndef BLOCK_QCOW2_WRITE_INT_H
#define BLOCK_QCOW2_WRITE_INT_H

#include "block/qcow2/qcow2-int.h"

/* Clusters in a row that get their data together. */
typedef struct Qcow2Target {
    uint64_t guest; /* first cluster */
    uint64_t clusters;
    uint64_t host;
    bool taken; /* for this write; else the place they had */
    bool fresh;
    uint64_t from, to;           /* of the guest's bytes, absolute */
    uint64_t fill_from, fill_to; /* what is valid afterwards */
    ReqFlags flags;              /* of the data */
} Qcow2Target;

/* Where what must be valid afterwards begins (or ends, @upper), if the guest's
 * bytes begin (or end) at @at. */
int co_qcow2_fill_edge(Qcow2State *s, const Qcow2Target *t, uint64_t at,
                       bool upper, uint64_t *edge) COROUTINE_ONLY;
/* Whether what fills the clusters up on both sides is zeroes, and the place
 * reads as such by now: then only the guest's bytes are to be written. */
int co_qcow2_fill_zeroes(Qcow2State *s, const Qcow2Target *t,
                         bool *done) COROUTINE_ONLY;
/* What was there before in [@from, @to), in memory; NULL if that is nothing. */
int co_qcow2_read_old(Qcow2State *s, uint64_t from, uint64_t to,
                      void **buf) COROUTINE_ONLY;

#endif
