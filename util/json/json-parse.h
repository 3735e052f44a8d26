/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads JSON documents from a stream of bytes that may be cut anywhere, and
 * whole documents from a string. Strings may stand in single quotes.
 *
 * What json-c would accept and we refuse: NaN and infinity, raw control
 * characters in strings, lone surrogates, invalid UTF-8, a key that is given
 * twice, whole numbers beyond 64 bits. The texts of the errors are QEMU's.
 *
 * Every document is bounded in bytes, in depth, and in the number of its
 * objects and arrays (each costs json-c about 700 bytes): one for every 32
 * bytes of the limit of bytes, at least 1024.
 *
 * Values are json-c objects; NULL is JSON's null. Any thread; does not yield.
 */
#ifndef UTIL_JSON_PARSE_H
#define UTIL_JSON_PARSE_H

#include <json-c/json.h>

#include "util/common.h"
#include "util/error.h"

typedef struct JsonParser JsonParser;

/* QEMU's limit of nesting, and a document size that no client comes near. */
#define JSON_MAX_DEPTH 1024
#define JSON_MAX_DOC_BYTES (4 * MiB)

/* Gets each document as it ends. On success @err is NULL and @doc (NULL for
 * JSON's null) belongs to the callee; on failure @err belongs to the callee and
 * @doc is NULL. It must not feed or free the parser. */
typedef void JsonParserFn(void *opaque, json_object *doc, Error *err);

/* A parser for documents of at most @max_doc_bytes (between its first and last
 * byte, spaces included) and @max_depth nested objects and arrays. */
JsonParser *json_parser_new(size_t max_doc_bytes, unsigned max_depth);
void json_parser_free(JsonParser *parser); /* NULL is fine */

/* Takes @len more bytes; calls @fn for each document or error that ends in
 * them. After an error it goes on as QEMU does: after a byte that fits nowhere
 * it skips to the next of {}[]:, or newline, and after a document that is
 * wrong it goes on behind its last bracket. */
void json_parser_feed(JsonParser *parser, const char *buf, size_t len,
                      JsonParserFn *fn, void *opaque);

/* The stream has ended: reports a document that is half there. */
void json_parser_finish(JsonParser *parser, JsonParserFn *fn, void *opaque);

/* Reads exactly one document, without the limit of bytes. Returns it, or NULL
 * with *@errp set; "null" is an error too, so that NULL always means failure.
 * The caller owns the result. */
json_object *json_parse_string(const char *text, Error **errp);

#endif
