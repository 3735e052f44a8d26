/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers to the single options of the handshake. Texts and the order of
 * replies are QEMU 7.2's.
 *
 * Invariant: nothing here yields, so an export that was found stays until it
 * is attached to.
 */
#include "block/export/nbd-conn.h"
#include "nbd/option.h"

void nbd_option_reply(GByteArray *out, uint32_t option, uint32_t type,
                      const void *data, size_t bytes)
{
    NbdOptionReply head = {
        .magic = be64(NBD_MAGIC_OPTION_REPLY),
        .option = be32(option),
        .type = be32(type),
        .bytes = be32(bytes),
    };

    g_byte_array_append(out, (const void *)&head, sizeof(head));
    if (bytes) {
        g_byte_array_append(out, data, bytes);
    }
}

#define NAME_SHOWN 80

void nbd_option_error(GByteArray *out, uint32_t option, uint32_t type,
                      Error *err)
{
    const char *text = error_text(err);

    nbd_option_reply(out, option, type, text,
                     MIN(strlen(text), NBD_MAX_STRING));
    error_free(err);
}

void nbd_option_no_export(GByteArray *out, uint32_t option, const char *name)
{
    bool is_long = strlen(name) >= NAME_SHOWN;
    Error *err = NULL;

    error_set(&err, "export '%.*s%s' not present", NAME_SHOWN, name,
              is_long ? "..." : "");
    nbd_option_error(out, option, NBD_REP_ERR_UNKNOWN, err);
}

static void ack(GByteArray *out, uint32_t option)
{
    nbd_option_reply(out, option, NBD_REP_ACK, NULL, 0);
}

/* Options that take no data. */
static bool check_empty(uint32_t option, uint32_t bytes, GByteArray *out)
{
    Error *err = NULL;

    if (!bytes) {
        return true;
    }
    error_set(&err, "option '%s' has unexpected length",
              nbd_option_name(option));
    nbd_option_error(out, option, NBD_REP_ERR_INVALID, err);
    return false;
}

/* --- LIST, forms of replies, STARTTLS ------------------------------------ */

static void list_exports(GByteArray *out)
{
    for (NbdExport *e = nbd_export_next(NULL); e; e = nbd_export_next(e)) {
        GByteArray *entry = g_byte_array_new();
        Be32 name_bytes = be32(strlen(e->name));

        g_byte_array_append(entry, name_bytes.b, sizeof(name_bytes));
        g_byte_array_append(entry, (void *)e->name, strlen(e->name));
        if (e->description) {
            g_byte_array_append(entry, (void *)e->description,
                                strlen(e->description));
        }
        nbd_option_reply(out, NBD_OPT_LIST, NBD_REP_SERVER, entry->data,
                         entry->len);
        g_byte_array_unref(entry);
    }
    ack(out, NBD_OPT_LIST);
}

static void structured_reply(NbdConn *conn, GByteArray *out)
{
    Error *err = NULL;

    if (conn->extended) {
        error_set(&err, "extended headers already negotiated");
        nbd_option_error(out, NBD_OPT_STRUCTURED_REPLY,
                         NBD_REP_ERR_EXT_HEADER_REQD, err);
        return;
    }
    if (conn->structured) {
        error_set(&err, "structured reply already negotiated");
        nbd_option_error(out, NBD_OPT_STRUCTURED_REPLY, NBD_REP_ERR_INVALID,
                         err);
        return;
    }
    conn->structured = true;
    ack(out, NBD_OPT_STRUCTURED_REPLY);
}

static void extended_headers(NbdConn *conn, GByteArray *out)
{
    Error *err = NULL;

    if (conn->extended) {
        error_set(&err, "extended headers already negotiated");
        nbd_option_error(out, NBD_OPT_EXTENDED_HEADERS, NBD_REP_ERR_INVALID,
                         err);
        return;
    }
    conn->extended = conn->structured = true;
    ack(out, NBD_OPT_EXTENDED_HEADERS);
}

