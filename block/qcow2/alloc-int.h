/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What alloc.c and refcount.c share; all with alloc_mutex held but the get. */
#ifndef BLOCK_QCOW2_ALLOC_INT_H
#define BLOCK_QCOW2_ALLOC_INT_H

#include "block/qcow2/qcow2-int.h"

int co_qcow2_refcount_change_locked(Qcow2State *s, uint64_t offset,
                                    uint64_t bytes, int change) COROUTINE_ONLY;
/* Makes the file @bytes long, shorter too. A device keeps its length. */
int co_qcow2_file_set_length(Qcow2State *s, uint64_t bytes) COROUTINE_ONLY;

#endif
