/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O of roots (block/graph/root.h): through the gate, to the edge.
 *
 * Invariant: between co_root_enter and root_leave the edge does not change,
 * so it is read once, after the gate.
 */
#include "block/io/io-int.h"

#include "block/graph/graph-int.h"

/* Before the gate: who waits here holds up nobody who wants it still. */
COROUTINE_ONLY
static void co_admit(Root *root, bool is_write, uint64_t bytes)
{
    if (root->ops && root->ops->co_admit) {
        root->ops->co_admit(root, is_write, bytes);
    }
}

/* Tells the root's owner if @ret is an error; returns it. */
static int tell(Root *root, bool is_write, int ret)
{
    if (UNLIKELY(ret < 0) && root->ops && root->ops->request_failed) {
        root->ops->request_failed(root, is_write, -ret);
    }
    return ret;
}

int co_root_preadv(Root *root, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   ReqFlags flags)
{
    int ret;

    co_admit(root, false, bytes);
    co_root_enter(root);
    ret = root->edge
              ? co_edge_preadv(root->edge, offset_bytes, bytes, iov, 0, flags)
              : -ENOMEDIUM;
    root_leave(root);
    return tell(root, false, ret);
}

int co_root_pwritev(Root *root, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    ReqFlags flags)
{
    int ret;

    co_admit(root, true, bytes);
    co_root_enter(root);
    ret = root->edge
              ? co_edge_pwritev(root->edge, offset_bytes, bytes, iov, 0, flags)
              : -ENOMEDIUM;
    root_leave(root);
    return tell(root, true, ret);
}

int co_root_pread(Root *root, uint64_t offset_bytes, uint64_t bytes, void *buf)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, buf, bytes);
    ret = co_root_preadv(root, offset_bytes, bytes, &iov, 0);
    iov_free(&iov);
    return ret;
}

int co_root_pwrite(Root *root, uint64_t offset_bytes, uint64_t bytes,
                   const void *buf, ReqFlags flags)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, (void *)buf, bytes);
    ret = co_root_pwritev(root, offset_bytes, bytes, &iov, flags);
    iov_free(&iov);
    return ret;
}

int co_root_pwrite_zeroes(Root *root, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags)
{
    int ret;

    co_admit(root, true, bytes);
    co_root_enter(root);
    ret = root->edge ? co_edge_pwrite_zeroes_as_told(root->edge, offset_bytes,
                                                     bytes, flags)
                     : -ENOMEDIUM;
    root_leave(root);
    return tell(root, true, ret);
}

int co_root_pdiscard(Root *root, uint64_t offset_bytes, uint64_t bytes)
{
    int ret;

    co_admit(root, true, bytes);
    co_root_enter(root);
    ret = root->edge ? co_edge_pdiscard(root->edge, offset_bytes, bytes)
                     : -ENOMEDIUM;
    root_leave(root);
    return ret;
}

int co_root_flush(Root *root)
{
    int ret;

    co_root_enter(root);
    ret = root->edge ? co_edge_flush(root->edge) : -ENOMEDIUM;
    root_leave(root);
    return ret;
}

int co_root_block_status(Root *root, uint64_t offset_bytes, uint64_t bytes,
                         BlockStatus *status)
{
    unsigned depth;
    int ret;

    co_root_enter(root);
    ret = root->edge
              ? co_node_block_status_above(root->edge->child, NULL, true,
                                           offset_bytes, bytes, status, &depth)
              : -ENOMEDIUM;
    root_leave(root);
    return ret;
}

int co_root_allocation_depth(Root *root, uint64_t offset_bytes, uint64_t bytes,
                             uint64_t *run_bytes, unsigned *depth)
{
    BlockStatus status = {.bytes = 0};
    int ret;

    co_root_enter(root);
    ret = root->edge
              ? co_node_block_status_above(root->edge->child, NULL, false,
                                           offset_bytes, bytes, &status, depth)
              : -ENOMEDIUM;
    root_leave(root);
    *run_bytes = status.bytes;
    return ret;
}

/* All that holds @node's own bytes: a format's resize changes its file too. */
static void collect_below(Node *node, GPtrArray *nodes)
{
    if (g_ptr_array_find(nodes, node, NULL)) {
        return;
    }
    g_ptr_array_add(nodes, node);
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (!(edge->role & EDGE_COW)) {
            collect_below(edge->child, nodes);
        }
    }
}

/* What is new gets its space while nobody can have written there yet. */
COROUTINE_ONLY CONTROL_ONLY static int
co_resize_edge(Edge *edge, uint64_t size_bytes, bool exact, bool allocated,
               Error **errp)
{
    uint64_t old_bytes = edge->child->size_bytes;
    int ret = co_edge_truncate(edge, size_bytes, exact, errp);

    if (ret < 0 || !allocated || edge->child->size_bytes <= old_bytes) {
        return ret;
    }
    ret = co_edge_pwrite_zeroes(edge, old_bytes,
                                edge->child->size_bytes - old_bytes, 0);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not allocate space");
    }
    return ret;
}

/* Not through its own gate: the quiesced section closes that one too. */
COROUTINE_ONLY CONTROL_ONLY static int co_resize(Root *root,
                                                 uint64_t size_bytes,
                                                 bool exact, bool allocated,
                                                 Error **errp)
{
    g_autoptr(GPtrArray) nodes = NULL;
    Quiesce *section;
    int ret;

    if (!root->edge) {
        error_set(errp, "No medium found");
        return -ENOMEDIUM;
    }
    nodes = g_ptr_array_new();
    collect_below(root->edge->child, nodes);
    section = co_quiesce_begin((Node *const *)nodes->pdata, nodes->len);
    ret = co_resize_edge(root->edge, size_bytes, exact, allocated, errp);
    quiesce_end(section);
    return ret;
}

int co_root_truncate(Root *root, uint64_t size_bytes, bool exact, Error **errp)
{
    return co_resize(root, size_bytes, exact, false, errp);
}

int co_root_grow_allocated(Root *root, uint64_t size_bytes, Error **errp)
{
    return co_resize(root, size_bytes, true, true, errp);
}
