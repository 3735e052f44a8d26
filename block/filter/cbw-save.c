/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a write waits for before it may pass a copy-before-write filter, and
 * what happens if that fails or takes too long.
 *
 *   done already? -> else copied, for timeout_ns at most -> readers of the
 *                    same area on the disk end -> the write passes
 *       failed or late: break-guest-write: the write fails, nothing changed
 *                       break-snapshot:    the snapshot is broken, it passes
 *
 * Invariants:
 * 1. A write passes when its clusters are done and no snapshot read of its
 *    range is at the disk, or when the snapshot is broken.
 * 2. `broken` is set before any write passes for that reason. Who read the
 *    snapshot looks at it after the read: it fails rather than shows what was
 *    written.
 * 3. A late copy is given up: it begins no other request. The one that it has
 *    begun keeps the nodes that it uses (late roots) and the filter alive, so
 *    nobody can put the target to another use before that request has ended.
 */
#include "block/filter/cbw-int.h"
#include "block/graph/quiesce.h"
#include "qapi/qapi-events.h"
#include "util/sim.h"

/* --- breaking ------------------------------------------------------------ */

typedef struct BreakMessage {
    Node *filter;
    int error;
    bool is_read;
} BreakMessage;

CONTROL_ONLY
static void tell_broken(const BreakMessage *m)
{
    CbwState *s = m->filter->state;
    const char *reason = cbw_space_is_cause(s, m->error)
                             ? "The space-cap is reached"
                             : g_strerror(-m->error);
    QapiEventBlockSnapshotBroken event = {
        .node_name = (char *)node_name(m->filter),
        .operation =
            m->is_read ? IO_OPERATION_TYPE_READ : IO_OPERATION_TYPE_WRITE,
        .reason = (char *)reason,
        .nospace = m->error == -ENOSPC,
    };

    s->broken_text = g_strdup_printf(
        "%s node '%s': %s", m->is_read ? "reading" : "writing to",
        node_name(m->is_read ? s->file->child : s->target->child), reason);
    /* Nobody needs what is still to do. */
    block_copy_stop_soon(s->copy);
    qapi_event_block_snapshot_broken(&event);
}

static void break_message(void *opaque)
{
    BreakMessage *m = opaque;

    control_assert();
    tell_broken(m);
    g_free(m);
}

/* The snapshot is broken from now on, by @error (-errno) of a request to the
 * disk (@is_read) or the target; the first one counts.
 * The message comes before the answer of the caller's gate, so the filter is
 * still there then. */
static void cbw_break(Node *filter, int error, bool is_read)
{
    CbwState *s = filter->state;
    int none = 0;
    BreakMessage *m;

    assert(error < 0);
    if (!__atomic_compare_exchange_n(&s->broken, &none, error, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        return;
    }
    m = g_new(BreakMessage, 1);
    *m = (BreakMessage){filter, error, is_read};
    reactor_dispatch(reactor_control(), break_message, m);
}

/* --- copying, with an end ------------------------------------------------ */

/* One copy with a time limit. Owned by the one that goes last: the copy, or
 * who waits for it. All on control. */
typedef struct TimedCopy {
    Node *filter;
    uint64_t offset, bytes;
    BlockCopyWatch watch;
    CoQueue ended;
    bool over;
    bool is_read;
    int ret;
    Node *late_node; /* what it uses while it is late, or NULL */
} TimedCopy;

/* Late copies of all filters. CONTROL */
static CoCount late_copies = {.idle = {LIST_INIT(late_copies.idle.waiters)}};

void co_cbw_wait_late(void)
{
    co_count_wait_zero(&late_copies);
}

COROUTINE_ONLY CONTROL_ONLY static void co_late_end(TimedCopy *t)
{
    if (t->late_node) {
        node_late_end(t->late_node);
    }
    co_graph_lock();
    co_node_unref(t->late_node);
    co_node_unref(t->filter);
    graph_unlock();
    g_free(t);
    cocount_dec(&late_copies);
}

COROUTINE_ONLY
static void co_timed_entry(void *opaque)
{
    TimedCopy *t = opaque;
    const CbwState *s = t->filter->state;

    control_assert();
    t->ret = co_block_copy_watched(s->copy, t->offset, t->bytes, &t->watch,
                                   &t->is_read);
    t->over = true;
    if (t->watch.given_up) {
        co_late_end(t);
    } else {
        coqueue_wake_one(&t->ended);
    }
}

/* Nothing yields here: the caller's gate still keeps sections waiting. */
CONTROL_ONLY
static void give_up(TimedCopy *t)
{
    const CbwState *s = t->filter->state;

    t->watch.given_up = true;
    t->late_node = t->watch.writing   ? s->target->child
                   : t->watch.reading ? s->file->child
                                      : NULL;
    t->is_read = t->watch.reading;
    block_copy_space_wake(s->copy);
    if (t->late_node) {
        node_ref(t->late_node);
        node_late_begin(t->late_node);
    }
    node_ref(t->filter);
    cocount_inc(&late_copies);
}

typedef struct TimedCall {
    Node *filter;
    uint64_t offset, bytes;
    bool is_read;
    int ret;
} TimedCall;

COROUTINE_ONLY
static void co_timed_at_home(void *opaque)
{
    TimedCall *call = opaque;
    const CbwState *s = call->filter->state;
    int64_t deadline = reactor_now_ns() + s->timeout_ns;
    TimedCopy *t = g_new0(TimedCopy, 1);

    control_assert();
    t->filter = call->filter;
    t->offset = call->offset;
    t->bytes = call->bytes;
    coqueue_init(&t->ended);
    coroutine_start(co_timed_entry, t);
    while (!t->over && co_queue_wait_until(&t->ended, deadline)) {
    }
    call->ret = t->over                    ? t->ret
                : t->watch.waits_for_space ? -ENOSPC
                                           : -ETIMEDOUT;
    if (t->over) {
        call->is_read = t->is_read;
        g_free(t);
    } else {
        give_up(t);
        call->is_read = t->is_read;
    }
}

COROUTINE_ONLY
static int co_copy(Node *filter, uint64_t offset, uint64_t bytes, bool *is_read)
{
    const CbwState *s = filter->state;
    TimedCall call = {.filter = filter, .offset = offset, .bytes = bytes};

    if (!s->timeout_ns) {
        return co_block_copy(s->copy, offset, bytes, is_read);
    }
    co_reactor_call(reactor_control(), co_timed_at_home, &call);
    *is_read = call.is_read;
    return call.ret;
}

/* --- before a write ------------------------------------------------------ */

int co_cbw_save(Node *filter, uint64_t offset_bytes, uint64_t bytes)
{
    CbwState *s = filter->state;
    uint64_t end = MIN(offset_bytes + bytes, bitmap_size_bytes(s->done));
    bool is_read = false;
    int ret;

    if (cbw_broken(s)) {
        return 0;
    }
    /* What was saved once needs no look at the engine, which is elsewhere. */
    if (bitmap_next_clean(s->done, offset_bytes, end) < end ||
        CHANCE("saved-again")) {
        ret = co_copy(filter, offset_bytes, bytes, &is_read);
        if (ret < 0 && s->break_snapshot) {
            cbw_break(filter, ret, is_read);
            return 0;
        }
        if (ret < 0) {
            return ret;
        }
        bitmap_set(s->done, offset_bytes, bytes);
    }
    /* Also where it was done before: a reader that came before that may still
     * be at the disk. */
    if (!PLANTED("frozen-not-waited")) {
        co_range_wait_free(s->frozen, offset_bytes, bytes);
    }
    return 0;
}
