/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a machine that an image keeps behind its disk. */
#ifndef BLOCK_FILE_ROOT_VM_STATE_H
#define BLOCK_FILE_ROOT_VM_STATE_H

#include "block/graph/root.h"

/* @bytes at @offset_bytes of the state in the image that @root is on, below
 * filters; what was never written reads as zeroes. Requests are held
 * meanwhile. 0 or -errno: -ENOTSUP where the format keeps none, -EFBIG beyond
 * what it can hold. Not under the graph lock. */
int co_root_vm_state_read(Root *root, uint64_t offset_bytes, uint64_t bytes,
                          void *buf) COROUTINE_ONLY CONTROL_ONLY;
int co_root_vm_state_write(Root *root, uint64_t offset_bytes, uint64_t bytes,
                           const void *buf) COROUTINE_ONLY CONTROL_ONLY;

#endif
