/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds options and takes their replies apart.
 *
 * Invariant: a length from the wire is compared with what is left before it
 * is used.
 */
#include "nbd/client.h"

/* --- requests ------------------------------------------------------------ */

void nbd_option_put(GByteArray *out, uint32_t option, const void *data,
                    size_t bytes)
{
    NbdOptionHeader head = {
        .magic = be64(NBD_MAGIC_OPTION),
        .option = be32(option),
        .bytes = be32(bytes),
    };

    g_byte_array_append(out, (const guint8 *)&head, sizeof(head));
    if (bytes) {
        g_byte_array_append(out, data, bytes);
    }
}

static void put_u16(GByteArray *out, uint16_t value)
{
    Be16 wire = be16(value);

    g_byte_array_append(out, wire.b, sizeof(wire));
}

static void put_u32(GByteArray *out, uint32_t value)
{
    Be32 wire = be32(value);

    g_byte_array_append(out, wire.b, sizeof(wire));
}

static void put_string(GByteArray *out, const char *text)
{
    size_t n = strlen(text);

    put_u32(out, n);
    g_byte_array_append(out, (const guint8 *)text, n);
}

static void put_export(GByteArray *out, uint32_t option, const char *name)
{
    g_autoptr(GByteArray) data = g_byte_array_new();

    put_string(data, name);
    put_u16(data, 1);
    put_u16(data, NBD_INFO_BLOCK_SIZE);
    nbd_option_put(out, option, data->data, data->len);
}

void nbd_option_put_go(GByteArray *out, const char *name)
{
    put_export(out, NBD_OPT_GO, name);
}

void nbd_option_put_info(GByteArray *out, const char *name)
{
    put_export(out, NBD_OPT_INFO, name);
}

void nbd_option_put_list_meta(GByteArray *out, const char *name)
{
    g_autoptr(GByteArray) data = g_byte_array_new();

    put_string(data, name);
    put_u32(data, 0);
    nbd_option_put(out, NBD_OPT_LIST_META_CONTEXT, data->data, data->len);
}

void nbd_option_put_meta(GByteArray *out, const char *name, const char *query)
{
    g_autoptr(GByteArray) data = g_byte_array_new();

    put_string(data, name);
    put_u32(data, 1);
    put_string(data, query);
    nbd_option_put(out, NBD_OPT_SET_META_CONTEXT, data->data, data->len);
}

/* --- replies ------------------------------------------------------------- */

bool nbd_reply_header_parse(NbdReplyHeader *head, const NbdOptionReply *wire,
                            uint32_t option, Error **errp)
{
    head->option = be32_get(wire->option);
    head->type = be32_get(wire->type);
    head->bytes = be32_get(wire->bytes);
    if (be64_get(wire->magic) != NBD_MAGIC_OPTION_REPLY) {
        error_set(errp, "Unexpected option reply magic");
        return false;
    }
    if (head->option != option) {
        error_set(errp, "Unexpected option type %u (%s), expected %u (%s)",
                  head->option, nbd_option_name(head->option), option,
                  nbd_option_name(option));
        return false;
    }
    if (head->bytes > NBD_MAX_REPLY) {
        error_set(errp, "server %s %" PRIu32 " (%s) message is too long",
                  head->type & NBD_REP_IS_ERROR ? "error" : "reply", head->type,
                  nbd_reply_name(head->type));
        return false;
    }
    return true;
}

void nbd_refusal_set(const NbdReplyHeader *head, const void *data, Error **errp)
{
    static const char *const texts[] = {
        [NBD_REP_ERR_UNSUP & 15] = "Unsupported option type",
        [NBD_REP_ERR_POLICY & 15] = "Denied by server for option",
        [NBD_REP_ERR_INVALID & 15] = "Invalid parameters for option",
        [NBD_REP_ERR_PLATFORM & 15] = "Server lacks support for option",
        [NBD_REP_ERR_TLS_REQD & 15] = "TLS negotiation required before option",
        [NBD_REP_ERR_SHUTDOWN & 15] = "Server shutting down before option",
        [NBD_REP_ERR_BLOCK_SIZE_REQD & 15] =
            "Server requires INFO_BLOCK_SIZE for option",
    };
    uint32_t number = head->type & ~NBD_REP_IS_ERROR;
    const char *text = number < ARRAY_SIZE(texts) ? texts[number] : NULL;

    if (head->type == NBD_REP_ERR_UNKNOWN) {
        error_set(errp, "Requested export not available");
    } else {
        error_set(errp, "%s %" PRIu32 " (%s)",
                  text ? text : "Unknown error code when asking for option",
                  head->option, nbd_option_name(head->option));
    }
    if (head->type == NBD_REP_ERR_TLS_REQD) {
        error_append_hint(errp, "Did you forget a valid tls-creds?\n");
    }
    if (head->bytes) {
        g_autofree char *words = g_strndup(data, head->bytes);
        g_autofree char *shown = g_utf8_make_valid(words, -1);

        error_append_hint(errp, "server reported: %s\n", shown);
    }
}

