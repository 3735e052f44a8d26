/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of cache modes: see cache-mode.h. */
#include "block/graph/cache-mode.h"

#include <string.h>

#include "util/common.h"

static const CacheMode modes[] = {
    {"none", true, false, false},         {"off", true, false, false},
    {"directsync", true, false, true},    {"writeback", false, false, false},
    {"writethrough", false, false, true}, {"unsafe", false, true, false},
};

const CacheMode *cache_mode_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (!strcmp(modes[i].name, name)) {
            return &modes[i];
        }
    }
    return NULL;
}
