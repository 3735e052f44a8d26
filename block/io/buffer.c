/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for requests. */
#include "block/io/io.h"

#include <stdlib.h>

#define PAGE_BYTES 4096u

void *io_buffer_alloc(const Node *node, size_t bytes)
{
    size_t align = MAX(node->limits.memory_align, PAGE_BYTES);
    void *buf;

    return posix_memalign(&buf, align, ROUND_UP(MAX(bytes, 1), align)) == 0
               ? buf
               : NULL;
}

void io_buffer_free(void *buf)
{
    free(buf);
}
