/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mirror filter: between a disk and its users while a job keeps a copy of
 * it; it passes everything on, and in the mode "active" writes to the copy
 * too.
 *
 *      users                     users              users
 *        |      insert             |      pivot       |
 *        |     -------->      mirror_top  ------>   target
 *        |     <--------     | backing | target
 *      disk      drop       disk     target
 *
 * Invariants:
 * 1. What users write is marked in the copy's bitmap by the disk's own node, as
 *    in every bitmap that records: there is no moment at which marking changes
 *    hands.
 * 2. While the filter has users nobody else writes to the disk or resizes it.
 * 3. All writes of users are active, or none is: the mode changes while they
 *    are quiesced.
 * All functions are for the control thread, under the graph lock.
 */
#ifndef BLOCK_FILTER_MIRROR_TOP_H
#define BLOCK_FILTER_MIRROR_TOP_H

#include "block/copy/block-copy.h"

/*
 * Puts a filter called @name (NULL: generated) between @source, quiesced, and
 * all its users. @target_is_behind: it is an image behind @source, whose chain
 * then goes on reading it. @todo, a bitmap of @source that the caller keeps
 * until the filter is gone, says what is to be copied. Returns the filter with
 * one reference, which co_mirror_top_drop takes back; NULL with nothing
 * changed, and *@target_refused if it is the target's users who do not bear it.
 */
Node *co_mirror_top_insert(Node *source, Node *target, DirtyBitmap *todo,
                           bool target_is_behind, const char *name,
                           bool *target_refused,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Writes of users go to the target too / do not. The filter is quiesced. */
void mirror_top_set_active(Node *filter, bool active) CONTROL_ONLY;
bool mirror_top_active(const Node *filter);
/*
 * Gives all users of the filter to @to: the disk below, or its copy. The filter
 * and @to must be quiesced. It asks for nothing any more and shares all. With
 * @txn not NULL all is undone if that aborts. False with nothing changed, the
 * text of a permission conflict.
 */
bool mirror_top_give_users(Node *filter, Node *to, Txn *txn,
                           Error **errp) CONTROL_ONLY;
/* The users go back to the disk; cannot fail, does not yield. Quiesced. */
void mirror_top_bypass(Node *filter) CONTROL_ONLY;
/* Quiesces and bypasses the filter, unless its users are given away already,
 * and drops the caller's reference. */
void co_mirror_top_drop(Node *filter) COROUTINE_ONLY CONTROL_ONLY;

/* The engine, owned by the filter; it works between its two edges. */
BlockCopy *mirror_top_copy(const Node *filter);

#endif
