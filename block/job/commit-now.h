/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A commit that is done when the call returns: what people ask for by hand. */
#ifndef BLOCK_JOB_COMMIT_NOW_H
#define BLOCK_JOB_COMMIT_NOW_H

#include "block/graph/node.h"

/*
 * Writes what the image at @node holds into the image behind it, which grows
 * if it is smaller, and then empties the first, if its format can. What users
 * of @node see does not change; they may read and write meanwhile. 0 or
 * -errno, then with *@errp if there is more to say. An error leaves the image
 * as full as it was. Under the graph lock.
 */
int co_commit_now(Node *node, Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
