/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls: requests on their way to the server, and waiting for what becomes of
 * them. Invariants: nbd-client.h.
 *
 *   co_nbd_call -> slot -> out -> sender -> sent  --+
 *                                   reader -> replied +-> done
 *                                   both ended -> lost, done
 */
#include "block/net/nbd-client.h"

/* Areas handed to the kernel at once. */
#define SEND_AREAS 64u

/* --- waiting ------------------------------------------------------------- */

/* Waits for a link with a free slot; false when there is none in time. */
COROUTINE_ONLY
static bool co_wait_link(NbdClient *c, const NbdCall *call)
{
    while (c->state != NBD_LINK_UP || c->calls >= NBD_CALLS_MAX) {
        int64_t until_ns = MIN(c->wait_until_ns, call->give_up_ns);

        if (c->closing) {
            return false;
        }
        if (c->state == NBD_LINK_READY) {
            nbd_link_start(c);
        } else if (c->state == NBD_LINK_UP) {
            co_queue_wait(&c->slot_freed);
        } else if (c->state == NBD_LINK_DYING) {
            co_queue_wait(&c->changed);
        } else if (!c->reconnect_ns || reactor_now_ns() >= until_ns) {
            return false;
        } else {
            co_queue_wait_until(&c->changed, until_ns);
        }
    }
    return true;
}

/* --- slots --------------------------------------------------------------- */

static void call_take_slot(NbdClient *c, NbdCall *call)
{
    unsigned i = c->serial % NBD_CALLS_MAX;

    /* The number of a call is never used again; its low part is its slot. */
    while (c->slots[i]) {
        i = ++c->serial % NBD_CALLS_MAX;
    }
    c->slots[i] = call;
    c->calls++;
    call->head.cookie = be64(c->serial++);
}

static void call_done(NbdClient *c, NbdCall *call)
{
    c->slots[be64_get(call->head.cookie) % NBD_CALLS_MAX] = NULL;
    c->calls--;
    call->done = true;
    coqueue_wake_one(&c->slot_freed);
    coroutine_wake(call->co);
}

NbdCall *nbd_call_find(NbdClient *c, Be64 cookie)
{
    NbdCall *call = c->slots[be64_get(cookie) % NBD_CALLS_MAX];

    return call && !call->replied &&
                   be64_get(call->head.cookie) == be64_get(cookie)
               ? call
               : NULL;
}

void nbd_call_replied(NbdClient *c, NbdCall *call)
{
    call->replied = true;
    if (call->sent) {
        call_done(c, call);
    }
}

void nbd_calls_lose(NbdClient *c)
{
    while (list_pop(&c->out)) {
        /* Found by their slots. */
    }
    for (unsigned i = 0; i < NBD_CALLS_MAX; i++) {
        if (c->slots[i]) {
            c->slots[i]->lost = true;
            call_done(c, c->slots[i]);
        }
    }
    coqueue_wake_all(&c->slot_freed);
}

/* --- calling ------------------------------------------------------------- */

static void call_init(NbdCall *call, uint16_t flags)
{
    call->head = (NbdRequestHeader){
        .magic = be32(NBD_MAGIC_REQUEST),
        .flags = be16(flags),
        .command = be16(call->command),
        .offset_bytes = be64(call->offset_bytes),
        .bytes = be32(call->bytes),
    };
    call->error = 0;
    call->told = (NbdArea){0};
    call->extent_bytes = call->extent_flags = 0;
    call->sent = call->replied = call->lost = call->done = false;
    call->in_out = (ListLink){0};
    call->co = coroutine_self();
}

/* Once, over the link that is up. */
COROUTINE_ONLY
static void co_call_once(NbdClient *c, NbdCall *call, uint16_t flags)
{
    call_init(call, flags);
    call_take_slot(c, call);
    list_append(&c->out, &call->in_out);
    coqueue_wake_one(&c->out_ready);
    co_yield();
    assert(call->done);
    if (call->areas) {
        g_array_unref(call->areas);
        call->areas = NULL;
    }
}

int co_nbd_call(NbdClient *c, NbdCall *call, uint16_t flags)
{
    call->give_up_ns = INT64_MAX;
    do {
        if (!co_wait_link(c, call)) {
            return -EIO;
        }
        co_call_once(c, call, flags);
        if (call->lost && call->give_up_ns == INT64_MAX) {
            call->give_up_ns = reactor_now_ns() + c->reconnect_ns;
        }
    } while (call->lost);
    return -call->error;
}

/* --- sending ------------------------------------------------------------- */

COROUTINE_ONLY
static int co_send_iov(const NbdClient *c, const Iov *iov)
{
    const struct iovec *v = iov->v;
    unsigned n = iov->n;
    size_t done = 0; /* of v[0] */

    while (n) {
        struct iovec part[SEND_AREAS];
        unsigned k = MIN(n, SEND_AREAS);
        ssize_t sent;

        if (c->state != NBD_LINK_UP) {
            return -ECANCELED;
        }
        memcpy(part, v, k * sizeof(*v));
        part[0].iov_base = (char *)part[0].iov_base + done;
        part[0].iov_len -= done;
        sent = co_io_sendv(c->session.fd, part, k, k < n);
        if (sent < 0) {
            return sent;
        }
        for (done += sent; n && done >= v->iov_len; v++, n--) {
            done -= v->iov_len;
        }
    }
    return 0;
}

/* All that wait, in one go. */
COROUTINE_ONLY
static int co_send_waiting(NbdClient *c)
{
    ListLink batch, *link;
    Iov iov;
    int ret;

    list_init(&batch);
    iov_init(&iov);
    while ((link = list_pop(&c->out))) {
        NbdCall *call = LIST_ENTRY(link, NbdCall, in_out);

        list_append(&batch, link);
        iov_add(&iov, &call->head, sizeof(call->head));
        if (call->command == NBD_CMD_WRITE) {
            iov_add_slice(&iov, &call->data, 0, call->bytes);
        }
    }
    ret = co_send_iov(c, &iov);
    iov_free(&iov);
    while ((link = list_pop(&batch))) {
        NbdCall *call = LIST_ENTRY(link, NbdCall, in_out);

        call->sent = true;
        if (call->replied) {
            call_done(c, call);
        }
    }
    return ret;
}

void co_nbd_client_sender(void *opaque)
{
    NbdClient *c = opaque;

    coroutine_assert();
    while (c->state == NBD_LINK_UP) {
        if (list_empty(&c->out)) {
            co_queue_wait(&c->out_ready);
        } else if (co_send_waiting(c) < 0) {
            break;
        }
    }
    nbd_link_worker_ended(c);
}
