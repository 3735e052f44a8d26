/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes the data of NBD options apart.
 *
 * Invariants: a Cursor never moves beyond its end; a length from the wire is
 * compared with what is left before it is used; names and queries with a zero
 * byte inside are refused, so that C strings are the whole truth.
 */
#include "nbd/option.h"

typedef struct Cursor {
    const uint8_t *at;
    size_t left;
    uint32_t option;
} Cursor;

static const void *cursor_take(Cursor *c, size_t bytes, Error **errp)
{
    const uint8_t *p = c->at;

    if (bytes > c->left) {
        error_set(errp, "Inconsistent lengths in option %s",
                  nbd_option_name(c->option));
        return NULL;
    }
    c->at += bytes;
    c->left -= bytes;
    return p;
}

static bool cursor_u16(Cursor *c, uint16_t *value, Error **errp)
{
    const Be16 *p = cursor_take(c, sizeof(*p), errp);

    if (!p) {
        return false;
    }
    *value = be16_get(*p);
    return true;
}

static bool cursor_u32(Cursor *c, uint32_t *value, Error **errp)
{
    const Be32 *p = cursor_take(c, sizeof(*p), errp);

    if (!p) {
        return false;
    }
    *value = be32_get(*p);
    return true;
}

/* A length and that many bytes; NULL on error. @what: "name", "query". */
static char *cursor_string(Cursor *c, const char *what, Error **errp)
{
    uint32_t bytes;
    const char *p;

    if (!cursor_u32(c, &bytes, errp)) {
        return NULL;
    }
    if (bytes > NBD_MAX_STRING) {
        error_set(errp, "Invalid %s length: %" PRIu32, what, bytes);
        return NULL;
    }
    p = cursor_take(c, bytes, errp);
    if (!p) {
        return NULL;
    }
    if (memchr(p, 0, bytes)) {
        error_set(errp, "Zero byte in a %s of option %s", what,
                  nbd_option_name(c->option));
        return NULL;
    }
    return g_strndup(p, bytes);
}

static bool cursor_end(const Cursor *c, Error **errp)
{
    if (c->left) {
        error_set(errp, "option '%s' has unexpected length",
                  nbd_option_name(c->option));
        return false;
    }
    return true;
}

/* --- INFO and GO --------------------------------------------------------- */

static bool info_types_parse(NbdInfoRequest *request, Cursor *c, Error **errp)
{
    uint16_t n, type;

    if (!cursor_u16(c, &n, errp)) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        if (!cursor_u16(c, &type, errp)) {
            return false;
        }
        /* Types that we do not know are hints that we may ignore. */
        request->wants_name |= type == NBD_INFO_NAME;
        request->wants_description |= type == NBD_INFO_DESCRIPTION;
        request->wants_block_size |= type == NBD_INFO_BLOCK_SIZE;
    }
    return cursor_end(c, errp);
}

bool nbd_info_request_parse(NbdInfoRequest *request, uint32_t option,
                            const void *data, size_t bytes, Error **errp)
{
    Cursor c = {data, bytes, option};

    memset(request, 0, sizeof(*request));
    request->name = cursor_string(&c, "name", errp);
    if (!request->name || !info_types_parse(request, &c, errp)) {
        nbd_info_request_clear(request);
        return false;
    }
    return true;
}

void nbd_info_request_clear(NbdInfoRequest *request)
{
    g_free(request->name);
    request->name = NULL;
}

/* --- metadata contexts --------------------------------------------------- */

/* A query longer than any context's name cannot match; it is skipped. */
static bool meta_query_parse(NbdMetaRequest *request, Cursor *c, Error **errp)
{
    uint32_t bytes;
    const char *p;

    if (!cursor_u32(c, &bytes, errp)) {
        return false;
    }
    p = cursor_take(c, bytes, errp);
    if (!p) {
        return false;
    }
    if (bytes <= NBD_MAX_STRING && !memchr(p, 0, bytes)) {
        g_ptr_array_add(request->queries, g_strndup(p, bytes));
    }
    return true;
}

bool nbd_meta_request_parse(NbdMetaRequest *request, uint32_t option,
                            const void *data, size_t bytes, Error **errp)
{
    Cursor c = {data, bytes, option};
    uint32_t n;

    request->queries = g_ptr_array_new_with_free_func(g_free);
    request->name = cursor_string(&c, "name", errp);
    if (!request->name || !cursor_u32(&c, &n, errp)) {
        goto fail;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!meta_query_parse(request, &c, errp)) {
            goto fail;
        }
    }
    /* Listing with no query at all means "everything", which a query that was
     * skipped must not turn into. */
    if (n && !request->queries->len) {
        g_ptr_array_add(request->queries, g_strdup(""));
    }
    if (cursor_end(&c, errp)) {
        return true;
    }

fail:
    nbd_meta_request_clear(request);
    return false;
}

void nbd_meta_request_clear(NbdMetaRequest *request)
{
    g_free(request->name);
    g_ptr_array_unref(request->queries);
    request->name = NULL;
    request->queries = NULL;
}

bool nbd_meta_query_matches(const char *query, const char *context, bool list)
{
    size_t n = strlen(query);

    if (!strcmp(query, context)) {
        return true;
    }
    return list && n && query[n - 1] == ':' && !strncmp(query, context, n);
}
