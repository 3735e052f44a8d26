/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Getting a connection: one attempt, the first one at open, and those after a
 * loss.
 *
 * Invariants: an attempt ends within NBD_NEGOTIATE_NS of having an address;
 * at most one runs for a node. A server that shows another disk than the one
 * that was opened is never used.
 */
#include "block/net/nbd-client.h"

typedef struct Deadline {
    Timer timer;
    NbdClient *c;
    bool passed;
} Deadline;

void nbd_connect_cancel(NbdClient *c)
{
    io_give_up(&c->pending);
    if (c->talking_fd >= 0) {
        /* The shutdown ends what comes later, the cancel what waits now. */
        io_shutdown(c->talking_fd);
        io_cancel_fd(c->talking_fd);
    }
}

static void deadline_passed(void *opaque)
{
    Deadline *d = opaque;

    d->passed = true;
    nbd_connect_cancel(d->c);
}

COROUTINE_ONLY
static bool co_attempt(NbdClient *c, NbdSession *session, Error **errp)
{
    NbdWish wish = {c->export, c->context};
    bool ok;

    c->pending = (IoPending){.fd = -1};
    session->fd = co_io_connect(&c->address, &c->pending, errp);
    if (session->fd < 0) {
        return false;
    }
    if (!c->address.path) {
        io_set_nodelay(session->fd);
    }
    c->talking_fd = session->fd;
    ok = co_nbd_negotiate(session, &wish, errp);
    c->talking_fd = -1;
    if (!ok) {
        io_close(session->fd);
        session->fd = -1;
    }
    return ok;
}

/* One attempt. On success the caller owns session->fd. */
COROUTINE_ONLY
static bool co_connect(NbdClient *c, NbdSession *session, Error **errp)
{
    Deadline d = {.c = c};
    Error *err = NULL;
    bool ok;

    timer_init(&d.timer, deadline_passed, &d);
    timer_arm(&d.timer, reactor_now_ns() + NBD_NEGOTIATE_NS);
    ok = co_attempt(c, session, &err);
    timer_cancel(&d.timer);
    if (!ok && d.passed) {
        error_prepend(&err, "Server did not answer in time: ");
    }
    error_propagate(errp, err);
    return ok;
}

bool co_nbd_connect_first(NbdClient *c, int64_t timeout_ns, Error **errp)
{
    int64_t deadline_ns = reactor_now_ns() + timeout_ns;
    int64_t delay_ns = NBD_RETRY_MIN_NS;
    Error *err = NULL;

    while (!co_connect(c, &c->session, &err)) {
        int64_t left_ns = deadline_ns - reactor_now_ns();

        if (left_ns <= 0) {
            error_propagate(errp, err);
            return false;
        }
        error_free(err);
        err = NULL;
        co_sleep_ns(MIN(delay_ns, left_ns));
        delay_ns = MIN(2 * delay_ns, NBD_RETRY_MAX_NS);
    }
    c->state = NBD_LINK_READY;
    return true;
}

/* The disk is what it was, and can do all that it could. */
static bool same_disk(const NbdClient *c, const NbdSession *session)
{
    const uint16_t needed = NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA |
                            NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_WRITE_ZEROES |
                            NBD_FLAG_SEND_FAST_ZERO;
    uint16_t lost = c->info.flags & ~session->info.flags;

    return session->info.size_bytes == c->info.size_bytes &&
           session->info.min_bytes == c->info.min_bytes &&
           session->info.max_bytes == c->info.max_bytes && !(lost & needed) &&
           (c->node->read_only ||
            !(session->info.flags & NBD_FLAG_READ_ONLY)) &&
           session->has_context == c->has_context;
}

COROUTINE_ONLY
static bool co_reconnect(NbdClient *c)
{
    NbdSession session;

    if (!co_connect(c, &session, NULL)) {
        return false;
    }
    if (c->closing || !same_disk(c, &session)) {
        io_close(session.fd);
        return false;
    }
    c->session = session;
    c->state = NBD_LINK_READY;
    nbd_link_start(c);
    return true;
}

void co_nbd_connector(void *opaque)
{
    NbdClient *c = opaque;
    int64_t delay_ns = NBD_RETRY_MIN_NS;

    coroutine_assert();
    while (!c->closing && !co_reconnect(c) && !c->closing) {
        co_queue_wait_until(&c->connector_wake, reactor_now_ns() + delay_ns);
        delay_ns = MIN(2 * delay_ns, NBD_RETRY_MAX_NS);
    }
    c->connecting = false;
    coqueue_wake_all(&c->changed);
}
