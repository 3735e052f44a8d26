/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of connections: who works for them, and what the end of one means
 * for its calls in flight. States and invariants: nbd-client.h.
 */
#include "block/net/nbd-client.h"

/* --- making -------------------------------------------------------------- */

static void link_init(NbdLink *l, NbdClient *c)
{
    l->client = c;
    list_init(&l->out);
    coqueue_init(&l->out_ready);
    coqueue_init(&l->connector_wake);
    l->pending.fd = l->talking_fd = -1;
}

void nbd_links_init(NbdClient *c, unsigned n)
{
    coqueue_init(&c->slot_freed);
    coqueue_init(&c->changed);
    c->n_links = n;
    c->links = g_new0(NbdLink, n);
    for (unsigned i = 0; i < n; i++) {
        link_init(&c->links[i], c);
    }
}

void nbd_links_free(NbdClient *c)
{
    g_free(c->links);
    c->links = NULL;
}

/* --- living -------------------------------------------------------------- */

/* The first link up brings the others, which need not be waited for. */
static void connect_others(NbdClient *c)
{
    for (unsigned i = 0; i < c->n_links; i++) {
        if (c->links[i].state == NBD_LINK_DOWN) {
            nbd_connect_later(&c->links[i]);
        }
    }
}

void nbd_link_start(NbdLink *l)
{
    NbdClient *c = l->client;

    assert(l->state == NBD_LINK_READY && !l->workers && !l->calls);
    l->state = NBD_LINK_UP;
    l->workers = 2;
    l->input = g_new(NbdInput, 1);
    l->input->start = l->input->end = 0;
    c->data_start = c->data_end = 0;
    coroutine_wake(coroutine_create(co_nbd_client_reader, l));
    coroutine_wake(coroutine_create(co_nbd_client_sender, l));
    coqueue_wake_all(&c->changed);
    /* Who waits for a slot of another link may have one of this. */
    coqueue_wake_all(&c->slot_freed);
    connect_others(c);
}

/* Ends the connection soon; again does nothing. */
static void nbd_link_kill(NbdLink *l)
{
    if (l->state != NBD_LINK_UP) {
        return;
    }
    l->state = NBD_LINK_DYING;
    /* The shutdown ends what comes later, the cancel what waits now. */
    io_shutdown(l->session.fd);
    io_cancel_fd(l->session.fd);
    coqueue_wake_all(&l->out_ready);
}

static void link_gone(NbdLink *l)
{
    NbdClient *c = l->client;

    nbd_session_close(&l->session);
    g_free(l->input);
    l->input = NULL;
    l->state = NBD_LINK_DOWN;
    c->wait_until_ns = reactor_now_ns() + c->reconnect_ns;
    nbd_calls_lose(l);
    if (!c->closing) {
        nbd_connect_later(l);
    }
    coqueue_wake_all(&c->changed);
}

void nbd_link_worker_ended(NbdLink *l)
{
    nbd_link_kill(l);
    assert(l->workers > 0);
    if (--l->workers == 0) {
        link_gone(l);
    }
}

/* --- giving up ----------------------------------------------------------- */

void nbd_client_cancel(NbdClient *c)
{
    c->cancels++;
    for (unsigned i = 0; i < c->n_links; i++) {
        if (c->links[i].calls) {
            nbd_link_kill(&c->links[i]);
        }
    }
    coqueue_wake_all(&c->slot_freed);
    coqueue_wake_all(&c->changed);
}

/* --- the end of the program ---------------------------------------------- */

static void leave_server(NbdClient *c)
{
    c->closing = true;
    for (unsigned i = 0; i < c->n_links; i++) {
        nbd_link_kill(&c->links[i]);
        if (c->links[i].connecting) {
            nbd_connect_cancel(&c->links[i]);
        }
        coqueue_wake_all(&c->links[i].connector_wake);
    }
    coqueue_wake_all(&c->slot_freed);
    coqueue_wake_all(&c->changed);
}

static void look_for_answers(void *opaque)
{
    NbdClient *c = opaque;

    if (c->owed && c->answers == c->answers_at) {
        leave_server(c);
    } else {
        nbd_client_release(c);
    }
}

void nbd_client_release(NbdClient *c)
{
    c->answers_at = c->answers;
    timer_init(&c->release_timer, look_for_answers, c);
    timer_arm(&c->release_timer, reactor_now_ns() + NBD_SILENCE_NS);
}

/* --- closing ------------------------------------------------------------- */

/* A server that is told does not take the end for an accident. */
COROUTINE_ONLY
static void co_say_goodbye(const NbdLink *l)
{
    const NbdSession *s = &l->session;

    if (s->extended) {
        NbdExtRequestHeader head = {
            .magic = be32(NBD_MAGIC_EXT_REQUEST),
            .command = be16(NBD_CMD_DISC),
        };

        co_nbd_send_all(s, &head, sizeof(head));
    } else {
        NbdRequestHeader head = {
            .magic = be32(NBD_MAGIC_REQUEST),
            .command = be16(NBD_CMD_DISC),
        };

        co_nbd_send_all(s, &head, sizeof(head));
    }
    if (s->tls) {
        co_tls_bye(s->tls);
    }
}

/* One that does not listen is not waited for. */
static void goodbye_took_too_long(void *opaque)
{
    NbdClient *c = opaque;

    for (unsigned i = 0; i < c->n_links; i++) {
        if (c->links[i].state != NBD_LINK_DOWN) {
            io_shutdown(c->links[i].session.fd);
            io_cancel_fd(c->links[i].session.fd);
        }
    }
}

COROUTINE_ONLY
static void co_say_goodbyes(NbdClient *c)
{
    Timer timer;

    timer_init(&timer, goodbye_took_too_long, c);
    timer_arm(&timer, reactor_now_ns() + NBD_GOODBYE_NS);
    for (unsigned i = 0; i < c->n_links; i++) {
        NbdLink *l = &c->links[i];

        if (l->state == NBD_LINK_READY || l->state == NBD_LINK_UP) {
            co_say_goodbye(l);
        }
    }
    timer_cancel(&timer);
}

static void link_end(NbdLink *l)
{
    if (l->state == NBD_LINK_READY) {
        nbd_session_close(&l->session);
        l->state = NBD_LINK_DOWN;
    }
    nbd_link_kill(l);
    if (l->connecting) {
        nbd_connect_cancel(l);
    }
    coqueue_wake_all(&l->connector_wake);
}

void co_nbd_links_close(NbdClient *c)
{
    c->closing = true;
    timer_cancel(&c->release_timer);
    co_say_goodbyes(c);
    for (unsigned i = 0; i < c->n_links; i++) {
        assert(!c->links[i].calls);
        link_end(&c->links[i]);
    }
    for (unsigned i = 0; i < c->n_links; i++) {
        while (c->links[i].workers || c->links[i].connecting) {
            co_queue_wait(&c->changed);
        }
    }
}
