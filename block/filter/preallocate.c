/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * preallocate: shows its file, which a format above it makes grow; the file
 * grows in large steps, with its space allocated, and is cut to what is used
 * in the end.
 *
 *   [ what the format uses = node->size_bytes | tail: allocated, zeroes )
 *
 * Invariants:
 * 1. The file is as long as the node, or @tail_end while there is a tail.
 * 2. While there is a tail the filter may write to its file and resize it,
 *    whatever its own users do.
 */
#include "block/filter/pass.h"
#include "qapi/qapi-types.h"

extern const NodeDriver driver_preallocate;

#define DEFAULT_ALIGN (1 * MiB)
#define DEFAULT_SIZE (128 * MiB)
#define SECTOR_BYTES 512

typedef struct PreallocState {
    PassState pass;
    /* CONTROL */
    uint64_t align, size;
    uint64_t tail_end; /* 0: there is no tail */
} PreallocState;

/* --- options ------------------------------------------------------------- */

static bool take_options(PreallocState *s, const BlockdevOptionsPreallocate *o,
                         Error **errp)
{
    int64_t align = o->has_prealloc_align ? o->prealloc_align : DEFAULT_ALIGN;
    int64_t size = o->has_prealloc_size ? o->prealloc_size : DEFAULT_SIZE;
    const char *negative = align < 0  ? "prealloc-align"
                           : size < 0 ? "prealloc-size"
                                      : NULL;

    if (negative) {
        error_set(errp,
                  "Parameter '%s' expects a non-negative number below 2^64",
                  negative);
        return false;
    }
    if (align % SECTOR_BYTES) {
        error_set(errp,
                  "prealloc-align parameter of preallocate filter is not "
                  "aligned to %d",
                  SECTOR_BYTES);
        return false;
    }
    s->align = (uint64_t)align;
    s->size = (uint64_t)size;
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_prealloc_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsPreallocate *o = &options->u.preallocate;

    return take_options(node->state, o, errp) &&
           co_pass_open(node, o->file, errp);
}

/* --- the tail ------------------------------------------------------------ */

/* Cuts the file to what is used. */
COROUTINE_ONLY CONTROL_ONLY static int co_drop_tail(Node *node)
{
    PreallocState *s = node->state;
    int ret;

    if (!s->tail_end) {
        return 0;
    }
    ret = co_edge_truncate(s->pass.file, node->size_bytes, true, NULL);
    if (ret == 0) {
        s->tail_end = 0;
    }
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static void co_prealloc_close(Node *node)
{
    co_drop_tail(node);
}

/* The space behind @used_bytes; that there is none is no error. */
COROUTINE_ONLY CONTROL_ONLY static void co_make_tail(Node *node,
                                                     uint64_t used_bytes)
{
    PreallocState *s = node->state;
    uint64_t from = MAX(node->size_bytes, s->tail_end);
    uint64_t to = used_bytes + s->size;

    to = s->align ? DIV_ROUND_UP(to, s->align) * s->align : to;
    if (to > BLOCK_MAX_BYTES ||
        co_edge_truncate(s->pass.file, to, false, NULL) < 0) {
        return;
    }
    s->tail_end = to;
    co_edge_pwrite_zeroes(s->pass.file, from, to - from, REQ_NO_FALLBACK);
}

/* A format asks for room to write to; other users know what size they want. */
static bool format_asks(const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->parent && !edge->parent->driver->is_filter) {
            return true;
        }
    }
    return false;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_prealloc_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    PreallocState *s = node->state;

    if (!exact && s->size && size_bytes > node->size_bytes &&
        format_asks(node)) {
        if (size_bytes > s->tail_end) {
            co_make_tail(node, size_bytes);
        }
        if (size_bytes <= s->tail_end) {
            return 0;
        }
    }
    if (s->tail_end && size_bytes < s->tail_end &&
        size_bytes >= node->size_bytes && !exact) {
        return 0;
    }
    s->tail_end = 0;
    return co_edge_truncate_along(s->pass.file, size_bytes, exact, errp);
}

static void prealloc_child_perm(const Node *node, const Edge *edge, Perms perm,
                                Perms shared, Perms *child_perm,
                                Perms *child_shared)
{
    const PreallocState *s = node->state;

    *child_perm = perm | (s->tail_end ? PERM_WRITE | PERM_RESIZE : 0);
    *child_shared = shared;
}

/* --- reopening ----------------------------------------------------------- */

/* They may get other values, but not be left out. */
static bool check_left_out(const Node *node,
                           const BlockdevOptionsPreallocate *o, Error **errp)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"prealloc-align", o->has_prealloc_align},
        {"prealloc-size", o->has_prealloc_size},
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (!options[i].given &&
            json_object_object_get_ex(node->options, options[i].name, NULL)) {
            error_set(errp, "Option '%s' cannot be reset to its default value",
                      options[i].name);
            return false;
        }
    }
    return true;
}

typedef struct ReopenUndo {
    PreallocState *state;
    uint64_t align, size;
} ReopenUndo;

static void reopen_abort(void *opaque)
{
    const ReopenUndo *undo = opaque;

    undo->state->align = undo->align;
    undo->state->size = undo->size;
}

static const TxnOps reopen_ops = {.abort = reopen_abort, .clean = g_free};

static bool co_prealloc_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    const BlockdevOptionsPreallocate *o = &reopen->options->u.preallocate;
    PreallocState *s = reopen->node->state;
    ReopenUndo *undo;

    if (!check_left_out(reopen->node, o, errp)) {
        return false;
    }
    undo = g_new(ReopenUndo, 1);
    *undo = (ReopenUndo){s, s->align, s->size};
    txn_add(txn, &reopen_ops, undo);
    return take_options(s, o, errp);
}

static const char *const prealloc_options[] = {
    "prealloc-align",
    "prealloc-size",
    NULL,
};

const NodeDriver driver_preallocate = {
    .name = "preallocate",
    .state_bytes = sizeof(PreallocState),
    .threading = NODE_ANY,
    .is_filter = true,
    .own_size = true,
    .shown_by_options = true,
    .supports_fua = true,
    .co_open = co_prealloc_open,
    .co_reopen = co_prealloc_reopen,
    .reopen_options = prealloc_options,
    .co_settle = co_drop_tail,
    .co_close = co_prealloc_close,
    .child_perm = prealloc_child_perm,
    .co_preadv = co_pass_preadv,
    .co_pwritev = co_pass_pwritev,
    .co_pwrite_zeroes = co_pass_pwrite_zeroes,
    .co_pdiscard = co_pass_pdiscard,
    .co_truncate = co_prealloc_truncate,
};
