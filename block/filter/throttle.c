/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * throttle: shows its file; reads, writes, zeroes and discards wait until the
 * group's limits have room for them (throttle-group.h).
 */
#include "block/filter/throttle-group.h"
#include "block/graph/driver.h"
#include "block/graph/quiesce.h"
#include "block/io/io.h"

extern const NodeDriver driver_throttle;

typedef struct ThrottleState {
    /* CONST */
    Edge *file;
    /* CONTROL */
    ThrottleMember member;
} ThrottleState;

/* --- life ---------------------------------------------------------------- */

/* CONTROL: the program ends; no limit holds any more */
static bool released;

CONTROL_ONLY
static bool is_hurried(void *opaque)
{
    return released || node_quiescing(opaque);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_throttle_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsThrottle *o = &options->u.throttle;
    ThrottleState *s = node->state;
    Object *group;

    /* First: the program may end while the child is being opened. */
    throttle_member_init(&s->member, is_hurried, node);
    s->file = co_node_open_child(node, o->file, "file",
                                 EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (!s->file) {
        return false;
    }
    group = throttle_group_find(o->throttle_group, errp);
    if (!group) {
        return false;
    }
    throttle_member_join(&s->member, group);
    node->size_bytes = s->file->child->size_bytes;
    return true;
}

CONTROL_ONLY
static void co_throttle_close(Node *node)
{
    ThrottleState *s = node->state;

    throttle_member_join(&s->member, NULL);
}

typedef struct ReopenUndo {
    ThrottleState *state;
    Object *group;
} ReopenUndo;

/* The old group lives: it cannot be removed while the reopen goes on, which
 * holds it as a user. */
CONTROL_ONLY
static void reopen_abort(void *opaque)
{
    ReopenUndo *undo = opaque;

    throttle_member_join(&undo->state->member, undo->group);
}

static void reopen_clean(void *opaque)
{
    ReopenUndo *undo = opaque;

    undo->group->users--;
    g_free(undo);
}

static const TxnOps reopen_ops = {.abort = reopen_abort, .clean = reopen_clean};

CONTROL_ONLY
static bool co_throttle_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    const BlockdevOptionsThrottle *o = &reopen->options->u.throttle;
    ThrottleState *s = reopen->node->state;
    Object *group = throttle_group_find(o->throttle_group, errp);
    ReopenUndo *undo;

    if (!group) {
        return false;
    }
    reopen->size_bytes = reopen_child_size(reopen, s->file);
    undo = g_new(ReopenUndo, 1);
    *undo = (ReopenUndo){s, s->member.object};
    undo->group->users++;
    txn_add(txn, &reopen_ops, undo);
    throttle_member_join(&s->member, group);
    return true;
}

CONTROL_ONLY
static void throttle_quiesce_begin(Node *node)
{
    ThrottleState *s = node->state;

    throttle_member_hurry(&s->member);
}

void throttle_release_all(void)
{
    released = true;
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        if (node->driver == &driver_throttle) {
            throttle_quiesce_begin(node);
        }
    }
}

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_throttle_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                              Iov *iov, size_t iov_offset, ReqFlags flags)
{
    ThrottleState *s = node->state;

    co_throttle_admit(&s->member, THROTTLE_READ, bytes);
    return co_edge_preadv(s->file, offset_bytes, bytes, iov, iov_offset, flags);
}

COROUTINE_ONLY
static int co_throttle_pwritev(Node *node, uint64_t offset_bytes,
                               uint64_t bytes, Iov *iov, size_t iov_offset,
                               ReqFlags flags)
{
    ThrottleState *s = node->state;

    co_throttle_admit(&s->member, THROTTLE_WRITE, bytes);
    return co_edge_pwritev(s->file, offset_bytes, bytes, iov, iov_offset,
                           flags);
}

COROUTINE_ONLY
static int co_throttle_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                     uint64_t bytes, ReqFlags flags)
{
    ThrottleState *s = node->state;

    co_throttle_admit(&s->member, THROTTLE_WRITE, bytes);
    return co_edge_pwrite_zeroes(s->file, offset_bytes, bytes, flags);
}

COROUTINE_ONLY
static int co_throttle_pdiscard(Node *node, uint64_t offset_bytes,
                                uint64_t bytes)
{
    ThrottleState *s = node->state;

    co_throttle_admit(&s->member, THROTTLE_WRITE, bytes);
    return co_edge_pdiscard(s->file, offset_bytes, bytes);
}

COROUTINE_ONLY CONTROL_ONLY static int
co_throttle_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    const ThrottleState *s = node->state;

    return co_edge_truncate_along(s->file, size_bytes, exact, errp);
}

static const char *const throttle_options[] = {"throttle-group", NULL};

const NodeDriver driver_throttle = {
    .name = "throttle",
    .state_bytes = sizeof(ThrottleState),
    .threading = NODE_ANY,
    .is_filter = true,
    .identity_options = throttle_options,
    .supports_fua = true,
    .co_open = co_throttle_open,
    .co_reopen = co_throttle_reopen,
    .reopen_options = throttle_options,
    .co_close = co_throttle_close,
    .quiesce_begin = throttle_quiesce_begin,
    .co_preadv = co_throttle_preadv,
    .co_pwritev = co_throttle_pwritev,
    .co_pwrite_zeroes = co_throttle_pwrite_zeroes,
    .co_pdiscard = co_throttle_pdiscard,
    .co_truncate = co_throttle_truncate,
};
