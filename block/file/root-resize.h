/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resizing what a root is on, with new space made in a given way. */
#ifndef BLOCK_FILE_ROOT_RESIZE_H
#define BLOCK_FILE_ROOT_RESIZE_H

#include "block/graph/format.h"

/* "off", "metadata", "falloc", "full"; false: none of these. */
bool preallocation_parse(const char *word, FormatPreallocation *value);

/* @exact: the storage has to get just that size. Only growing preallocates.
 * 0 or -errno; `Unsupported preallocation mode: ...` where the format cannot.
 * Not under the graph lock. */
int co_root_resize(Root *root, uint64_t size_bytes, bool exact,
                   FormatPreallocation preallocation,
                   Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* The same under the graph lock. */
int co_root_resize_locked(Root *root, uint64_t size_bytes, bool exact,
                          FormatPreallocation preallocation,
                          Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
