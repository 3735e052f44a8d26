/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands map and alloc: what is allocated. */
#include <stdio.h>

#include "block/io/io.h"
#include "io-commands/io-commands.h"
#include "text/size-text.h"

/* Of the image itself, not of those behind it. */
COROUTINE_ONLY
static int co_own_status(Root *root, uint64_t at, uint64_t bytes,
                         BlockStatus *status)
{
    Node *node;
    Edge *behind;
    unsigned depth;
    int ret;

    co_root_enter(root);
    node = root_node(root);
    behind = node ? node_backing_child(node_skip_filters(node)) : NULL;
    ret = node ? co_node_block_status_above(node, behind ? behind->child : NULL,
                                            false, at, bytes, status, &depth)
               : -ENOMEDIUM;
    root_leave(root);
    return ret;
}

/* The bytes from @at on that are alike: allocated here or not. */
COROUTINE_ONLY
static int co_same(Root *root, uint64_t at, uint64_t end, bool *allocated,
                   uint64_t *bytes)
{
    BlockStatus status;
    int ret;

    *bytes = 0;
    do {
        bool here;

        ret = co_own_status(root, at + *bytes, end - at - *bytes, &status);
        if (ret < 0) {
            return *bytes ? 0 : ret; /* first what is known */
        }
        here = status.flags & STATUS_ALLOCATED;
        if (!*bytes) {
            *allocated = here;
        } else if (here != *allocated) {
            break;
        }
        *bytes += status.bytes;
    } while (at + *bytes < end);
    return 0;
}

COROUTINE_ONLY
static int co_map(IoShell *shell, int argc, char **argv)
{
    uint64_t end = root_size_bytes(shell->root), at, bytes;
    bool allocated;
    int ret;

    for (at = 0; at < end; at += bytes) {
        g_autofree char *length = NULL, *start = size_text_exact(at);

        ret = co_same(shell->root, at, end, &allocated, &bytes);
        if (ret < 0) {
            /* An image that was found corrupt before has no length. */
            error_report("Failed to %s: %s",
                         ret == -ENOMEDIUM && at == 0 ? "query image length"
                                                      : "get allocation status",
                         strerror(-ret));
            return -1;
        }
        length = size_text_exact(bytes);
        printf("%s (0x%" PRIx64 ") bytes %s allocated at offset %s "
               "(0x%" PRIx64 ")\n",
               length, bytes, allocated ? "   " : "not", start, at);
    }
    return 0;
}

const IoCommand io_command_map = {
    .name = "map",
    .needs_image = true,
    .arguments = "",
    .purpose = "prints the allocated areas of a file",
    .co_run = co_map,
};

/* Bytes of the area that are allocated, added up. */
COROUTINE_ONLY
static int co_count_allocated(Root *root, uint64_t at, uint64_t end,
                              uint64_t *sum)
{
    uint64_t bytes;

    for (*sum = 0; at < end; at += bytes) {
        bool allocated;
        int ret = co_same(root, at, end, &allocated, &bytes);

        if (ret < 0) {
            return ret;
        }
        *sum += allocated ? bytes : 0;
    }
    return 0;
}

COROUTINE_ONLY
static int co_alloc(IoShell *shell, int argc, char **argv)
{
    uint64_t size = root_size_bytes(shell->root), start, bytes = 512, sum;
    g_autofree char *text = NULL;
    int ret;

    if (io_parse_number(argv[1], &start) < 0 ||
        (argc == 3 && io_parse_number(argv[2], &bytes) < 0)) {
        return -1;
    }
    bytes = start < size ? MIN(bytes, size - start) : 0;
    ret = co_count_allocated(shell->root, start, start + bytes, &sum);
    if (ret < 0) {
        printf("is_allocated failed: %s\n", strerror(-ret));
        return -1;
    }
    text = size_text_exact(start);
    printf("%" PRIu64 "/%" PRIu64 " bytes allocated at offset %s\n", sum, bytes,
           text);
    return 0;
}

const IoCommand io_command_alloc = {
    .name = "alloc",
    .min_args = 1,
    .max_args = 2,
    .needs_image = true,
    .arguments = "offset [count]",
    .purpose = "checks if offset is allocated in the file",
    .co_run = co_alloc,
};
