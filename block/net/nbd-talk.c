/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options and their replies, one by one: see nbd-talk.h. */
#include "block/net/nbd-talk.h"

/* --- the stream ---------------------------------------------------------- */

bool co_talk_read(NbdTalk *t, void *buf, size_t bytes, const char *what,
                  Error **errp)
{
    int ret = co_nbd_recv_all(t->session, buf, bytes);

    if (ret < 0 && t->session->tls) {
        error_set_errno(
            errp, EIO, "Failed to read %s: Cannot read from TLS channel", what);
    } else if (ret == 1 || ret == -EPIPE) {
        error_set(errp,
                  "Failed to read %s: Unexpected end-of-file before all "
                  "data were read",
                  what);
    } else if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Failed to read %s: Unable to read from socket", what);
    }
    return ret == 0;
}

bool co_talk_write(NbdTalk *t, const void *buf, size_t bytes, const char *what,
                   Error **errp)
{
    int ret = co_nbd_send_all(t->session, buf, bytes);

    if (ret < 0 && t->session->tls) {
        error_set_errno(errp, EIO,
                        "Failed to send %s: Cannot write to TLS channel", what);
    } else if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Failed to send %s: Unable to write to socket", what);
    }
    return ret == 0;
}

bool co_talk_ask(NbdTalk *t, GByteArray *option, Error **errp)
{
    bool ok = co_talk_write(t, option->data, option->len,
                            "option request header", errp);

    g_byte_array_unref(option);
    return ok;
}

bool co_talk_reply(NbdTalk *t, uint32_t option, Error **errp)
{
    NbdOptionReply wire;

    return co_talk_read(t, &wire, sizeof(wire), "option reply", errp) &&
           nbd_reply_header_parse(&t->head, &wire, option, errp) &&
           co_talk_read(t, t->data, t->head.bytes, "option reply data", errp);
}

bool nbd_talk_check_ack(const NbdTalk *t, Error **errp)
{
    if (t->head.type == NBD_REP_ACK && t->head.bytes) {
        error_set(errp, "server sent invalid NBD_REP_ACK");
        return false;
    }
    return true;
}

/* --- single options ------------------------------------------------------ */

bool co_talk_switch(NbdTalk *t, uint32_t number, bool *granted, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    nbd_option_put(option, number, NULL, 0);
    if (!co_talk_ask(t, option, errp) || !co_talk_reply(t, number, errp)) {
        return false;
    }
    *granted = !(t->head.type & NBD_REP_IS_ERROR);
    if (!*granted) {
        return true;
    }
    if (t->head.type != NBD_REP_ACK) {
        error_set(errp,
                  "Server answered option %u (%s) with unexpected reply %u "
                  "(%s)",
                  t->head.option, nbd_option_name(t->head.option), t->head.type,
                  nbd_reply_name(t->head.type));
        return false;
    }
    if (t->head.bytes) {
        error_set(errp,
                  "Option %u ('%s') response length is %u (it should be "
                  "zero)",
                  t->head.option, nbd_option_name(t->head.option),
                  t->head.bytes);
        return false;
    }
    return true;
}

bool co_talk_starttls(NbdTalk *t, Error **errp)
{
    const NbdWish *wish = t->wish;
    bool granted;

    if (!wish->tls_creds) {
        return true;
    }
    if (!co_talk_switch(t, NBD_OPT_STARTTLS, &granted, errp)) {
        return false;
    }
    if (!granted) {
        nbd_refusal_set(&t->head, t->data, errp);
        return false;
    }
    t->session->tls = tls_session_new(wish->tls_creds, t->session->fd,
                                      wish->tls_hostname, errp);
    return t->session->tls && co_tls_handshake(t->session->tls, errp);
}

void co_talk_abort(NbdTalk *t)
{
    g_autoptr(GByteArray) option = g_byte_array_new();

    nbd_option_put(option, NBD_OPT_ABORT, NULL, 0);
    co_nbd_send_all(t->session, option->data, option->len);
}
