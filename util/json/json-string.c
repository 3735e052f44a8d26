/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes the escapes of a JSON string and checks its UTF-8. */
#include "util/json/json-doc.h"

bool json_is_character(uint32_t code)
{
    return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) &&
           !(code >= 0xfdd0 && code <= 0xfdef) && (code & 0xfffe) != 0xfffe;
}

/* The four hexadecimal digits at @at, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;

    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(at[i]);

        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* Reads what follows `\u` at *@at, one escape or a surrogate pair. */
static bool decode_unicode(const char **at, const char *end, GString *out,
                           Error **errp)
{
    const char *digits = *at;
    int32_t code = hex4(digits, end);

    *at += 4;
    if (code >= 0xd800 && code <= 0xdbff && end - *at >= 6 &&
        (*at)[0] == '\\' && (*at)[1] == 'u') {
        int32_t low = hex4(*at + 2, end);

        if (low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
        }
    }
    if (code < 0 || !json_is_character(code)) {
        /* The closing quote belongs to the text, as QEMU shows it. */
        error_set(errp, "\\u%.4s is not a valid Unicode character", digits);
        return false;
    }
    g_string_append_unichar(out, code);
    return true;
}

static bool decode_escape(const char **at, const char *end, GString *out,
                          Error **errp)
{
    static const char from[] = "\"'\\/bfnrt";
    static const char to[] = "\"'\\/\b\f\n\r\t";
    char escape = *(*at)++;
    const char *found = strchr(from, escape);

    if (escape == 'u') {
        return decode_unicode(at, end, out, errp);
    }
    if (!found) {
        error_set(errp, "invalid escape sequence in string");
        return false;
    }
    g_string_append_c(out, to[found - from]);
    return true;
}

static bool decode_plain(const char **at, const char *end, GString *out,
                         Error **errp)
{
    gunichar code = g_utf8_get_char_validated(*at, end - *at);
    const char *next;

    if (!json_is_character(code)) {
        error_set(errp, "invalid UTF-8 sequence in string");
        return false;
    }
    next = g_utf8_next_char(*at);
    g_string_append_len(out, *at, next - *at);
    *at = next;
    return true;
}

GString *json_string_decode(const char *token, size_t length, Error **errp)
{
    const char *at = token + 1, *end = token + length - 1;
    GString *out = g_string_sized_new(length);
    bool ok = true;

    assert(length >= 2);
    while (ok && at < end) {
        if (*at == '\\') {
            at++;
            ok = decode_escape(&at, end, out, errp);
        } else {
            ok = decode_plain(&at, end, out, errp);
        }
    }
    if (!ok) {
        g_string_free(out, TRUE);
        return NULL;
    }
    return out;
}
