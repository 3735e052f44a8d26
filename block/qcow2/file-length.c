/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the file is: longer ahead of need while it is written, cut to what
 * is used when it is closed.
 *
 * Invariant: s->file_bytes is what the node of the file says.
 */
#include "block/qcow2/alloc-int.h"

#include "qapi/qapi-types.h"

#define GROW_MIN_BYTES (4 * MiB)
#define GROW_MAX_BYTES (64 * MiB)

typedef struct FileGrow {
    Qcow2State *s;
    uint64_t bytes;
    int ret;
} FileGrow;

COROUTINE_ONLY
static void co_grow_on_control(void *opaque)
{
    FileGrow *g = opaque;

    control_assert();
    g->ret = co_edge_truncate(g->s->file, g->bytes, false, NULL);
}

int co_qcow2_file_set_length(Qcow2State *s, uint64_t bytes)
{
    FileGrow g = {s, bytes, 0};

    /* Sizes of nodes change on control. */
    if (reactor_current() == reactor_control()) {
        co_grow_on_control(&g);
    } else {
        co_reactor_call(reactor_control(), co_grow_on_control, &g);
    }
    s->file_bytes = s->file->child->size_bytes;
    return g.ret;
}

int co_qcow2_file_reach(Qcow2State *s, uint64_t bytes)
{
    uint64_t ahead = s->file_bytes / 8;
    int ret;

    if (bytes <= s->file_bytes) {
        return 0;
    }
    ahead = MAX(MIN(ahead, GROW_MAX_BYTES), GROW_MIN_BYTES);
    ret = co_qcow2_file_set_length(s, bytes + ahead);
    if (ret < 0) {
        ret = co_qcow2_file_set_length(s, bytes);
    }
    if (ret < 0) {
        return ret == -ENOTSUP ? -ENOSPC : ret;
    }
    s->file_grown = true;
    return 0;
}

int co_qcow2_file_trim(Qcow2State *s)
{
    if (!s->file_grown || s->fresh_from >= s->file_bytes) {
        return 0;
    }
    s->file_grown = false;
    return co_qcow2_file_set_length(s, s->fresh_from);
}
