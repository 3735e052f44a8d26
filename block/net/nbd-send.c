/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls over one link: requests on their way to the server, and waiting for
 * what becomes of them. Invariants: nbd-client.h.
 *
 *   co_nbd_call_once -> slot -> out -> sender -> sent  --+
 *                                        reader -> replied +-> done
 *                                        both ended -> lost, done
 */
#include "block/net/nbd-client.h"

/* Areas handed to the kernel at once. */
#define SEND_AREAS 64u

/* --- slots --------------------------------------------------------------- */

static void call_take_slot(NbdLink *l, NbdCall *call)
{
    unsigned i = l->serial % NBD_CALLS_MAX;

    /* The number of a call is never used again; its low part is its slot. */
    while (l->slots[i]) {
        i = ++l->serial % NBD_CALLS_MAX;
    }
    l->slots[i] = call;
    l->calls++;
    call->cookie = be64(l->serial++);
}

static void call_done(NbdLink *l, NbdCall *call)
{
    l->slots[be64_get(call->cookie) % NBD_CALLS_MAX] = NULL;
    l->calls--;
    call->done = true;
    coqueue_wake_one(&l->client->slot_freed);
    coroutine_wake(call->co);
}

NbdCall *nbd_call_find(NbdLink *l, Be64 cookie)
{
    NbdCall *call = l->slots[be64_get(cookie) % NBD_CALLS_MAX];

    return call && !call->replied && be64_get(call->cookie) == be64_get(cookie)
               ? call
               : NULL;
}

void nbd_call_replied(NbdLink *l, NbdCall *call)
{
    call->replied = true;
    if (call->sent) {
        call_done(l, call);
    }
}

void nbd_calls_lose(NbdLink *l)
{
    while (list_pop(&l->out)) {
        /* Found by their slots. */
    }
    for (unsigned i = 0; i < NBD_CALLS_MAX; i++) {
        if (l->slots[i]) {
            l->slots[i]->lost = true;
            call_done(l, l->slots[i]);
        }
    }
    coqueue_wake_all(&l->client->slot_freed);
}

/* --- calling ------------------------------------------------------------- */

static void call_put_head(const NbdLink *l, NbdCall *call, uint16_t flags)
{
    if (l->session.extended) {
        if (call->command == NBD_CMD_WRITE) {
            flags |= NBD_CMD_FLAG_PAYLOAD_LEN;
        }
        call->head.extended = (NbdExtRequestHeader){
            .magic = be32(NBD_MAGIC_EXT_REQUEST),
            .flags = be16(flags),
            .command = be16(call->command),
            .cookie = call->cookie,
            .offset_bytes = be64(call->offset_bytes),
            .bytes = be64(call->bytes),
        };
    } else {
        assert(call->bytes <= UINT32_MAX);
        call->head.plain = (NbdRequestHeader){
            .magic = be32(NBD_MAGIC_REQUEST),
            .flags = be16(flags),
            .command = be16(call->command),
            .cookie = call->cookie,
            .offset_bytes = be64(call->offset_bytes),
            .bytes = be32(call->bytes),
        };
    }
}

static void call_init(NbdCall *call)
{
    call->error = 0;
    call->chunks = 0;
    call->told = (NbdArea){0};
    call->extent_bytes = call->extent_flags = 0;
    call->sent = call->replied = call->lost = call->done = false;
    call->in_out = (ListLink){0};
    call->co = coroutine_self();
}

void co_nbd_call_once(NbdLink *l, NbdCall *call, uint16_t flags)
{
    call_init(call);
    call_take_slot(l, call);
    call_put_head(l, call, flags);
    list_append(&l->out, &call->in_out);
    coqueue_wake_one(&l->out_ready);
    co_yield ();
    assert(call->done);
    if (call->areas) {
        g_array_unref(call->areas);
        call->areas = NULL;
    }
}

/* --- sending ------------------------------------------------------------- */

COROUTINE_ONLY
static int co_send_iov(const NbdLink *l, const Iov *iov)
{
    const struct iovec *v = iov->v;
    unsigned n = iov->n;
    size_t done = 0; /* of v[0] */

    while (n) {
        struct iovec part[SEND_AREAS];
        unsigned k = MIN(n, SEND_AREAS);
        ssize_t sent;

        if (l->state != NBD_LINK_UP) {
            return -ECANCELED;
        }
        memcpy(part, v, k * sizeof(*v));
        part[0].iov_base = (char *)part[0].iov_base + done;
        part[0].iov_len -= done;
        sent = co_nbd_sendv(&l->session, part, k, k < n);
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
static int co_send_waiting(NbdLink *l)
{
    ListLink batch, *link;
    Iov iov;
    int ret;

    list_init(&batch);
    iov_init(&iov);
    while ((link = list_pop(&l->out))) {
        NbdCall *call = LIST_ENTRY(link, NbdCall, in_out);

        list_append(&batch, link);
        iov_add(&iov, &call->head,
                l->session.extended ? sizeof(call->head.extended)
                                    : sizeof(call->head.plain));
        if (call->command == NBD_CMD_WRITE) {
            iov_add_slice(&iov, &call->data, 0, call->bytes);
        }
    }
    ret = co_send_iov(l, &iov);
    iov_free(&iov);
    while ((link = list_pop(&batch))) {
        NbdCall *call = LIST_ENTRY(link, NbdCall, in_out);

        call->sent = true;
        if (call->replied) {
            call_done(l, call);
        }
    }
    return ret;
}

void co_nbd_client_sender(void *opaque)
{
    NbdLink *l = opaque;

    coroutine_assert();
    while (l->state == NBD_LINK_UP) {
        if (list_empty(&l->out)) {
            co_queue_wait(&l->out_ready);
        } else if (co_send_waiting(l) < 0) {
            break;
        }
    }
    nbd_link_worker_ended(l);
}
