/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy-on-read: shows its file, and has it keep what is read from the images
 * behind it, down to `bottom`.
 *
 * Invariant: what was written to the file since it was read is never
 * overwritten (block/io/copy-on-read.c).
 */
#include "block/filter/pass.h"
#include "qapi/qapi-types.h"

extern const NodeDriver driver_copy_on_read;

typedef struct CorState {
    PassState pass;
    /* CONST */
    Node *bottom; /* with a reference, or NULL: all images */
} CorState;

static Node *find_bottom(const char *name, Error **errp)
{
    Node *bottom = node_find(name);

    if (!bottom) {
        error_set(errp, "Bottom node '%s' not found", name);
    } else if (bottom->driver->is_filter) {
        error_set(errp, "Bottom node '%s' is a filter", name);
        bottom = NULL;
    }
    return bottom;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_cor_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsCor *o = &options->u.copy_on_read;
    CorState *s = node->state;

    if (!co_pass_open(node, o->file, errp)) {
        return false;
    }
    if (o->bottom) {
        s->bottom = find_bottom(o->bottom, errp);
        if (!s->bottom) {
            return false;
        }
        node_ref(s->bottom);
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static void co_cor_close(Node *node)
{
    CorState *s = node->state;

    co_node_unref(s->bottom);
}

static void cor_child_perm(const Node *node, const Edge *edge, Perms perm,
                           Perms shared, Perms *child_perm, Perms *child_shared)
{
    *child_perm = perm | PERM_WRITE_UNCHANGED;
    *child_shared = shared;
}

/* Sets *@bytes to those from @at on of which the same holds: the file shall
 * get them from some image down to the bottom. */
COROUTINE_ONLY
static int co_cor_next(const CorState *s, uint64_t at, uint64_t *bytes,
                       bool *copy)
{
    const Edge *below = node_backing_child(s->bottom);
    BlockStatus status;
    unsigned depth;
    int ret = co_node_block_status_above(s->pass.file->child,
                                         below ? below->child : NULL, false, at,
                                         *bytes, &status, &depth);

    if (ret == 0 && status.bytes) {
        *bytes = status.bytes;
    }
    *copy = ret == 0 && depth > 1;
    return ret;
}

COROUTINE_ONLY
static int co_cor_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const CorState *s = node->state;
    uint64_t n;
    int ret = 0;

    for (; ret == 0 && bytes; bytes -= n, offset_bytes += n, iov_offset += n) {
        bool copy = true;

        n = bytes;
        if (s->bottom) {
            ret = co_cor_next(s, offset_bytes, &n, &copy);
        }
        if (ret == 0) {
            ret = co_edge_preadv(s->pass.file, offset_bytes, n, iov, iov_offset,
                                 flags | (copy ? REQ_COPY_ON_READ : 0));
        }
    }
    return ret;
}

const NodeDriver driver_copy_on_read = {
    .name = "copy-on-read",
    .state_bytes = sizeof(CorState),
    .threading = NODE_ANY,
    .is_filter = true,
    .shown_by_options = true,
    .supports_fua = true,
    .co_open = co_cor_open,
    .co_close = co_cor_close,
    .child_perm = cor_child_perm,
    .co_preadv = co_cor_preadv,
    .co_pwritev = co_pass_pwritev,
    .co_pwrite_zeroes = co_pass_pwrite_zeroes,
    .co_pdiscard = co_pass_pdiscard,
    .co_truncate = co_pass_truncate,
};
