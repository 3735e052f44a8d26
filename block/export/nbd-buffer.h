/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for the payload of NBD requests. Control thread. */
#ifndef BLOCK_EXPORT_NBD_BUFFER_H
#define BLOCK_EXPORT_NBD_BUFFER_H

#include "block/graph/node.h"

/* At least @bytes (> 0), fit for I/O on @node; its content is undefined. NULL
 * when memory is out. */
void *nbd_buffer_alloc(const Node *node, size_t bytes);
/* @bytes as for the allocation. NULL is fine. */
void nbd_buffer_free(void *buf, size_t bytes);
/* Gives all idle ones back to the system. */
void nbd_buffers_drain(void);

#endif
