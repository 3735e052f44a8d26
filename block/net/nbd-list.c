/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at what a server offers: LIST, then INFO and LIST_META_CONTEXT for
 * each export. Nothing is chosen; the connection ends with it.
 *
 * Invariant: at most NBD_LIST_MAX exports, and contexts of one, are taken; the
 * whole ends within NBD_NEGOTIATE_NS.
 */
#include "block/net/nbd-list.h"

#include "block/net/nbd-talk.h"

typedef struct List {
    NbdTalk talk; /* first: co_options finds the rest by it */
    GPtrArray *exports;
} List;

static void listed_free(void *opaque)
{
    NbdListed *e = opaque;

    g_free(e->name);
    g_free(e->description);
    g_ptr_array_unref(e->contexts);
    g_free(e);
}

static NbdListed *add_export(List *l, char *name, char *description)
{
    NbdListed *e = g_new0(NbdListed, 1);

    e->name = name;
    e->description = description;
    e->contexts = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(l->exports, e);
    return e;
}

/* --- names --------------------------------------------------------------- */

static bool take_server(List *l, Error **errp)
{
    const char *data = (const char *)l->talk.data;
    size_t bytes = l->talk.head.bytes, n;
    bool same;

    if (!nbd_reply_server_parse("", data, bytes, &same, errp)) {
        return false;
    }
    n = be32_get(*(const Be32 *)data);
    data += sizeof(Be32);
    bytes -= sizeof(Be32);
    if (l->exports->len >= NBD_LIST_MAX) {
        error_set(errp, "server sent too many replies");
        return false;
    }
    add_export(l, g_strndup(data, n),
               bytes > n ? g_strndup(data + n, bytes - n) : NULL);
    return true;
}

static bool unexpected(const NbdTalk *t, uint32_t expected, Error **errp)
{
    error_set(errp, "Unexpected reply type %u (%s), expected %u (%s)",
              t->head.type, nbd_reply_name(t->head.type), expected,
              nbd_reply_name(expected));
    return false;
}

COROUTINE_ONLY
static bool co_names(List *l, Error **errp)
{
    NbdTalk *t = &l->talk;
    GByteArray *option = g_byte_array_new();

    nbd_option_put(option, NBD_OPT_LIST, NULL, 0);
    if (!co_talk_ask(t, option, errp)) {
        return false;
    }
    while (co_talk_reply(t, NBD_OPT_LIST, errp)) {
        if (t->head.type & NBD_REP_IS_ERROR) {
            nbd_refusal_set(&t->head, t->data, errp);
            return false;
        }
        if (t->head.type == NBD_REP_ACK) {
            return nbd_talk_check_ack(t, errp);
        }
        if (t->head.type != NBD_REP_SERVER) {
            return unexpected(t, NBD_REP_SERVER, errp);
        }
        if (!take_server(l, errp)) {
            return false;
        }
    }
    return false;
}

/* --- one export ---------------------------------------------------------- */

/* What a server does not tell, is not shown. */
COROUTINE_ONLY
static bool co_info(NbdTalk *t, NbdListed *e, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    nbd_option_put_info(option, e->name);
    if (!co_talk_ask(t, option, errp)) {
        return false;
    }
    for (unsigned i = 0; i < NBD_MAX_REPLIES; i++) {
        if (!co_talk_reply(t, NBD_OPT_INFO, errp)) {
            return false;
        }
        if (t->head.type & NBD_REP_IS_ERROR) {
            e->info = (NbdExportInfo){};
            return true;
        }
        if (t->head.type == NBD_REP_ACK) {
            return nbd_talk_check_ack(t, errp);
        }
        if (t->head.type != NBD_REP_INFO) {
            return unexpected(t, NBD_REP_INFO, errp);
        }
        if (!nbd_reply_info_parse(&e->info, t->data, t->head.bytes, errp)) {
            return false;
        }
    }
    error_set(errp, "server sent too many replies");
    return false;
}