static NbdOptionResult starttls(const NbdConn *conn, GByteArray *out)
{
    Error *err = NULL;

    if (conn->tls) {
        error_set(&err, "TLS already enabled");
        nbd_option_error(out, NBD_OPT_STARTTLS, NBD_REP_ERR_INVALID, err);
    } else if (!conn->settings->tls_creds) {
        error_set(&err, "TLS not configured");
        nbd_option_error(out, NBD_OPT_STARTTLS, NBD_REP_ERR_POLICY, err);
    } else {
        ack(out, NBD_OPT_STARTTLS);
        return NBD_OPTION_STARTTLS;
    }
    return NBD_OPTION_NEXT;
}

/* Before TLS where it is a must: no other option is looked at. */
static NbdOptionResult needs_tls(uint32_t option, GByteArray *out)
{
    Error *err = NULL;

    if (option == NBD_OPT_EXPORT_NAME) {
        return NBD_OPTION_CLOSE;
    }
    error_set(&err, "Option 0x%" PRIx32 " not permitted before TLS", option);
    nbd_option_error(out, option, NBD_REP_ERR_TLS_REQD, err);
    return NBD_OPTION_NEXT;
}

/* --- INFO and GO --------------------------------------------------------- */

static void info_text(GByteArray *out, uint32_t option, uint16_t type,
                      const char *text)
{
    GByteArray *info = g_byte_array_new();
    Be16 wire_type = be16(type);

    g_byte_array_append(info, wire_type.b, sizeof(wire_type));
    g_byte_array_append(info, (const void *)text, strlen(text));
    nbd_option_reply(out, option, NBD_REP_INFO, info->data, info->len);
    g_byte_array_unref(info);
}

static void info_block_size(const NbdExport *e, uint32_t min_bytes,
                            uint32_t option, GByteArray *out)
{
    NbdInfoBlockSize info = {
        .type = be16(NBD_INFO_BLOCK_SIZE),
        .min_bytes = be32(min_bytes),
        .preferred_bytes = be32(nbd_export_preferred_block_bytes(e)),
        .max_bytes = be32(NBD_MAX_PAYLOAD),
    };

    nbd_option_reply(out, option, NBD_REP_INFO, &info, sizeof(info));
}

CONTROL_ONLY
static void info_export(const NbdConn *conn, const NbdExport *e,
                        uint32_t option, GByteArray *out)
{
    NbdInfoExport info = {
        .type = be16(NBD_INFO_EXPORT),
        .size_bytes = be64(nbd_export_size_bytes(e)),
        .flags = be16(nbd_export_flags(e, conn->structured)),
    };

    nbd_option_reply(out, option, NBD_REP_INFO, &info, sizeof(info));
}

CONTROL_ONLY
static NbdOptionResult send_info(NbdConn *conn, NbdExport *e, uint32_t option,
                                 const NbdInfoRequest *request, GByteArray *out)
{
    uint32_t min_bytes = nbd_export_min_block_bytes(e);
    bool go = option == NBD_OPT_GO;
    Error *err = NULL;

    /* Who does not ask for the block size will not keep to it; we serve any
     * alignment and say so. */
    if (go && !request->wants_block_size) {
        min_bytes = 1;
    }
    if (request->wants_name) {
        info_text(out, option, NBD_INFO_NAME, e->name);
    }
    if (e->description) {
        info_text(out, option, NBD_INFO_DESCRIPTION, e->description);
    }
    info_block_size(e, min_bytes, option, out);
    info_export(conn, e, option, out);
    if (min_bytes > 1 && !request->wants_block_size) {
        error_set(&err, "request NBD_INFO_BLOCK_SIZE to use this export");
        nbd_option_error(out, option, NBD_REP_ERR_BLOCK_SIZE_REQD, err);
        return NBD_OPTION_NEXT;
    }
    ack(out, option);
    if (go) {
        nbd_conn_attach(conn, e);
        nbd_selection_settle(conn);
    }
    return go ? NBD_OPTION_TRANSMIT : NBD_OPTION_NEXT;
}

