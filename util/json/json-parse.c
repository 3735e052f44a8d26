/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The streaming side: gathers tokens until the brackets are even, then makes
 * the value.
 *
 * Invariants: between documents `doc` is empty and both depths are 0; a
 * document never holds more bytes, depth, tokens or containers than allowed.
 */
#include "util/json/json-parse.h"

#include "util/json/json-doc.h"

struct JsonParser {
    /* CONST */
    size_t max_bytes;
    size_t max_tokens;
    size_t max_containers;
    unsigned max_depth;

    /* HOME */
    JsonLexer lexer;
    JsonDoc doc;
    size_t n_bytes; /* of the document so far */
    size_t n_containers;
    int braces;   /* open { minus closed } */
    int brackets; /* open [ minus closed ] */
};

static JsonParser *parser_new(size_t max_bytes, size_t max_tokens,
                              size_t max_containers, unsigned max_depth)
{
    JsonParser *parser = g_new0(JsonParser, 1);

    parser->max_bytes = max_bytes;
    parser->max_tokens = max_tokens;
    parser->max_containers = max_containers;
    parser->max_depth = max_depth;
    parser->lexer.text = g_string_new(NULL);
    parser->doc.tokens = g_array_new(FALSE, FALSE, sizeof(JsonToken));
    parser->doc.text = g_string_new(NULL);
    return parser;
}

JsonParser *json_parser_new(size_t max_doc_bytes, unsigned max_depth)
{
    return parser_new(max_doc_bytes, MAX(max_doc_bytes / 8, 65536),
                      MAX(max_doc_bytes / 32, 1024), max_depth);
}

void json_parser_free(JsonParser *parser)
{
    if (parser) {
        g_string_free(parser->lexer.text, TRUE);
        g_array_free(parser->doc.tokens, TRUE);
        g_string_free(parser->doc.text, TRUE);
        g_free(parser);
    }
}

/* Begins anew; gives back the memory of a large document. */
static void reset_doc(JsonParser *parser)
{
    if (parser->doc.tokens->len > 4096 || parser->doc.text->len > 65536) {
        g_array_free(parser->doc.tokens, TRUE);
        g_string_free(parser->doc.text, TRUE);
        parser->doc.tokens = g_array_new(FALSE, FALSE, sizeof(JsonToken));
        parser->doc.text = g_string_new(NULL);
    }
    g_array_set_size(parser->doc.tokens, 0);
    g_string_truncate(parser->doc.text, 0);
    parser->n_bytes = parser->n_containers = 0;
    parser->braces = parser->brackets = 0;
}

static void fail(JsonParser *parser, Error *err, JsonParserFn *fn, void *opaque)
{
    reset_doc(parser);
    fn(opaque, NULL, err);
}

static void fail_limit(JsonParser *parser, const char *text, JsonParserFn *fn,
                       void *opaque)
{
    Error *err = NULL;

    error_set(&err, "%s", text);
    fail(parser, err, fn, opaque);
}

static void stray(JsonParser *parser, JsonParserFn *fn, void *opaque)
{
    Error *err = NULL;

    error_set(&err, "JSON parse error, stray '%s'", parser->lexer.text->str);
    json_lexer_next(&parser->lexer);
    fail(parser, err, fn, opaque);
}

static void end_doc(JsonParser *parser, JsonParserFn *fn, void *opaque)
{
    json_object *value;
    Error *err = NULL;

    if (!json_doc_parse(&parser->doc, &value, &err)) {
        error_prepend(&err, "JSON parse error, ");
        fail(parser, err, fn, opaque);
        return;
    }
    reset_doc(parser);
    fn(opaque, value, NULL);
}

static void count_mark(JsonParser *parser, char mark)
{
    parser->braces += (mark == '{') - (mark == '}');
    parser->brackets += (mark == '[') - (mark == ']');
    parser->n_containers += mark == '{' || mark == '[';
}

