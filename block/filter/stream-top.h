/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream filter: between a disk and its users while a job copies up what
 * lies in the images behind it; it keeps users' writes and the job apart.
 *
 * Invariants:
 * 1. While a range is copied up no user's write to it is under way.
 * 2. While the filter has users nobody else writes to the disk or resizes it.
 * All functions are for the control thread, under the graph lock, but for the
 * copying.
 */
#ifndef BLOCK_FILTER_STREAM_TOP_H
#define BLOCK_FILTER_STREAM_TOP_H

#include "block/graph/driver.h"

/* Puts a filter called @name (NULL: generated) between @disk, quiesced, and all
 * its users. With one reference; NULL with nothing changed. */
Node *co_stream_top_insert(Node *disk, const char *name,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Once the job holds what it works on, and who does not bear that was told so:
 * nobody writes to the disk, or below it, but by way of the filter. False with
 * the text of a conflict; then drop it. */
bool stream_top_keep_alone(Node *filter, Error **errp) CONTROL_ONLY;
/* Quiesces the filter, gives its users back to the disk and drops the caller's
 * reference. Cannot fail. */
void co_stream_top_drop(Node *filter) COROUTINE_ONLY CONTROL_ONLY;

/*
 * Copies to the disk's own layer what of [@offset_bytes, +@bytes) lies in the
 * @layers below it, through @buf of @bytes. Behind a gate above the filter. 0
 * or -errno; *@error_is_read says on which side.
 */
int co_stream_top_copy_up(Node *filter, uint64_t offset_bytes, uint64_t bytes,
                          unsigned layers, void *buf,
                          bool *error_is_read) COROUTINE_ONLY;

#endif
