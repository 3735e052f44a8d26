/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data of NBD options as a client sends them, taken apart: nothing here
 * does I/O, and no byte sequence whatever is trusted.
 *
 * Errors are texts for the option reply NBD_REP_ERR_INVALID.
 */
#ifndef NBD_OPTION_H
#define NBD_OPTION_H

#include "nbd/protocol.h"
#include "util/error.h"

/* NBD_OPT_INFO and NBD_OPT_GO. */
typedef struct NbdInfoRequest {
    char *name; /* owned; "" means the default export */
    bool wants_name;
    bool wants_description;
    bool wants_block_size;
} NbdInfoRequest;

/* Parses [@data, +@bytes) of @option. On success the caller frees the
 * content with nbd_info_request_clear. */
bool nbd_info_request_parse(NbdInfoRequest *request, uint32_t option,
                            const void *data, size_t bytes, Error **errp);
void nbd_info_request_clear(NbdInfoRequest *request);

/* NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT. */
typedef struct NbdMetaRequest {
    char *name;         /* owned; the export's */
    GPtrArray *queries; /* owned (char *); at most bytes / 4 of them */
} NbdMetaRequest;

bool nbd_meta_request_parse(NbdMetaRequest *request, uint32_t option,
                            const void *data, size_t bytes, Error **errp);
void nbd_meta_request_clear(NbdMetaRequest *request);

/*
 * True if @query selects the context called @context ("base:allocation",
 * "qemu:dirty-bitmap:b0"): it is that name, or, when only listing
 * (@list), a leading part that ends in ':' ("base:", "qemu:",
 * "qemu:dirty-bitmap:").
 */
bool nbd_meta_query_matches(const char *query, const char *context, bool list);

#endif
