/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The breaks of one blkdebug node, and the requests that they hold. */
#ifndef BLOCK_FILTER_BLKDEBUG_BREAK_H
#define BLOCK_FILTER_BLKDEBUG_BREAK_H

#include "qapi/qapi-types.h"
#include "util/coroutine/sync.h"
#include "util/list.h"

/* HOME, all of it. */
typedef struct BlkdebugBreaks {
    ListLink breaks;   /* Break, newest first */
    ListLink holds;    /* Hold, newest first */
    CoQueue suspended; /* who waits for a request to be held */
} BlkdebugBreaks;

void blkdebug_breaks_init(BlkdebugBreaks *b);
/* Nothing may be held. */
void blkdebug_breaks_clear(BlkdebugBreaks *b);

void blkdebug_breaks_add(BlkdebugBreaks *b, BlkdebugEvent event,
                         const char *tag);
/* False if no break had @tag. */
bool blkdebug_breaks_remove(BlkdebugBreaks *b, const char *tag);
/* False if nothing is held under @tag. */
bool blkdebug_breaks_resume(BlkdebugBreaks *b, const char *tag);
void blkdebug_breaks_resume_all(BlkdebugBreaks *b);
void co_blkdebug_breaks_wait(BlkdebugBreaks *b, const char *tag) COROUTINE_ONLY;

/* @event happens in this coroutine: returns when all breaks on it have been
 * resumed; at once if there are none. */
void co_blkdebug_breaks_event(BlkdebugBreaks *b,
                              BlkdebugEvent event) COROUTINE_ONLY;

#endif
