/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The talk before transmission, as a client: greeting, options, export.
 *
 *   greeting -> [TLS] -> [extended headers, or else structured replies
 *                                         -> metadata context] -> GO
 *                                             GO unknown -> LIST, EXPORT_NAME
 *
 * Invariants: what the server sends is bounded in size by NBD_MAX_REPLY and
 * in number by MAX_REPLIES; nothing beyond the last reply is read. Texts are
 * those of QEMU 7.2.
 */
#include "block/net/nbd-client.h"

/* Replies to one option: names of a list, pieces of information. */
#define MAX_REPLIES 65536u

typedef struct Talk {
    NbdSession *session;
    const NbdWish *wish;
    bool no_zeroes;
    NbdReplyHeader head; /* of the last reply */
    uint8_t data[NBD_MAX_REPLY];
} Talk;

/* --- the stream ---------------------------------------------------------- */

COROUTINE_ONLY
static bool co_read(Talk *t, void *buf, size_t bytes, const char *what,
                    Error **errp)
{
    int ret = co_nbd_recv_all(t->session, buf, bytes);

    if (ret < 0 && t->session->tls) {
        error_set_errno(errp, EIO,
                        "Failed to read %s: Cannot read from TLS channel",
                        what);
    } else if (ret == 1 || ret == -EPIPE) {
        error_set(errp, "Failed to read %s: Unexpected end-of-file before all "
                        "data were read",
                  what);
    } else if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Failed to read %s: Unable to read from socket", what);
    }
    return ret == 0;
}

COROUTINE_ONLY
static bool co_write(Talk *t, const void *buf, size_t bytes, const char *what,
                     Error **errp)
{
    int ret = co_nbd_send_all(t->session, buf, bytes);

    if (ret < 0 && t->session->tls) {
        error_set_errno(errp, EIO,
                        "Failed to send %s: Cannot write to TLS channel",
                        what);
    } else if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Failed to send %s: Unable to write to socket", what);
    }
    return ret == 0;
}

/* Sends what the caller built; frees it. */
COROUTINE_ONLY
static bool co_ask(Talk *t, GByteArray *option, Error **errp)
{
    bool ok = co_write(t, option->data, option->len, "option request header",
                       errp);

    g_byte_array_unref(option);
    return ok;
}

/* One reply with its data. */
COROUTINE_ONLY
static bool co_reply(Talk *t, uint32_t option, Error **errp)
{
    NbdOptionReply wire;

    return co_read(t, &wire, sizeof(wire), "option reply", errp) &&
           nbd_reply_header_parse(&t->head, &wire, option, errp) &&
           co_read(t, t->data, t->head.bytes, "option reply data", errp);
}

/* A reply that ends an option without telling anything. */
static bool check_ack(const Talk *t, Error **errp)
{
    if (t->head.type == NBD_REP_ACK && t->head.bytes) {
        error_set(errp, "server sent invalid NBD_REP_ACK");
        return false;
    }
    return true;
}

/* --- single options ------------------------------------------------------ */

/* Asks for something that needs no data; *@granted: the server agrees. What
 * reasons it has not to is of no interest. */
COROUTINE_ONLY
static bool co_switch(Talk *t, uint32_t number, bool *granted, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    nbd_option_put(option, number, NULL, 0);
    if (!co_ask(t, option, errp) || !co_reply(t, number, errp)) {
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
                  t->head.option, nbd_option_name(t->head.option),
                  t->head.type, nbd_reply_name(t->head.type));
        return false;
    }
    if (t->head.bytes) {
        error_set(errp, "Option %u ('%s') response length is %u (it should be "
                        "zero)",
                  t->head.option, nbd_option_name(t->head.option),
                  t->head.bytes);
        return false;
    }
    return true;
}

/* The widest form of replies that the server knows. */
COROUTINE_ONLY
static bool co_reply_form(Talk *t, Error **errp)
{
    NbdSession *s = t->session;

    if (!co_switch(t, NBD_OPT_EXTENDED_HEADERS, &s->extended, errp)) {
        return false;
    }
    s->structured = s->extended;
    return s->extended ||
           co_switch(t, NBD_OPT_STRUCTURED_REPLY, &s->structured, errp);
}