static bool take_context(NbdTalk *t, NbdListed *e, Error **errp)
{
    if (t->head.type != NBD_REP_META_CONTEXT) {
        return unexpected(t, NBD_REP_META_CONTEXT, errp);
    }
    if (t->head.bytes <= sizeof(Be32)) {
        error_set(errp,
                  "Failed to negotiate meta context, server answered with "
                  "unexpected length %" PRIu32,
                  t->head.bytes);
        return false;
    }
    if (e->contexts->len >= NBD_LIST_MAX) {
        error_set(errp, "server sent too many replies");
        return false;
    }
    g_ptr_array_add(e->contexts, g_strndup((const char *)t->data + sizeof(Be32),
                                           t->head.bytes - sizeof(Be32)));
    return true;
}

COROUTINE_ONLY
static bool co_contexts(NbdTalk *t, NbdListed *e, Error **errp)
{
    GByteArray *option = g_byte_array_new();

    nbd_option_put_list_meta(option, e->name);
    if (!co_talk_ask(t, option, errp)) {
        return false;
    }
    while (co_talk_reply(t, NBD_OPT_LIST_META_CONTEXT, errp)) {
        if (t->head.type & NBD_REP_IS_ERROR) {
            return true;
        }
        if (t->head.type == NBD_REP_ACK) {
            return nbd_talk_check_ack(t, errp);
        }
        if (!take_context(t, e, errp)) {
            break;
        }
    }
    return false;
}

/* --- the whole ----------------------------------------------------------- */

COROUTINE_ONLY
static bool co_look(List *l, Error **errp)
{
    NbdTalk *t = &l->talk;

    if (!co_talk_switch(t, NBD_OPT_STRUCTURED_REPLY, &t->session->structured,
                        errp) ||
        !co_names(l, errp)) {
        return false;
    }
    for (guint i = 0; i < l->exports->len; i++) {
        NbdListed *e = l->exports->pdata[i];

        if (!co_info(t, e, errp) ||
            (t->session->structured && !co_contexts(t, e, errp))) {
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY
static bool co_list_options(NbdTalk *t, Error **errp)
{
    List *l = (List *)t;
    bool ok;

    if (!co_talk_starttls(t, errp)) {
        return false;
    }
    ok = co_look(l, errp);
    co_talk_abort(t);
    return ok;
}

COROUTINE_ONLY
static bool co_list(List *l, Error **errp)
{
    if (!co_talk_begin(&l->talk, errp)) {
        return false;
    }
    if (l->talk.session->info.flags) {
        /* It knows no lists: there is the one export without a name. */
        add_export(l, g_strdup(""), NULL)->info = l->talk.session->info;
    }
    return true;
}

typedef struct Deadline {
    Timer timer;
    IoPending pending;
    int fd; /* connected; -1: not yet */
} Deadline;

static void deadline_passed(void *opaque)
{
    Deadline *d = opaque;

    io_give_up(&d->pending);
    if (d->fd >= 0) {
        io_shutdown(d->fd);
        io_cancel_fd(d->fd);
    }
}

GPtrArray *co_nbd_list(const IoAddress *address, TlsCreds *creds,
                       const char *hostname, Error **errp)
{
    NbdWish wish = {.export = "", .tls_creds = creds, .tls_hostname = hostname};
    NbdSession session = {.fd = -1};
    Deadline d = {.pending = {.fd = -1}, .fd = -1};
    g_autofree List *l = g_new0(List, 1);
    bool ok = false;

    l->talk.session = &session;
    l->talk.wish = &wish;
    l->talk.co_options = co_list_options;
    l->talk.lists = true;
    l->exports = g_ptr_array_new_with_free_func(listed_free);
    timer_init(&d.timer, deadline_passed, &d);
    timer_arm(&d.timer, reactor_now_ns() + NBD_NEGOTIATE_NS);
    session.fd = co_io_connect(address, &d.pending, errp);
    if (session.fd >= 0) {
        d.fd = session.fd;
        ok = co_list(l, errp);
        nbd_session_close(&session);
    }
    timer_cancel(&d.timer);
    if (!ok) {
        g_ptr_array_unref(l->exports);
    }
    return ok ? l->exports : NULL;
}
