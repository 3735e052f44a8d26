/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others may ask of a raw node. */
#ifndef BLOCK_FILE_RAW_H
#define BLOCK_FILE_RAW_H

#include "block/graph/node.h"

/*
 * Nobody said that @node is raw, a look at it did: a write after which it
 * would look like another format fails with -EPERM from now on, or its guest
 * could choose what the next look finds (a backing file that is any file of
 * the host's). Before its first request. No effect on nodes of other drivers.
 */
void raw_guard(Node *node) CONTROL_ONLY;

#endif
