/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tokens of one document, and making a value of them. Inside util/json
 * only.
 */
#ifndef UTIL_JSON_DOC_H
#define UTIL_JSON_DOC_H

#include <json-c/json.h>

#include "util/error.h"
#include "util/json/json-lexer.h"

typedef struct JsonToken {
    JsonTokenKind kind;
    char mark;     /* MARK: which; else 0 */
    size_t offset; /* other kinds: where in the text of the document, */
    size_t length; /* in bytes; a NUL follows */
} JsonToken;

typedef struct JsonDoc {
    GArray *tokens; /* of JsonToken */
    GString *text;
} JsonDoc;

/* Makes the value of the document. Returns false with *@errp set to QEMU's
 * text, without the "JSON parse error, " in front. On success *@value is
 * owned by the caller; NULL is JSON's null. */
bool json_doc_parse(const JsonDoc *doc, json_object **value, Error **errp);

/* Decodes a string token with its quotes. Returns NULL with *@errp set. */
GString *json_string_decode(const char *token, size_t length, Error **errp);

/* Whether a code point is a character: no surrogate, no noncharacter. */
bool json_is_character(uint32_t code);

#endif
