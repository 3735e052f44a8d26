/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls, as who makes them sees them: choosing a link, waiting for one, again
 * when it is lost. What happens over one link is in nbd-send.c and
 * nbd-receive.c. Invariants: nbd-client.h.
 */
#include "block/net/nbd-client.h"

static NbdLink *find_link(const NbdClient *c, NbdLinkState state)
{
    for (unsigned i = 0; i < c->n_links; i++) {
        if (c->links[i].state == state) {
            return &c->links[i];
        }
    }
    return NULL;
}

/* Of those that are up and have a slot, the one with the fewest calls. */
static NbdLink *best_link(const NbdClient *c)
{
    NbdLink *best = NULL;

    for (unsigned i = 0; i < c->n_links; i++) {
        NbdLink *l = &c->links[i];

        if (l->state == NBD_LINK_UP && l->calls < NBD_CALLS_MAX &&
            (!best || l->calls < best->calls)) {
            best = l;
        }
    }
    return best;
}

/* Waits for a link with a free slot; NULL when there is none in time. */
COROUTINE_ONLY
static NbdLink *co_wait_link(NbdClient *c, const NbdCall *call)
{
    NbdLink *best, *ready;

    while (!(best = best_link(c))) {
        int64_t until_ns = MIN(c->wait_until_ns, call->give_up_ns);

        if (c->closing || call->cancels != c->cancels) {
            return NULL;
        }
        if ((ready = find_link(c, NBD_LINK_READY))) {
            nbd_link_start(ready);
        } else if (find_link(c, NBD_LINK_UP)) {
            co_queue_wait(&c->slot_freed);
        } else if (find_link(c, NBD_LINK_DYING)) {
            co_queue_wait(&c->changed);
        } else if (!c->reconnect_ns || reactor_now_ns() >= until_ns) {
            return NULL;
        } else {
            co_queue_wait_until(&c->changed, until_ns);
        }
    }
    return best;
}

COROUTINE_ONLY
static int co_call_until_answered(NbdClient *c, NbdCall *call, uint16_t flags)
{
    call->give_up_ns = INT64_MAX;
    call->cancels = c->cancels;
    do {
        NbdLink *l = co_wait_link(c, call);

        if (!l) {
            return -EIO;
        }
        co_nbd_call_once(l, call, flags);
        if (call->lost && !c->reconnect_ns) {
            /* Also where other links are up: what the server makes of the
             * lost request is not known. */
            return -EIO;
        }
        if (call->lost && call->give_up_ns == INT64_MAX) {
            call->give_up_ns = reactor_now_ns() + c->reconnect_ns;
        }
    } while (call->lost);
    c->answers++;
    return -call->error;
}

int co_nbd_call(NbdClient *c, NbdCall *call, uint16_t flags)
{
    int ret;

    c->owed++;
    ret = co_call_until_answered(c, call, flags);
    c->owed--;
    return ret;
}
