/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client's talk with a server before transmission: greeting, single options
 * and their replies. What is asked is up to who talks: nbd-negotiate.c chooses
 * an export, nbd-list.c looks at all.
 *
 * Invariant: what a server sends is bounded by NBD_MAX_REPLY a reply and
 * NBD_MAX_REPLIES an option.
 */
#ifndef BLOCK_NET_NBD_TALK_H
#define BLOCK_NET_NBD_TALK_H

#include "block/net/nbd-client.h"

/* Replies to one option: names of a list, pieces of information. */
#define NBD_MAX_REPLIES 65536u

typedef struct NbdTalk {
    NbdSession *session;
    const NbdWish *wish;
    /* What is asked of a server that knows the fixed protocol. Of others there
     * is one thing to learn, the export wish->export: session->info. */
    bool (*co_options)(struct NbdTalk *t, Error **errp);
    bool lists; /* a server without lists will not do */
    bool no_zeroes;
    NbdReplyHeader head; /* of the last reply */
    uint8_t data[NBD_MAX_REPLY];
} NbdTalk;

/* The greeting, then co_options. */
bool co_talk_begin(NbdTalk *t, Error **errp) COROUTINE_ONLY;

bool co_talk_read(NbdTalk *t, void *buf, size_t bytes, const char *what,
                  Error **errp) COROUTINE_ONLY;
bool co_talk_write(NbdTalk *t, const void *buf, size_t bytes, const char *what,
                   Error **errp) COROUTINE_ONLY;
/* Sends what the caller built; frees it. */
bool co_talk_ask(NbdTalk *t, GByteArray *option, Error **errp) COROUTINE_ONLY;
/* One reply with its data. */
bool co_talk_reply(NbdTalk *t, uint32_t option, Error **errp) COROUTINE_ONLY;
/* A reply that ends an option without telling anything. */
bool nbd_talk_check_ack(const NbdTalk *t, Error **errp);
/* Asks for something that needs no data; *@granted: the server agrees. What
 * reasons it has not to is of no interest. */
bool co_talk_switch(NbdTalk *t, uint32_t number, bool *granted,
                    Error **errp) COROUTINE_ONLY;
/* Goes over to TLS, if that is wished. */
bool co_talk_starttls(NbdTalk *t, Error **errp) COROUTINE_ONLY;
/* A server that is told does not take the end for an accident. That it hears
 * us is of no interest. */
void co_talk_abort(NbdTalk *t) COROUTINE_ONLY;

#endif
