/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy engine under the copy-before-write filter: a disk with a guest, a
 * target, and the filter between.
 */
#ifndef TESTS_UNIT_COPY_SETUP_H
#define TESTS_UNIT_COPY_SETUP_H

#include "block/filter/copy-before-write.h"
#include "block/graph/quiesce.h"
#include "flaky-disk.h"
#include "ram-node.h"

#define COPY_CLUSTER (64 * KiB)

typedef struct CopySetup {
    GRand *rand;
    Node *source, *target, *filter;
    Root *guest;
    BlockCopy *copy;
    uint64_t size;
    uint8_t *frozen; /* the source when the filter came */
    uint64_t progress;
} CopySetup;

extern const CbwInsertOptions copy_plain; /* no options */

/* The disks, without a filter. @target_cluster: of the target, 0 for none. */
void copy_set_up(CopySetup *s, uint32_t seed, uint64_t size,
                 uint32_t target_cluster);
/* The filter comes, and everything is to be copied. */
void copy_insert_filter(CopySetup *s);
void co_copy_drop_filter(CopySetup *s);
void co_copy_drop_disks(CopySetup *s);
void co_copy_tear_down(CopySetup *s); /* both */
/* Copies what is to do; 0 or the first error. */
int co_copy_rest(CopySetup *s);
/* Nothing is to do, and the target shows the moment at which the filter came.
 */
void copy_assert_frozen(const CopySetup *s);

#endif
