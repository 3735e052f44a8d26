/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping requests at chosen points of their way, for tests: a break waits
 * for an event at a blkdebug node; the request that makes it happen is
 * suspended under the break's tag until it is resumed. A break stops one
 * request, and is gone then. Closing the gates above resumes all.
 *
 * @node is a blkdebug node, or one above it: the first below is meant. All
 * on control, where the node must have its home. -ENOTSUP where there is none.
 */
#ifndef BLOCK_FILTER_BLKDEBUG_H
#define BLOCK_FILTER_BLKDEBUG_H

#include <stdbool.h>

#include "util/coroutine/coroutine.h"

struct Error;
struct Node;
struct json_object;

/* Sets a break on @event, a name as in QMP ("pwritev"): 0; -ENOENT for an
 * event that does not exist. Several may have the same tag. */
int blkdebug_break(struct Node *node, const char *event, const char *tag);
/* Removes all breaks with @tag and resumes the requests that are suspended
 * under it: 0; -ENOENT if no break had it. */
int blkdebug_remove_break(struct Node *node, const char *tag);
/* Resumes the request that was suspended last under @tag: 0; -ENOENT if none
 * is. */
int blkdebug_resume(struct Node *node, const char *tag);
/* Returns 0 when a request is suspended under @tag, at once if one is. */
int co_blkdebug_wait_break(struct Node *node, const char *tag) COROUTINE_ONLY;

/* Options in words: a rule that is no list is a list of one, and so on; see
 * NodeDriver.expand_options. */
bool blkdebug_expand_options(struct json_object *options, struct Error **errp);

#endif