static bool info_length(size_t bytes, size_t expected, Error **errp)
{
    if (bytes != expected) {
        error_set(errp, "remaining export info len %zu is unexpected size",
                  bytes - sizeof(Be16));
    }
    return bytes == expected;
}

bool nbd_reply_info_parse(NbdExportInfo *info, const void *data, size_t bytes,
                          Error **errp)
{
    const NbdInfoExport *e = data;
    const NbdInfoBlockSize *b = data;

    if (bytes < sizeof(Be16)) {
        error_set(errp, "NBD_REP_INFO length %zu is too short", bytes);
        return false;
    }
    switch (be16_get(e->type)) {
    case NBD_INFO_EXPORT:
        if (!info_length(bytes, sizeof(*e), errp)) {
            return false;
        }
        info->size_bytes = be64_get(e->size_bytes);
        info->flags = be16_get(e->flags);
        break;
    case NBD_INFO_BLOCK_SIZE:
        if (!info_length(bytes, sizeof(*b), errp)) {
            return false;
        }
        info->min_bytes = be32_get(b->min_bytes);
        info->preferred_bytes = be32_get(b->preferred_bytes);
        info->max_bytes = be32_get(b->max_bytes);
        if (!is_power_of_2(info->min_bytes)) {
            error_set(errp,
                      "server minimum block size %" PRIu32
                      " is not a power of two",
                      info->min_bytes);
            return false;
        }
        break;
    default:
        break;
    }
    return true;
}

/* Block sizes are told before or after the size, so they are compared at the
 * end. */
static bool check_block_sizes(const NbdExportInfo *info, Error **errp)
{
    if (!is_power_of_2(info->preferred_bytes) ||
        info->preferred_bytes < info->min_bytes) {
        error_set(errp, "server preferred block size %" PRIu32 " is not valid",
                  info->preferred_bytes);
        return false;
    }
    if (info->max_bytes < info->min_bytes ||
        (info->max_bytes != UINT32_MAX && info->max_bytes % info->min_bytes)) {
        error_set(errp, "server maximum block size %" PRIu32 " is not valid",
                  info->max_bytes);
        return false;
    }
    if (info->size_bytes % info->min_bytes) {
        error_set(errp,
                  "export size %" PRIu64 " is not multiple of minimum block "
                  "size %" PRIu32,
                  info->size_bytes, info->min_bytes);
        return false;
    }
    return true;
}

bool nbd_export_info_check(const NbdExportInfo *info, Error **errp)
{
    if (!(info->flags & NBD_FLAG_HAS_FLAGS)) {
        error_set(errp, "broken server omitted NBD_INFO_EXPORT");
        return false;
    }
    return !info->min_bytes || check_block_sizes(info, errp);
}

bool nbd_reply_meta_parse(const char *name, const void *data, size_t bytes,
                          uint32_t *id, Error **errp)
{
    const char *told = (const char *)data + sizeof(Be32);
    size_t n = bytes - sizeof(Be32);

    if (bytes <= sizeof(Be32)) {
        error_set(errp,
                  "Failed to negotiate meta context, server answered with "
                  "unexpected length %zu",
                  bytes);
        return false;
    }
    if (n != strlen(name) || memcmp(told, name, n)) {
        g_autofree char *shown = g_utf8_make_valid(told, n);

        error_set(errp,
                  "Failed to negotiate meta context '%s', server answered "
                  "with different context '%s'",
                  name, shown);
        return false;
    }
    *id = be32_get(*(const Be32 *)data);
    return true;
}

bool nbd_reply_server_parse(const char *name, const void *data, size_t bytes,
                            bool *same, Error **errp)
{
    size_t n;

    if (bytes < sizeof(Be32)) {
        error_set(errp, "incorrect option length %zu", bytes);
        return false;
    }
    n = be32_get(*(const Be32 *)data);
    if (n > bytes - sizeof(Be32)) {
        error_set(errp, "incorrect name length in server's list response");
        return false;
    }
    *same = n == strlen(name) &&
            !memcmp((const char *)data + sizeof(Be32), name, n);
    return true;
}
