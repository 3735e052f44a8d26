/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metadata contexts in the handshake: listing and choosing them.
 *
 * Invariants: a selection belongs to one export, by its serial number, since
 * another of the same name may come in its place before the client says GO.
 * A new SET_META_CONTEXT, also one that fails, drops the old selection.
 */
#include "block/export/nbd-conn.h"
#include "nbd/option.h"

static bool wanted(const NbdMetaRequest *request, const char *context,
                   bool list)
{
    if (list && !request->queries->len) {
        return true;
    }
    for (unsigned i = 0; i < request->queries->len; i++) {
        if (nbd_meta_query_matches(g_ptr_array_index(request->queries, i),
                                   context, list)) {
            return true;
        }
    }
    return false;
}

static void reply_context(GByteArray *out, uint32_t option, uint32_t id,
                          const char *context)
{
    GByteArray *entry = g_byte_array_new();
    Be32 wire_id = be32(id);

    g_byte_array_append(entry, wire_id.b, sizeof(wire_id));
    g_byte_array_append(entry, (const void *)context, strlen(context));
    nbd_option_reply(out, option, NBD_REP_META_CONTEXT, entry->data,
                     entry->len);
    g_byte_array_unref(entry);
}

/* Lists the context, or selects it. */
static void answer_context(NbdConn *conn, uint32_t option,
                           const NbdMetaRequest *request, uint32_t id,
                           const char *context, GByteArray *out)
{
    bool list = option == NBD_OPT_LIST_META_CONTEXT;

    if (!wanted(request, context, list)) {
        return;
    }
    reply_context(out, option, list ? 0 : id, context);
    if (!list) {
        g_array_append_val(conn->selection.ids, id);
    }
}

static void answer(NbdConn *conn, uint32_t option,
                   const NbdMetaRequest *request, GByteArray *out)
{
    const NbdExport *e = nbd_export_find(request->name);

    if (!e) {
        nbd_option_no_export(out, option, request->name);
        return;
    }
    if (option == NBD_OPT_SET_META_CONTEXT) {
        conn->selection.export_serial = e->serial;
    }
    answer_context(conn, option, request, NBD_CONTEXT_ID_BASE, NBD_CONTEXT_BASE,
                   out);
    if (e->shows_depth) {
        answer_context(conn, option, request, NBD_CONTEXT_ID_DEPTH,
                       NBD_CONTEXT_DEPTH, out);
    }
    for (unsigned i = 0; i < e->bitmaps->len; i++) {
        answer_context(conn, option, request, NBD_CONTEXT_ID_BITMAP + i,
                       g_array_index(e->bitmaps, NbdExportBitmap, i).context,
                       out);
    }
    nbd_option_reply(out, option, NBD_REP_ACK, NULL, 0);
}

void nbd_option_meta(NbdConn *conn, uint32_t option, const void *data,
                     uint32_t bytes, GByteArray *out)
{
    NbdMetaRequest request;
    Error *err = NULL;

    if (option == NBD_OPT_SET_META_CONTEXT) {
        g_array_set_size(conn->selection.ids, 0);
        if (!conn->structured) {
            error_set(&err,
                      "request option '%s' when structured reply is "
                      "not negotiated",
                      nbd_option_name(option));
            nbd_option_error(out, option, NBD_REP_ERR_INVALID, err);
            return;
        }
    }
    if (!nbd_meta_request_parse(&request, option, data, bytes, &err)) {
        nbd_option_error(out, option, NBD_REP_ERR_INVALID, err);
        return;
    }
    answer(conn, option, &request, out);
    nbd_meta_request_clear(&request);
}

void nbd_selection_settle(NbdConn *conn)
{
    if (conn->selection.export_serial != conn->e->serial) {
        g_array_set_size(conn->selection.ids, 0);
    }
}