/* The token that ended joins the document, and may be its last. */
static void take_token(JsonParser *parser, JsonParserFn *fn, void *opaque)
{
    GString *text = parser->lexer.text;
    JsonToken token = {.kind = parser->lexer.kind,
                       .offset = parser->doc.text->len,
                       .length = text->len};

    if (token.kind == JSON_TOKEN_MARK) {
        token.mark = text->str[0];
        count_mark(parser, token.mark);
    } else {
        g_string_append_len(parser->doc.text, text->str, text->len + 1);
    }
    g_array_append_val(parser->doc.tokens, token);
    json_lexer_next(&parser->lexer);

    if (parser->braces + parser->brackets > (int)parser->max_depth) {
        fail_limit(parser, "JSON nesting depth limit exceeded", fn, opaque);
    } else if (parser->doc.tokens->len > parser->max_tokens ||
               parser->n_containers > parser->max_containers) {
        fail_limit(parser, "JSON token count limit exceeded", fn, opaque);
    } else if (parser->braces < 0 || parser->brackets < 0 ||
               parser->braces + parser->brackets == 0) {
        end_doc(parser, fn, opaque);
    }
}

static bool in_doc(const JsonParser *parser)
{
    return parser->doc.tokens->len || parser->lexer.text->len;
}

static void feed_byte(JsonParser *parser, unsigned char byte, JsonParserFn *fn,
                      void *opaque)
{
    JsonLexResult result = json_lexer_byte(&parser->lexer, byte);

    if (result == JSON_LEX_BEFORE) {
        take_token(parser, fn, opaque);
        result = json_lexer_byte(&parser->lexer, byte);
    }
    parser->n_bytes++;
    if (result == JSON_LEX_ERROR) {
        stray(parser, fn, opaque);
    } else if (result == JSON_LEX_TOKEN) {
        take_token(parser, fn, opaque);
    }
    if (!in_doc(parser)) {
        parser->n_bytes = 0;
    } else if (parser->n_bytes > parser->max_bytes) {
        /* What is left of it is not worth reading. */
        parser->lexer.state = JSON_LEX_RECOVER;
        json_lexer_next(&parser->lexer);
        fail_limit(parser, "JSON token size limit exceeded", fn, opaque);
    }
}

void json_parser_feed(JsonParser *parser, const char *buf, size_t len,
                      JsonParserFn *fn, void *opaque)
{
    for (size_t i = 0; i < len; i++) {
        feed_byte(parser, buf[i], fn, opaque);
    }
}

void json_parser_finish(JsonParser *parser, JsonParserFn *fn, void *opaque)
{
    JsonLexResult result = json_lexer_end(&parser->lexer);

    if (result == JSON_LEX_ERROR) {
        stray(parser, fn, opaque);
    } else if (result == JSON_LEX_TOKEN) {
        take_token(parser, fn, opaque);
    }
    if (parser->doc.tokens->len) {
        end_doc(parser, fn, opaque);
    }
}

/* Whole documents */

typedef struct OneDoc {
    json_object *doc;
    unsigned n_docs;
    Error *err;
} OneDoc;

static void take_one(void *opaque, json_object *doc, Error *err)
{
    OneDoc *one = opaque;

    one->n_docs++;
    if (err || one->n_docs > 1) {
        error_propagate(&one->err, err);
        json_object_put(doc);
    } else {
        one->doc = doc;
    }
}

json_object *json_parse_string(const char *text, Error **errp)
{
    JsonParser *parser =
        parser_new(SIZE_MAX, SIZE_MAX, SIZE_MAX, JSON_MAX_DEPTH);
    OneDoc one = {0};

    json_parser_feed(parser, text, strlen(text), take_one, &one);
    json_parser_finish(parser, take_one, &one);
    json_parser_free(parser);
    if (!one.err && one.n_docs > 1) {
        error_set(&one.err, "Expecting at most one JSON value");
    } else if (!one.err && !one.doc) {
        error_set(&one.err, "Expecting a JSON value");
    }
    if (one.err) {
        json_object_put(one.doc);
        error_propagate(errp, one.err);
        return NULL;
    }
    return one.doc;
}
