/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate of a root: a plain counter per reactor.
 *
 *            co_root_enter                         root_leave
 *   outside ----------------> in flight (inflight++) ---------> outside
 *      |  lane closed                ^                (inflight--; 0: tell
 *      +-----------> parked ---------+                 the closers)
 *                           lane_open admits all
 *
 * Invariants:
 * 1. A lane is touched by its own reactor only: control sends it messages.
 * 2. lane.closed equals root.closed, apart from messages on their way. A lane
 *    registers under gate_mutex, so a closer either sees it or it sees the
 *    closer.
 * 3. Parked requests were admitted by nobody yet; opening admits all of them
 *    in order before any later one, and counts them from then on.
 * 4. A closer hears of each lane once, when its inflight is 0.
 */
#include "block/graph/graph-int.h"
#include "util/sim.h"

/* Protects root.closed and which lanes are registered. Never held across
 * anything but plain loads and stores. */
static ShortLock gate_mutex = SHORT_LOCK_INIT;

typedef struct GateParked {
    Coroutine *co;
    ListLink link;
} GateParked;

/* From control to a lane and, for closing, back. */
typedef struct GateMessage {
    Root *root;
    GateLane *lane;
    GateWait *wait; /* NULL: nobody waits for an answer */
    ListLink link;  /* lane.closers */
} GateMessage;

void gate_init(Root *root)
{
    root->refs = 1;
    for (unsigned i = 0; i < REACTOR_MAX; i++) {
        list_init(&root->lanes[i].parked);
        list_init(&root->lanes[i].closers);
    }
}

static void gate_ref(Root *root)
{
    __atomic_add_fetch(&root->refs, 1, __ATOMIC_RELAXED);
}

void gate_unref(Root *root)
{
    if (__atomic_sub_fetch(&root->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        g_free(root->name);
        g_free(root);
    }
}

/* --- on control, answers ------------------------------------------------- */

static void answer_arrived(void *opaque)
{
    GateMessage *msg = opaque;
    GateWait *wait = msg->wait;

    gate_unref(msg->root);
    g_free(msg);
    if (wait && --wait->pending == 0 && wait->waiter) {
        coroutine_wake(wait->waiter);
    }
}

static void answer(GateMessage *msg)
{
    reactor_dispatch(reactor_control(), answer_arrived, msg);
}

void co_gate_wait(GateWait *wait)
{
    if (wait->pending) {
        wait->waiter = coroutine_self();
        co_yield ();
    }
    assert(!wait->pending);
}

/* --- on the lane's reactor ----------------------------------------------- */

static void lane_close(void *opaque)
{
    GateMessage *msg = opaque;
    GateLane *lane = msg->lane;

    lane->closed++;
    if (lane->inflight) {
        list_append(&lane->closers, &msg->link);
    } else {
        answer(msg);
    }
}

static void lane_open(void *opaque)
{
    GateMessage *msg = opaque;
    GateLane *lane = msg->lane;

    assert(lane->closed > 0);
    if (--lane->closed == 0) {
        ListLink *link;

        while ((link = list_pop(&lane->parked))) {
            lane->inflight++;
            if (PLANTED("lost-wakeup") && !list_empty(&lane->parked)) {
                continue;
            }
            coroutine_wake(LIST_ENTRY(link, GateParked, link)->co);
        }
    }
    gate_unref(msg->root);
    g_free(msg);
}

static void lane_register(Root *root, GateLane *lane)
{
    short_lock(&gate_mutex);
    lane->closed = root->closed;
    /* Last: from here on control sends messages. */
    lane->reactor = reactor_current();
    short_unlock(&gate_mutex);
}

static GateLane *lane_mine(Root *root)
{
    GateLane *lane = &root->lanes[reactor_index(reactor_current())];

    if (UNLIKELY(lane->reactor != reactor_current())) {
        lane_register(root, lane);
    }
    return lane;
}

void co_root_enter(Root *root)
{
    GateLane *lane = lane_mine(root);

    if (LIKELY(!lane->closed) || PLANTED("gate-left-open")) {
        lane->inflight++;
    } else {
        GateParked me = {.co = coroutine_self()};

        list_append(&lane->parked, &me.link);
        co_yield (); /* lane_open counts it */
    }
}

void root_leave(Root *root)
{
    GateLane *lane = lane_mine(root);
    ListLink *link;

    assert(lane->inflight > 0);
    if (--lane->inflight == 0) {
        while (UNLIKELY((link = list_pop(&lane->closers)))) {
            answer(LIST_ENTRY(link, GateMessage, link));
        }
    }
}

/* --- on control, orders -------------------------------------------------- */

static void send_to_lane(Root *root, GateLane *lane, void (*fn)(void *),
                         GateWait *wait)
{
    GateMessage *msg = g_new0(GateMessage, 1);

    gate_ref(root);
    msg->root = root;
    msg->lane = lane;
    msg->wait = wait;
    reactor_dispatch(lane->reactor, fn, msg);
}

static unsigned registered_lanes(Root *root, int closed_delta, GateLane **lanes)
{
    unsigned n = 0;

    short_lock(&gate_mutex);
    root->closed += closed_delta;
    for (unsigned i = 0; i < REACTOR_MAX; i++) {
        if (root->lanes[i].reactor) {
            lanes[n++] = &root->lanes[i];
        }
    }
    short_unlock(&gate_mutex);
    return n;
}

void gate_close(Root *root, GateWait *wait)
{
    GateLane *lanes[REACTOR_MAX];
    unsigned n = registered_lanes(root, 1, lanes);

    if (wait) {
        wait->pending += n;
    }
    for (unsigned i = 0; i < n; i++) {
        send_to_lane(root, lanes[i], lane_close, wait);
    }
}

void gate_open(Root *root)
{
    GateLane *lanes[REACTOR_MAX];
    unsigned n;

    assert(root->closed > 0);
    n = registered_lanes(root, -1, lanes);
    for (unsigned i = 0; i < n; i++) {
        send_to_lane(root, lanes[i], lane_open, NULL);
    }
}
