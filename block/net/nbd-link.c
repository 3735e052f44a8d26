/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a connection: who works for it, and what its end means for the
 * calls in flight. States and invariants: nbd-client.h.
 */
#include "block/net/nbd-client.h"

void nbd_link_init(NbdClient *c)
{
    list_init(&c->out);
    coqueue_init(&c->out_ready);
    coqueue_init(&c->slot_freed);
    coqueue_init(&c->changed);
    coqueue_init(&c->connector_wake);
    c->pending.fd = c->talking_fd = -1;
}

void nbd_link_start(NbdClient *c)
{
    assert(c->state == NBD_LINK_READY && !c->workers && !c->calls);
    c->state = NBD_LINK_UP;
    c->workers = 2;
    c->input = g_new(NbdInput, 1);
    c->input->start = c->input->end = 0;
    c->data_start = c->data_end = 0;
    coroutine_wake(coroutine_create(co_nbd_client_reader, c));
    coroutine_wake(coroutine_create(co_nbd_client_sender, c));
    coqueue_wake_all(&c->changed);
}

void nbd_link_kill(NbdClient *c)
{
    if (c->state != NBD_LINK_UP) {
        return;
    }
    c->state = NBD_LINK_DYING;
    /* The shutdown ends what comes later, the cancel what waits now. */
    io_shutdown(c->session.fd);
    io_cancel_fd(c->session.fd);
    coqueue_wake_all(&c->out_ready);
}

static void link_gone(NbdClient *c)
{
    io_close(c->session.fd);
    g_free(c->input);
    c->input = NULL;
    c->state = NBD_LINK_DOWN;
    c->wait_until_ns = reactor_now_ns() + c->reconnect_ns;
    nbd_calls_lose(c);
    if (!c->closing) {
        c->connecting = true;
        coroutine_wake(coroutine_create(co_nbd_connector, c));
    }
    coqueue_wake_all(&c->changed);
}

void nbd_link_worker_ended(NbdClient *c)
{
    nbd_link_kill(c);
    assert(c->workers > 0);
    if (--c->workers == 0) {
        link_gone(c);
    }
}

/* A server that is told does not take the end for an accident. */
COROUTINE_ONLY
static void co_say_goodbye(const NbdClient *c)
{
    NbdRequestHeader head = {
        .magic = be32(NBD_MAGIC_REQUEST),
        .command = be16(NBD_CMD_DISC),
    };

    co_io_send_all(c->session.fd, &head, sizeof(head));
}

void co_nbd_link_close(NbdClient *c)
{
    assert(!c->calls);
    c->closing = true;
    if (c->state == NBD_LINK_READY || c->state == NBD_LINK_UP) {
        co_say_goodbye(c);
    }
    if (c->state == NBD_LINK_READY) {
        io_close(c->session.fd);
        c->state = NBD_LINK_DOWN;
    }
    nbd_link_kill(c);
    if (c->connecting) {
        nbd_connect_cancel(c);
    }
    coqueue_wake_all(&c->connector_wake);
    while (c->workers || c->connecting) {
        co_queue_wait(&c->changed);
    }
}
