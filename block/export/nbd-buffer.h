/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for the payload of NBD requests, kept by each thread for itself. */
#ifndef BLOCK_EXPORT_NBD_BUFFER_H
#define BLOCK_EXPORT_NBD_BUFFER_H

#include "util/common.h"

/* A connection begins on this thread, and ends: with the last one all idle
 * memory goes back to the system. */
void nbd_buffers_begin(void);
void nbd_buffers_end(void);

/* At least @bytes (> 0) at a multiple of @align bytes; its content is
 * undefined. NULL when memory is out. */
void *nbd_buffer_alloc(uint32_t align, size_t bytes);
/* @bytes as for the allocation. NULL is fine. On the same thread. */
void nbd_buffer_free(void *buf, size_t bytes);

#endif
