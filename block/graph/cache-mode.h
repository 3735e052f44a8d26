/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache modes of command lines, by name. Any thread. */
#ifndef BLOCK_GRAPH_CACHE_MODE_H
#define BLOCK_GRAPH_CACHE_MODE_H

#include <stdbool.h>

typedef struct CacheMode {
    const char *name;
    bool direct, no_flush; /* the node's options of these names */
    bool writethrough;     /* each write is on stable storage on return */
} CacheMode;

/* NULL if @name is none of none, writethrough, writeback, directsync,
 * unsafe. */
const CacheMode *cache_mode_find(const char *name);

#endif
