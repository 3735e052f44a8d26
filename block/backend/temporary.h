/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images that are written to in the place of another one and forgotten:
 * `-snapshot`, `-drive snapshot=on`.
 */
#ifndef BLOCK_BACKEND_TEMPORARY_H
#define BLOCK_BACKEND_TEMPORARY_H

#include "block/graph/node.h"

struct BlockdevOptions;

/* Opens what @options describe, for reading only, with an image in a file
 * without a name above it; one reference, or NULL with @errp. Under the graph
 * lock. */
Node *co_temporary_overlay(const struct BlockdevOptions *options,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
