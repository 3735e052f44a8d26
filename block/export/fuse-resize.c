/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What FUSE clients want that only control may do: sizes change there, and it
 * knows what takes how much space. The caller's coroutine waits meanwhile, on
 * its own reactor and outside of the root's gate, which a change of size
 * closes.
 */
#include "block/export/fuse-int.h"
#include "block/file/root-resize.h"
#include "block/graph/query.h"

typedef struct Resize {
    FuseExport *e;
    uint64_t size_bytes;
    FuseResizeWay way;
    int ret;
} Resize;

COROUTINE_ONLY CONTROL_ONLY static int
co_resize_locked(Root *root, uint64_t size_bytes, FuseResizeWay way)
{
    bool allocated = way == FUSE_RESIZE_GROW_ALLOCATED;

    /* Somebody else may have made it as long; that must not be undone. */
    if (way != FUSE_RESIZE_EXACT && root_size_bytes(root) >= size_bytes) {
        return 0;
    }
    if (allocated && !root_node(root)->driver->format) {
        return co_root_grow_allocated(root, size_bytes, NULL);
    }
    return co_root_resize_locked(
        root, size_bytes, true,
        allocated ? FORMAT_PREALLOC_FALLOC : FORMAT_PREALLOC_OFF, NULL);
}

static void resize_on_control(void *opaque)
{
    Resize *z = opaque;

    coroutine_assert();
    control_assert();
    co_graph_lock();
    z->ret = co_resize_locked(z->e->exp->root, z->size_bytes, z->way);
    graph_unlock();
}

int co_fuse_resize(FuseExport *e, uint64_t size_bytes, FuseResizeWay way)
{
    Resize z = {.e = e, .size_bytes = size_bytes, .way = way};

    co_reactor_call(reactor_control(), resize_on_control, &z);
    return z.ret;
}

typedef struct Allocated {
    Root *root;
    int64_t bytes;
} Allocated;

static void ask_on_control(void *opaque)
{
    Allocated *a = opaque;

    coroutine_assert();
    control_assert();
    a->bytes = co_node_allocated_bytes(root_node(a->root));
}

/* Inside of the gate: what is below stays as it is. */
int64_t co_fuse_allocated_bytes(FuseExport *e)
{
    Allocated a = {.root = e->exp->root};

    co_root_enter(a.root);
    co_reactor_call(reactor_control(), ask_on_control, &a);
    root_leave(a.root);
    return a.bytes;
}
