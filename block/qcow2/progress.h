/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far an amendment of several operations is. How long those that have not
 * begun take is not known: each counts as much as the one that runs, so what
 * is told may go back.
 */
#ifndef BLOCK_QCOW2_PROGRESS_H
#define BLOCK_QCOW2_PROGRESS_H

#include <stdint.h>

typedef struct Qcow2Progress {
    void (*tell)(void *opaque, uint64_t done, uint64_t total); /* may be NULL */
    void *opaque;
    unsigned operations;  /* that have not ended; set first */
    uint64_t before;      /* steps of those that have ended */
    uint64_t done, total; /* of the one that runs */
} Qcow2Progress;

/* The next operation begins, of @total steps. */
void qcow2_progress_begin(Qcow2Progress *p, uint64_t total);
void qcow2_progress_tell(const Qcow2Progress *p);
/* Tells how far it is, then counts a step. */
void qcow2_progress_before_step(Qcow2Progress *p);
/* Counts a step, then tells how far it is. */
void qcow2_progress_step(Qcow2Progress *p);
void qcow2_progress_end(Qcow2Progress *p);

#endif
