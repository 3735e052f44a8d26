/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files of blkdebug: rules as text.
 *
 *   # a comment
 *   [inject-error]
 *   event = "read_aio"
 *   errno = "28"
 *
 *   [set-state "optional-id"]
 *   event = "write_aio"
 *   new_state = "2"
 *
 * Source: what QEMU 7.2 takes.
 */
#ifndef BLOCK_FILTER_BLKDEBUG_CONFIG_H
#define BLOCK_FILTER_BLKDEBUG_CONFIG_H

#include "qapi/qapi-types.h"
#include "util/error.h"

/* The rules in the file at @path: options with nothing but the two lists of
 * rules, for BlockdevOptionsBlkdebug_free; NULL if they make no sense.
 * Blocks for the length of a small file. */
BlockdevOptionsBlkdebug *blkdebug_config_read(const char *path, Error **errp);

#endif