COROUTINE_ONLY
static bool co_starttls(Talk *t, Error **errp)
{
    const NbdWish *wish = t->wish;
    bool granted;

    if (!wish->tls_creds) {
        return true;
    }
    if (!co_switch(t, NBD_OPT_STARTTLS, &granted, errp)) {
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

static bool take_context(Talk *t, Error **errp)
{
    NbdSession *s = t->session;

    if (t->head.type != NBD_REP_META_CONTEXT) {
        error_set(errp, "Unexpected reply type %u (%s), expected %u (%s)",
                  t->head.type, nbd_reply_name(t->head.type),
                  NBD_REP_META_CONTEXT, nbd_reply_name(NBD_REP_META_CONTEXT));
        return false;
    }
    if (s->has_context) {
        error_set(errp, "Server answered with more than one context");
        return false;
    }
    s->has_context = nbd_reply_meta_parse(t->wish->context, t->data,
                                          t->head.bytes, &s->context_id, errp);
    return s->has_context;
}

COROUTINE_ONLY
static bool co_context(Talk *t, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    nbd_option_put_meta(option, t->wish->export, t->wish->context);
    if (!co_ask(t, option, errp)) {
        return false;
    }
    while (co_reply(t, NBD_OPT_SET_META_CONTEXT, errp)) {
        if (t->head.type & NBD_REP_IS_ERROR) {
            t->session->has_context = false;
            return true;
        }
        if (t->head.type == NBD_REP_ACK) {
            return check_ack(t, errp);
        }
        if (!take_context(t, errp)) {
            break;
        }
    }
    return false;
}

/* *@known: the server knows GO. */
COROUTINE_ONLY
static bool co_go(Talk *t, bool *known, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    *known = true;
    nbd_option_put_go(option, t->wish->export);
    if (!co_ask(t, option, errp)) {
        return false;
    }
    for (unsigned i = 0; i < MAX_REPLIES; i++) {
        if (!co_reply(t, NBD_OPT_GO, errp)) {
            return false;
        }
        if (t->head.type == NBD_REP_ERR_UNSUP) {
            *known = false;
            return true;
        }
        if (t->head.type & NBD_REP_IS_ERROR) {
            nbd_refusal_set(&t->head, t->data, errp);
            return false;
        }
        if (t->head.type == NBD_REP_ACK) {
            return check_ack(t, errp) &&
                   nbd_export_info_check(&t->session->info, errp);
        }
        if (t->head.type != NBD_REP_INFO) {
            error_set(errp, "unexpected reply type %u (%s), expected %u (%s)",
                      t->head.type, nbd_reply_name(t->head.type),
                      NBD_REP_INFO, nbd_reply_name(NBD_REP_INFO));
            return false;
        }
        if (!nbd_reply_info_parse(&t->session->info, t->data, t->head.bytes,
                                  errp)) {
            return false;
        }
    }
    error_set(errp, "server sent too many replies");
    return false;
}

/* --- servers without GO -------------------------------------------------- */

/* EXPORT_NAME has no way to say no, so the name is looked up first where the
 * server lists its names. */
COROUTINE_ONLY
static bool co_check_listed(Talk *t, Error **errp)
{
    GByteArray *option = g_byte_array_new();
    bool found = false;

    nbd_option_put(option, NBD_OPT_LIST, NULL, 0);
    if (!co_ask(t, option, errp)) {
        return false;
    }
    for (unsigned i = 0; i < MAX_REPLIES; i++) {
        bool same;

        if (!co_reply(t, NBD_OPT_LIST, errp)) {
            return false;
        }
        if (t->head.type & NBD_REP_IS_ERROR) {
            return true; /* it lists nothing */
        }
        if (t->head.type == NBD_REP_ACK) {
            if (!found) {
                error_set(errp, "No export with name '%s' available",
                          t->wish->export);
            }
            return found;
        }
        if (!nbd_reply_server_parse(t->wish->export, t->data, t->head.bytes,
                                    &same, errp)) {
            return false;
        }
        found |= same;
    }
    error_set(errp, "server sent too many replies");
    return false;
}

COROUTINE_ONLY
static bool co_read_reserved(Talk *t, Error **errp)
{
    uint8_t zeroes[NBD_EXPORT_NAME_ZEROES];

    return t->no_zeroes ||
           co_read(t, zeroes, sizeof(zeroes), "reserved block", errp);
}

COROUTINE_ONLY
static bool co_export_name(Talk *t, Error **errp)
{
    GByteArray *option = g_byte_array_new();
    NbdExportNameReply reply;

    nbd_option_put(option, NBD_OPT_EXPORT_NAME, t->wish->export,
                   strlen(t->wish->export));
    if (!co_ask(t, option, errp) ||
        !co_read(t, &reply, sizeof(reply), "export length", errp)) {
        return false;
    }
    t->session->info.size_bytes = be64_get(reply.size_bytes);
    t->session->info.flags = be16_get(reply.flags) | NBD_FLAG_HAS_FLAGS;
    return co_read_reserved(t, errp);
}

/* A server that cannot encrypt is not used for what shall be. */
static bool may_be_in_the_clear(const Talk *t, Error **errp)
{
    if (t->wish->tls_creds) {
        error_set(errp, "Server does not support STARTTLS");
    }
    return !t->wish->tls_creds;
}

COROUTINE_ONLY
static bool co_oldstyle(Talk *t, Error **errp)
{
    NbdOldstyleGreeting greeting;

    if (!may_be_in_the_clear(t, errp)) {
        return false;
    }
    if (*t->wish->export) {
        error_set(errp, "Server does not support non-empty export names");
        return false;
    }
    if (!co_read(t, &greeting, sizeof(greeting), "export length", errp)) {
        return false;
    }
    t->session->info.size_bytes = be64_get(greeting.size_bytes);
    t->session->info.flags = be32_get(greeting.flags) | NBD_FLAG_HAS_FLAGS;
    return co_read_reserved(t, errp);
}

/* A server that is told does not take the end for an accident. That it hears
 * us is of no interest. */
COROUTINE_ONLY
static void co_abort(Talk *t)
{
    g_autoptr(GByteArray) option = g_byte_array_new();

    nbd_option_put(option, NBD_OPT_ABORT, NULL, 0);
    co_nbd_send_all(t->session, option->data, option->len);
}

/* --- the whole ----------------------------------------------------------- */

COROUTINE_ONLY
static bool co_options(Talk *t, Error **errp)
{
    bool known;

    if (!co_starttls(t, errp)) {
        return false;
    }
    if (!co_reply_form(t, errp) ||
        (t->session->structured && !co_context(t, errp)) ||
        !co_go(t, &known, errp) || (!known && !co_check_listed(t, errp))) {
        co_abort(t);
        return false;
    }
    return known || co_export_name(t, errp);
}

COROUTINE_ONLY
static bool co_newstyle(Talk *t, Error **errp)
{
    Be16 wire_flags;
    Be32 answer;
    uint16_t flags;

    if (!co_read(t, &wire_flags, sizeof(wire_flags), "server flags", errp)) {
        return false;
    }
    flags = be16_get(wire_flags) &
            (NBD_HANDSHAKE_FIXED | NBD_HANDSHAKE_NO_ZEROES);
    t->no_zeroes = flags & NBD_HANDSHAKE_NO_ZEROES;
    answer = be32(flags);
    if (!co_write(t, &answer, sizeof(answer), "clientflags field", errp)) {
        return false;
    }
    if (!(flags & NBD_HANDSHAKE_FIXED) && !may_be_in_the_clear(t, errp)) {
        return false;
    }
    /* Without the fixed protocol there is no other option than one. */
    return flags & NBD_HANDSHAKE_FIXED ? co_options(t, errp)
                                       : co_export_name(t, errp);
}

COROUTINE_ONLY
static bool co_talk(Talk *t, Error **errp)
{
    Be64 magic;

    if (!co_read(t, &magic, sizeof(magic), "initial magic", errp)) {
        return false;
    }
    if (be64_get(magic) != NBD_MAGIC_INIT) {
        error_set(errp, "Bad initial magic received: 0x%" PRIx64,
                  be64_get(magic));
        return false;
    }
    if (!co_read(t, &magic, sizeof(magic), "server magic", errp)) {
        return false;
    }
    switch (be64_get(magic)) {
    case NBD_MAGIC_OPTION:
        return co_newstyle(t, errp);
    case NBD_MAGIC_OLDSTYLE:
        return co_oldstyle(t, errp);
    default:
        error_set(errp, "Bad server magic received: 0x%" PRIx64,
                  be64_get(magic));
        return false;
    }
}

bool co_nbd_negotiate(NbdSession *session, const NbdWish *wish, Error **errp)
{
    g_autofree Talk *talk = g_new0(Talk, 1);
    int fd = session->fd;

    *session = (NbdSession){.fd = fd};
    talk->session = session;
    talk->wish = wish;
    return co_talk(talk, errp);
}
