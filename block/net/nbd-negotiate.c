/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The talk before transmission, as a client: greeting, options, export.
 *
 *   greeting -> [TLS] -> [extended headers, or else structured replies
 *                                         -> metadata context] -> GO
 *                                             GO unknown -> LIST, EXPORT_NAME
 *
 * Invariants: what the server sends is bounded in size by NBD_MAX_REPLY and
 * in number by NBD_MAX_REPLIES; nothing beyond the last reply is read. Texts
 * are those of QEMU 7.2.
 */
#include "block/net/nbd-talk.h"

/* The widest form of replies that the server knows. */
COROUTINE_ONLY
static bool co_reply_form(NbdTalk *t, Error **errp)
{
    NbdSession *s = t->session;

    if (!co_talk_switch(t, NBD_OPT_EXTENDED_HEADERS, &s->extended, errp)) {
        return false;
    }
    s->structured = s->extended;
    return s->extended ||
           co_talk_switch(t, NBD_OPT_STRUCTURED_REPLY, &s->structured, errp);
}

static bool take_context(NbdTalk *t, Error **errp)
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
static bool co_context(NbdTalk *t, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    nbd_option_put_meta(option, t->wish->export, t->wish->context);
    if (!co_talk_ask(t, option, errp)) {
        return false;
    }
    while (co_talk_reply(t, NBD_OPT_SET_META_CONTEXT, errp)) {
        if (t->head.type & NBD_REP_IS_ERROR) {
            t->session->has_context = false;
            return true;
        }
        if (t->head.type == NBD_REP_ACK) {
            return nbd_talk_check_ack(t, errp);
        }
        if (!take_context(t, errp)) {
            break;
        }
    }
    return false;
}

/* *@known: the server knows GO. */
COROUTINE_ONLY
static bool co_go(NbdTalk *t, bool *known, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    *known = true;
    nbd_option_put_go(option, t->wish->export);
    if (!co_talk_ask(t, option, errp)) {
        return false;
    }
    for (unsigned i = 0; i < NBD_MAX_REPLIES; i++) {
        if (!co_talk_reply(t, NBD_OPT_GO, errp)) {
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
            return nbd_talk_check_ack(t, errp) &&
                   nbd_export_info_check(&t->session->info, errp);
        }
        if (t->head.type != NBD_REP_INFO) {
            error_set(errp, "unexpected reply type %u (%s), expected %u (%s)",
                      t->head.type, nbd_reply_name(t->head.type), NBD_REP_INFO,
                      nbd_reply_name(NBD_REP_INFO));
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
static bool co_check_listed(NbdTalk *t, Error **errp)
{
    GByteArray *option = g_byte_array_new();
    bool found = false;

    nbd_option_put(option, NBD_OPT_LIST, NULL, 0);
    if (!co_talk_ask(t, option, errp)) {
        return false;
    }
    for (unsigned i = 0; i < NBD_MAX_REPLIES; i++) {
        bool same;

        if (!co_talk_reply(t, NBD_OPT_LIST, errp)) {
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
static bool co_read_reserved(NbdTalk *t, Error **errp)
{
    uint8_t zeroes[NBD_EXPORT_NAME_ZEROES];

    return t->no_zeroes ||
           co_talk_read(t, zeroes, sizeof(zeroes), "reserved block", errp);
}

COROUTINE_ONLY
static bool co_export_name(NbdTalk *t, Error **errp)
{
    GByteArray *option = g_byte_array_new();
    NbdExportNameReply reply;

    nbd_option_put(option, NBD_OPT_EXPORT_NAME, t->wish->export,
                   strlen(t->wish->export));
    if (!co_talk_ask(t, option, errp) ||
        !co_talk_read(t, &reply, sizeof(reply), "export length", errp)) {
        return false;
    }
    t->session->info.size_bytes = be64_get(reply.size_bytes);
    t->session->info.flags = be16_get(reply.flags) | NBD_FLAG_HAS_FLAGS;
    return co_read_reserved(t, errp);
}

/* A server that cannot encrypt is not used for what shall be. */
static bool may_be_in_the_clear(const NbdTalk *t, Error **errp)
{
    if (t->wish->tls_creds) {
        error_set(errp, "Server does not support STARTTLS");
    }
    return !t->wish->tls_creds;
}

COROUTINE_ONLY
static bool co_oldstyle(NbdTalk *t, Error **errp)
{
    NbdOldstyleGreeting greeting;

    if (!may_be_in_the_clear(t, errp)) {
        return false;
    }
    if (*t->wish->export) {
        error_set(errp, "Server does not support non-empty export names");
        return false;
    }
    if (!co_talk_read(t, &greeting, sizeof(greeting), "export length", errp)) {
        return false;
    }
    t->session->info.size_bytes = be64_get(greeting.size_bytes);
    t->session->info.flags = be32_get(greeting.flags) | NBD_FLAG_HAS_FLAGS;
    return co_read_reserved(t, errp);
}

/* --- the whole ----------------------------------------------------------- */

COROUTINE_ONLY
static bool co_options(NbdTalk *t, Error **errp)
{
    bool known;

    if (!co_talk_starttls(t, errp)) {
        return false;
    }
    if (!co_reply_form(t, errp) ||
        (t->session->structured && !co_context(t, errp)) ||
        !co_go(t, &known, errp) || (!known && !co_check_listed(t, errp))) {
        co_talk_abort(t);
        return false;
    }
    return known || co_export_name(t, errp);
}

COROUTINE_ONLY
static bool co_newstyle(NbdTalk *t, Error **errp)
{
    Be16 wire_flags;
    Be32 answer;
    uint16_t flags;

    if (!co_talk_read(t, &wire_flags, sizeof(wire_flags), "server flags",
                      errp)) {
        return false;
    }
    flags =
        be16_get(wire_flags) & (NBD_HANDSHAKE_FIXED | NBD_HANDSHAKE_NO_ZEROES);
    t->no_zeroes = flags & NBD_HANDSHAKE_NO_ZEROES;
    answer = be32(flags);
    if (!co_talk_write(t, &answer, sizeof(answer), "clientflags field", errp)) {
        return false;
    }
    if (!(flags & NBD_HANDSHAKE_FIXED) && !may_be_in_the_clear(t, errp)) {
        return false;
    }
    if (!(flags & NBD_HANDSHAKE_FIXED) && t->lists) {
        error_set(errp, "Server does not support export lists");
        return false;
    }
    /* Without the fixed protocol there is no other option than one. */
    return flags & NBD_HANDSHAKE_FIXED ? t->co_options(t, errp)
                                       : co_export_name(t, errp);
}

bool co_talk_begin(NbdTalk *t, Error **errp)
{
    Be64 magic;

    if (!co_talk_read(t, &magic, sizeof(magic), "initial magic", errp)) {
        return false;
    }
    if (be64_get(magic) != NBD_MAGIC_INIT) {
        error_set(errp, "Bad initial magic received: 0x%" PRIx64,
                  be64_get(magic));
        return false;
    }
    if (!co_talk_read(t, &magic, sizeof(magic), "server magic", errp)) {
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
    g_autofree NbdTalk *talk = g_new0(NbdTalk, 1);
    int fd = session->fd;

    *session = (NbdSession){.fd = fd};
    talk->session = session;
    talk->wish = wish;
    talk->co_options = co_options;
    return co_talk_begin(talk, errp);
}