CONTROL_ONLY
static NbdOptionResult info_or_go(NbdConn *conn, uint32_t option,
                                  const void *data, uint32_t bytes,
                                  GByteArray *out)
{
    NbdOptionResult result = NBD_OPTION_NEXT;
    NbdInfoRequest request;
    Error *err = NULL;
    NbdExport *e;

    if (!nbd_info_request_parse(&request, option, data, bytes, &err)) {
        nbd_option_error(out, option, NBD_REP_ERR_INVALID, err);
        return result;
    }
    e = nbd_export_find(request.name);
    if (e) {
        result = send_info(conn, e, option, &request, out);
    } else {
        nbd_option_no_export(out, option, request.name);
    }
    nbd_info_request_clear(&request);
    return result;
}

/* --- EXPORT_NAME --------------------------------------------------------- */

CONTROL_ONLY
static NbdOptionResult export_name(NbdConn *conn, const void *data,
                                   uint32_t bytes, GByteArray *out)
{
    static const uint8_t zeroes[NBD_EXPORT_NAME_ZEROES];
    char *name = g_strndup(data, bytes);
    NbdExport *e = memchr(data, 0, bytes) ? NULL : nbd_export_find(name);
    NbdExportNameReply reply;

    g_free(name);
    if (!e) {
        return NBD_OPTION_CLOSE;
    }
    reply.size_bytes = be64(nbd_export_size_bytes(e));
    reply.flags = be16(nbd_export_flags(e, conn->structured));
    g_byte_array_append(out, (const void *)&reply, sizeof(reply));
    if (!conn->no_zeroes) {
        g_byte_array_append(out, zeroes, sizeof(zeroes));
    }
    nbd_conn_attach(conn, e);
    nbd_selection_settle(conn);
    return NBD_OPTION_TRANSMIT;
}

static void unknown_option(uint32_t option, GByteArray *out)
{
    Error *err = NULL;

    error_set(&err, "Unsupported option %" PRIu32 " (%s)", option,
              nbd_option_name(option));
    nbd_option_error(out, option, NBD_REP_ERR_UNSUP, err);
}

NbdOptionResult nbd_option_handle(NbdConn *conn, uint32_t option,
                                  const void *data, uint32_t bytes,
                                  GByteArray *out)
{
    if (conn->settings->tls_creds && !conn->tls && option != NBD_OPT_STARTTLS) {
        return needs_tls(option, out);
    }
    switch (option) {
    case NBD_OPT_EXPORT_NAME:
        return export_name(conn, data, bytes, out);
    case NBD_OPT_ABORT:
        ack(out, option);
        return NBD_OPTION_CLOSE;
    case NBD_OPT_LIST:
        if (check_empty(option, bytes, out)) {
            list_exports(out);
        }
        break;
    case NBD_OPT_STARTTLS:
        if (check_empty(option, bytes, out)) {
            return starttls(conn, out);
        }
        break;
    case NBD_OPT_STRUCTURED_REPLY:
        if (check_empty(option, bytes, out)) {
            structured_reply(conn, out);
        }
        break;
    case NBD_OPT_EXTENDED_HEADERS:
        if (check_empty(option, bytes, out)) {
            extended_headers(conn, out);
        }
        break;
    case NBD_OPT_INFO:
    case NBD_OPT_GO:
        return info_or_go(conn, option, data, bytes, out);
    case NBD_OPT_LIST_META_CONTEXT:
    case NBD_OPT_SET_META_CONTEXT:
        nbd_option_meta(conn, option, data, bytes, out);
        break;
    default:
        unknown_option(option, out);
    }
    return NBD_OPTION_NEXT;
}
