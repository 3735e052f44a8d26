/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts a stream of bytes into the tokens of JSON, one byte at a time. Says
 * nothing about how tokens may follow each other. Inside util/json only.
 *
 * States: START -> STRING <-> ESCAPE, START -> KEYWORD, START -> the number
 * states, each back to START when its token ends; any -> RECOVER at a byte
 * that fits nowhere, and RECOVER -> START at a newline or one
 * of {}[]:, .
 */
#ifndef UTIL_JSON_LEXER_H
#define UTIL_JSON_LEXER_H

#include "util/common.h"

typedef enum JsonLexState {
    JSON_LEX_START,
    JSON_LEX_STRING,
    JSON_LEX_ESCAPE,
    JSON_LEX_KEYWORD,
    JSON_LEX_MINUS,
    JSON_LEX_ZERO,
    JSON_LEX_DIGITS,
    JSON_LEX_POINT,
    JSON_LEX_FRACTION,
    JSON_LEX_EXP,
    JSON_LEX_EXP_SIGN,
    JSON_LEX_EXP_DIGITS,
    JSON_LEX_RECOVER,
} JsonLexState;

typedef enum JsonTokenKind {
    JSON_TOKEN_MARK,   /* one of {}[]:, */
    JSON_TOKEN_STRING, /* with its quotes and escapes */
    JSON_TOKEN_INTEGER,
    JSON_TOKEN_FLOAT,
    JSON_TOKEN_KEYWORD,
} JsonTokenKind;

typedef enum JsonLexResult {
    JSON_LEX_MORE,   /* the byte was taken, no token has ended */
    JSON_LEX_TOKEN,  /* the byte was taken and ends a token */
    JSON_LEX_BEFORE, /* a token ended before the byte: give it once more */
    JSON_LEX_ERROR,  /* the byte fits nowhere; `text` ends with it */
} JsonLexResult;

typedef struct JsonLexer {
    JsonLexState state;
    char quote;
    JsonTokenKind kind; /* of the token that ended */
    GString *text;      /* of the token so far */
} JsonLexer;

/* Gives one byte. After TOKEN, BEFORE and ERROR the caller takes what it needs
 * from `kind` and `text` and calls json_lexer_next(). */
JsonLexResult json_lexer_byte(JsonLexer *lexer, unsigned char byte);

/* The stream has ended: MORE (nothing was open), TOKEN or ERROR. */
JsonLexResult json_lexer_end(JsonLexer *lexer);

/* Forgets the text. */
void json_lexer_next(JsonLexer *lexer);

#endif
