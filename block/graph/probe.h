/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which format an image is in, by its first bytes.
 */
#ifndef BLOCK_GRAPH_PROBE_H
#define BLOCK_GRAPH_PROBE_H

#include "block/graph/node.h"

struct BlockdevOptions;

/* As many bytes as a look at an image needs. */
#define PROBE_BYTES 512

/* The format that the first @bytes of an image look like; "raw" if none. That
 * it has a driver here is not said. Any thread. */
const char *probe_format(const void *head, size_t bytes);

/* The format of the file that @loose options (of its own driver; borrowed)
 * lead to; NULL with @errp if it cannot be read, or is one that has no driver
 * here. Under the graph lock. */
const char *co_probe_loose(json_object *loose,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* Says on stderr that @filename was taken for raw for want of a format: who
 * trusts the first bytes of a raw disk trusts its guest. */
void probe_warn_raw(const char *filename);

#endif
