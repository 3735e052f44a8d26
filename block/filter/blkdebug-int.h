/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a blkdebug node: what its files share. */
#ifndef BLOCK_FILTER_BLKDEBUG_INT_H
#define BLOCK_FILTER_BLKDEBUG_INT_H

#include "block/filter/blkdebug-break.h"
#include "block/filter/blkdebug-rules.h"
#include "block/graph/driver.h"

typedef struct BlkdebugState {
    /* CONST */
    Edge *image;
    uint32_t align;
    uint32_t max_transfer, opt_zeroes, max_zeroes, opt_discard, max_discard;
    Perms take, unshare;
    /* HOME */
    BlkdebugRules *rules;
    BlkdebugBreaks breaks;
} BlkdebugState;

/* --- blkdebug-open.c ----------------------------------------------------- */

/* As of a driver (block/graph/driver.h). */
extern const char *const blkdebug_identity[];
bool co_blkdebug_open(Node *node, const BlockdevOptions *options,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
