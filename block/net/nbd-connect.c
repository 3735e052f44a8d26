/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Getting a connection: one attempt, the first one at open, and those after a
 * loss.
 *
 * Invariants: an attempt ends within NBD_NEGOTIATE_NS of having an address;
 * at most one runs for a link. A server that shows another disk than the one
 * that was opened is never used.
 */
#include "block/net/nbd-client.h"

typedef struct Deadline {
    Timer timer;
    NbdLink *link;
    bool passed;
} Deadline;

void nbd_connect_cancel(NbdLink *l)
{
    io_give_up(&l->pending);
    if (l->talking_fd >= 0) {
        /* The shutdown ends what comes later, the cancel what waits now. */
        io_shutdown(l->talking_fd);
        io_cancel_fd(l->talking_fd);
    }
}

static void deadline_passed(void *opaque)
{
    Deadline *d = opaque;

    d->passed = true;
    nbd_connect_cancel(d->link);
}

COROUTINE_ONLY
static bool co_attempt(NbdLink *l, NbdSession *session, Error **errp)
{
    const NbdClient *c = l->client;
    NbdWish wish = {c->export, c->context, c->tls_creds, c->tls_hostname};
    bool ok;

    if (c->closing) {
        error_set(errp, "The program ends");
        return false;
    }
    l->pending = (IoPending){.fd = -1};
    session->fd = co_io_connect(&c->address, &l->pending, errp);
    if (session->fd < 0) {
        return false;
    }
    if (!c->address.path) {
        io_set_nodelay(session->fd);
    }
    l->talking_fd = session->fd;
    ok = co_nbd_negotiate(session, &wish, errp);
    l->talking_fd = -1;
    if (!ok) {
        nbd_session_close(session);
    }
    return ok;
}

/* One attempt. On success the caller owns session->fd. */
COROUTINE_ONLY
static bool co_connect(NbdLink *l, NbdSession *session, Error **errp)
{
    Deadline d = {.link = l};
    Error *err = NULL;
    bool ok;

    timer_init(&d.timer, deadline_passed, &d);
    timer_arm(&d.timer, reactor_now_ns() + NBD_NEGOTIATE_NS);
    ok = co_attempt(l, session, &err);
    timer_cancel(&d.timer);
    if (!ok && d.passed) {
        error_prepend(&err, "Server did not answer in time: ");
    }
    error_propagate(errp, err);
    return ok;
}

bool co_nbd_connect_first(NbdLink *l, int64_t timeout_ns, Error **errp)
{
    int64_t deadline_ns = reactor_now_ns() + timeout_ns;
    int64_t delay_ns = NBD_RETRY_MIN_NS;
    Error *err = NULL;

    while (!co_connect(l, &l->session, &err)) {
        int64_t left_ns = deadline_ns - reactor_now_ns();

        if (left_ns <= 0 || l->client->closing) {
            error_propagate(errp, err);
            return false;
        }
        error_free(err);
        err = NULL;
        co_sleep_ns(MIN(delay_ns, left_ns));
        delay_ns = MIN(2 * delay_ns, NBD_RETRY_MAX_NS);
    }
    l->state = NBD_LINK_READY;
    return true;
}

/* The disk is what it was, and can do all that it could. */
static bool same_disk(const NbdClient *c, const NbdSession *session)
{
    const uint16_t needed = NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA |
                            NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_WRITE_ZEROES |
                            NBD_FLAG_SEND_FAST_ZERO |
                            (c->n_links > 1 ? NBD_FLAG_CAN_MULTI_CONN : 0);
    uint16_t lost = c->info.flags & ~session->info.flags;

    return session->info.size_bytes == c->info.size_bytes &&
           session->info.min_bytes == c->info.min_bytes &&
           session->info.max_bytes == c->info.max_bytes && !(lost & needed) &&
           (c->node->read_only ||
            !(session->info.flags & NBD_FLAG_READ_ONLY)) &&
           session->has_context == c->has_context &&
           session->extended == c->extended;
}

COROUTINE_ONLY
static bool co_reconnect(NbdLink *l)
{
    NbdClient *c = l->client;
    NbdSession session = {.fd = -1};

    if (!co_connect(l, &session, NULL)) {
        return false;
    }
    if (c->closing || !same_disk(c, &session)) {
        nbd_session_close(&session);
        return false;
    }
    l->session = session;
    l->state = NBD_LINK_READY;
    nbd_link_start(l);
    return true;
}

COROUTINE_ONLY
static void co_connector(void *opaque)
{
    NbdLink *l = opaque;
    NbdClient *c = l->client;
    int64_t delay_ns = NBD_RETRY_MIN_NS;

    coroutine_assert();
    while (!c->closing && !co_reconnect(l) && !c->closing) {
        co_queue_wait_until(&l->connector_wake, reactor_now_ns() + delay_ns);
        delay_ns = MIN(2 * delay_ns, NBD_RETRY_MAX_NS);
    }
    l->connecting = false;
    coqueue_wake_all(&c->changed);
}

void nbd_connect_later(NbdLink *l)
{
    if (!l->connecting) {
        l->connecting = true;
        coroutine_wake(coroutine_create(co_connector, l));
    }
}
