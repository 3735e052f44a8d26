/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command reopen: what was said, and the options that come of it. */
#ifndef IO_COMMANDS_REOPEN_INT_H
#define IO_COMMANDS_REOPEN_INT_H

#include "block/graph/cache-mode.h"
#include "block/graph/node.h"
#include "qapi/qapi-types.h"

struct json_object;

typedef struct Reopening {
    bool has_mode, read_only;  /* -r or -w */
    const CacheMode *cache;    /* -c; NULL: not given */
    struct json_object *words; /* -o; NULL: not given */
} Reopening;

/* How @node was opened, with what was said put over it, deep; for a reopen of
 * that node. To be freed; NULL with @errp, in the words of qemu-io. Control. */
BlockdevOptions *io_reopen_options(const Reopening *r, Node *node,
                                   Error **errp);

#endif
