/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a blkdebug node: a machine of numbered states that events move,
 * and errors that wait for their event and then for a request.
 */
#ifndef BLOCK_FILTER_BLKDEBUG_RULES_H
#define BLOCK_FILTER_BLKDEBUG_RULES_H

#include "qapi/qapi-types.h"
#include "util/error.h"

typedef struct BlkdebugRules BlkdebugRules;

/* None yet, in state 1. */
BlkdebugRules *blkdebug_rules_new(void);
/* Adds those of the lists of options. */
void blkdebug_rules_add(BlkdebugRules *rules,
                        const BlockdevOptionsBlkdebug *options);
void blkdebug_rules_free(BlkdebugRules *rules);

/* @event happens: errors that wait for it become active in place of those that
 * were, then the state changes. */
void blkdebug_rules_event(BlkdebugRules *rules, BlkdebugEvent event);

/*
 * A request is about to be passed on. Returns 0, or -errno where an active
 * error meets it, or more than 0 where one with a negative number does: then
 * the request does nothing and succeeds. *@immediately then says not to yield
 * before that. A flush has no bytes.
 */
int blkdebug_rules_check(BlkdebugRules *rules, BlkdebugIOType type,
                         uint64_t offset_bytes, uint64_t bytes,
                         bool *immediately);

#endif
