/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's side of options: building requests, taking replies apart.
 * Nothing here does I/O, and no byte sequence whatever is trusted. Texts are
 * those of QEMU 7.2 (found by running it). Any thread.
 */
#ifndef NBD_CLIENT_H
#define NBD_CLIENT_H

#include "nbd/protocol.h"
#include "util/error.h"

/* The most data that we take of one option reply, in bytes: a context's
 * number and its name. */
#define NBD_MAX_REPLY (NBD_MAX_STRING + 4)

/* What a server told of an export. */
typedef struct NbdExportInfo {
    uint64_t size_bytes;
    uint16_t flags;     /* NBD_FLAG_*; 0 until it told */
    uint32_t min_bytes; /* block sizes; 0 if it told none */
    uint32_t preferred_bytes, max_bytes;
} NbdExportInfo;

/* Appends an option with @bytes of @data (NULL when 0) to @out. */
void nbd_option_put(GByteArray *out, uint32_t option, const void *data,
                    size_t bytes);
/* NBD_OPT_GO for the export @name, asking for its block sizes. */
void nbd_option_put_go(GByteArray *out, const char *name);
/* NBD_OPT_INFO, the same. */
void nbd_option_put_info(GByteArray *out, const char *name);
/* NBD_OPT_LIST_META_CONTEXT for all contexts. */
void nbd_option_put_list_meta(GByteArray *out, const char *name);
/* NBD_OPT_SET_META_CONTEXT with one query. */
void nbd_option_put_meta(GByteArray *out, const char *name, const char *query);

/* The header of an option reply, checked. */
typedef struct NbdReplyHeader {
    uint32_t option;
    uint32_t type;
    uint32_t bytes; /* of data after it; at most NBD_MAX_REPLY */
} NbdReplyHeader;

/* False if @wire is no reply to @option or too long. */
bool nbd_reply_header_parse(NbdReplyHeader *head, const NbdOptionReply *wire,
                            uint32_t option, Error **errp);

/* Sets the text for a reply that is an error; @data (+head->bytes) holds the
 * server's own words, which become a hint. */
void nbd_refusal_set(const NbdReplyHeader *head, const void *data,
                     Error **errp);

/* Takes in the data of one NBD_REP_INFO; kinds that we do not know are
 * fine. */
bool nbd_reply_info_parse(NbdExportInfo *info, const void *data, size_t bytes,
                          Error **errp);
/* What was told makes sense as a whole. */
bool nbd_export_info_check(const NbdExportInfo *info, Error **errp);

/* The number of the context @name from a NBD_REP_META_CONTEXT. */
bool nbd_reply_meta_parse(const char *name, const void *data, size_t bytes,
                          uint32_t *id, Error **errp);

/* *@same: the NBD_REP_SERVER names the export @name. */
bool nbd_reply_server_parse(const char *name, const void *data, size_t bytes,
                            bool *same, Error **errp);

#endif
