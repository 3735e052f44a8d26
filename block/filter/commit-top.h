/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commit filter: above the topmost image that a job moves down, while its
 * data is in two places. It passes everything on.
 *
 *     overlay                 overlay
 *        | insert  -------->     |
 *        |                   commit_top
 *        | <--------  drop       | backing
 *       top                     top
 */
#ifndef BLOCK_FILTER_COMMIT_TOP_H
#define BLOCK_FILTER_COMMIT_TOP_H

#include "block/graph/node.h"

/*
 * Puts a filter called @name (NULL: generated) between @top, quiesced, and
 * all its users. Returns it with one reference, which co_commit_top_drop takes
 * back; NULL with nothing changed. Under the graph lock.
 */
Node *co_commit_top_insert(Node *top, const char *name,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Gives the users that it still has back and drops the reference. Under the
 * graph lock. */
void co_commit_top_drop(Node *filter) COROUTINE_ONLY CONTROL_ONLY;

#endif
