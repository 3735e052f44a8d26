/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guarded stacks, pooled by thread. Owned by the coroutine room.
 *
 * Invariants: below every stack lies an unmapped page; a thread keeps at most
 * STACK_POOL_MAX unused stacks, the rest goes back to the system.
 */
#ifndef UTIL_COROUTINE_STACK_H
#define UTIL_COROUTINE_STACK_H

#include "util/common.h"

#define STACK_POOL_MAX 64

/* Returns the lowest usable address of @bytes of memory; @bytes is
 * the same in every call. Its content is undefined. Aborts when
 * memory is out. */
void *stack_get(size_t bytes);
void stack_put(void *stack, size_t bytes);
/* Unmaps this thread's unused stacks. */
void stack_pool_drain(size_t bytes);
/* Unused stacks this thread keeps. */
unsigned stack_pool_count(void);

#endif
