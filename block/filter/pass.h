/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What filters that pass requests on to their file have in common. */
#ifndef BLOCK_FILTER_PASS_H
#define BLOCK_FILTER_PASS_H

#include "block/graph/driver.h"
#include "block/io/io.h"

/* The first member of such a filter's state. */
typedef struct PassState {
    /* CONST */
    Edge *file;
} PassState;

/* Opens the file and takes its size over. */
bool co_pass_open(Node *node, const struct BlockdevRef *file,
                  Error **errp) COROUTINE_ONLY CONTROL_ONLY;
int co_pass_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_pass_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_pass_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags) COROUTINE_ONLY;
int co_pass_pdiscard(Node *node, uint64_t offset_bytes,
                     uint64_t bytes) COROUTINE_ONLY;
int co_pass_truncate(Node *node, uint64_t size_bytes, bool exact,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
