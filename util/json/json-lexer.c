/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens of JSON: see json-lexer.h. */
#include "util/json/json-lexer.h"

static bool is_mark(unsigned char byte)
{
    return byte && strchr("{}[]:,", byte);
}

static JsonLexResult take(JsonLexer *lexer, unsigned char byte,
                          JsonLexState state)
{
    g_string_append_c(lexer->text, byte);
    lexer->state = state;
    return JSON_LEX_MORE;
}

static JsonLexResult end(JsonLexer *lexer, JsonTokenKind kind,
                         JsonLexResult result)
{
    lexer->kind = kind;
    lexer->state = JSON_LEX_START;
    return result;
}

static JsonLexResult stray(JsonLexer *lexer, unsigned char byte)
{
    take(lexer, byte, JSON_LEX_RECOVER);
    return JSON_LEX_ERROR;
}

static JsonLexResult lex_start(JsonLexer *lexer, unsigned char byte)
{
    if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n') {
        return JSON_LEX_MORE;
    }
    if (is_mark(byte)) {
        take(lexer, byte, JSON_LEX_START);
        return end(lexer, JSON_TOKEN_MARK, JSON_LEX_TOKEN);
    }
    if (byte == '"' || byte == '\'') {
        lexer->quote = byte;
        return take(lexer, byte, JSON_LEX_STRING);
    }
    if (byte == '-') {
        return take(lexer, byte, JSON_LEX_MINUS);
    }
    if (g_ascii_isdigit(byte)) {
        return take(lexer, byte, byte == '0' ? JSON_LEX_ZERO : JSON_LEX_DIGITS);
    }
    if (g_ascii_islower(byte)) {
        return take(lexer, byte, JSON_LEX_KEYWORD);
    }
    return stray(lexer, byte);
}

/* Bytes 0xfe and 0xff are in no encoding of a character. */
static bool fits_string(unsigned char byte)
{
    return byte >= 0x20 && byte <= 0xfd;
}

static JsonLexResult lex_string(JsonLexer *lexer, unsigned char byte)
{
    if (!fits_string(byte)) {
        return stray(lexer, byte);
    }
    if (lexer->state == JSON_LEX_ESCAPE) {
        return take(lexer, byte, JSON_LEX_STRING);
    }
    if (byte == (unsigned char)lexer->quote) {
        take(lexer, byte, JSON_LEX_START);
        return end(lexer, JSON_TOKEN_STRING, JSON_LEX_TOKEN);
    }
    return take(lexer, byte, byte == '\\' ? JSON_LEX_ESCAPE : JSON_LEX_STRING);
}

/* A number that is complete as it is; a point or exponent may follow. */
static JsonLexResult lex_integer(JsonLexer *lexer, unsigned char byte)
{
    if (g_ascii_isdigit(byte)) {
        return lexer->state == JSON_LEX_ZERO
                   ? stray(lexer, byte)
                   : take(lexer, byte, JSON_LEX_DIGITS);
    }
    if (byte == '.') {
        return take(lexer, byte, JSON_LEX_POINT);
    }
    if (byte == 'e' || byte == 'E') {
        return take(lexer, byte, JSON_LEX_EXP);
    }
    return end(lexer, JSON_TOKEN_INTEGER, JSON_LEX_BEFORE);
}

static JsonLexResult lex_float(JsonLexer *lexer, unsigned char byte)
{
    if (g_ascii_isdigit(byte)) {
        return take(lexer, byte, lexer->state);
    }
    if (lexer->state == JSON_LEX_FRACTION && (byte == 'e' || byte == 'E')) {
        return take(lexer, byte, JSON_LEX_EXP);
    }
    return end(lexer, JSON_TOKEN_FLOAT, JSON_LEX_BEFORE);
}

/* Where a digit must come. */
static JsonLexResult lex_need_digit(JsonLexer *lexer, unsigned char byte)
{
    if (lexer->state == JSON_LEX_EXP && (byte == '+' || byte == '-')) {
        return take(lexer, byte, JSON_LEX_EXP_SIGN);
    }
    if (!g_ascii_isdigit(byte)) {
        return stray(lexer, byte);
    }
    if (lexer->state == JSON_LEX_MINUS) {
        return take(lexer, byte, byte == '0' ? JSON_LEX_ZERO : JSON_LEX_DIGITS);
    }
    return take(lexer, byte,
                lexer->state == JSON_LEX_POINT ? JSON_LEX_FRACTION
                                               : JSON_LEX_EXP_DIGITS);
}

JsonLexResult json_lexer_byte(JsonLexer *lexer, unsigned char byte)
{
    switch (lexer->state) {
    case JSON_LEX_START:
        return lex_start(lexer, byte);
    case JSON_LEX_STRING:
    case JSON_LEX_ESCAPE:
        return lex_string(lexer, byte);
    case JSON_LEX_KEYWORD:
        return g_ascii_islower(byte)
                   ? take(lexer, byte, JSON_LEX_KEYWORD)
                   : end(lexer, JSON_TOKEN_KEYWORD, JSON_LEX_BEFORE);
    case JSON_LEX_ZERO:
    case JSON_LEX_DIGITS:
        return lex_integer(lexer, byte);
    case JSON_LEX_FRACTION:
    case JSON_LEX_EXP_DIGITS:
        return lex_float(lexer, byte);
    case JSON_LEX_RECOVER:
        if (!is_mark(byte) && byte != '\n') {
            return JSON_LEX_MORE;
        }
        lexer->state = JSON_LEX_START;
        return lex_start(lexer, byte);
    default:
        return lex_need_digit(lexer, byte);
    }
}

JsonLexResult json_lexer_end(JsonLexer *lexer)
{
    switch (lexer->state) {
    case JSON_LEX_START:
    case JSON_LEX_RECOVER:
        return JSON_LEX_MORE;
    case JSON_LEX_KEYWORD:
        return end(lexer, JSON_TOKEN_KEYWORD, JSON_LEX_TOKEN);
    case JSON_LEX_ZERO:
    case JSON_LEX_DIGITS:
        return end(lexer, JSON_TOKEN_INTEGER, JSON_LEX_TOKEN);
    case JSON_LEX_FRACTION:
    case JSON_LEX_EXP_DIGITS:
        return end(lexer, JSON_TOKEN_FLOAT, JSON_LEX_TOKEN);
    default:
        lexer->state = JSON_LEX_RECOVER;
        return JSON_LEX_ERROR;
    }
}

void json_lexer_next(JsonLexer *lexer)
{
    g_string_truncate(lexer->text, 0);
}
