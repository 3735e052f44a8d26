/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a json-c value of the tokens of one document. Works with a stack of
 * its own, so that nested documents cost no C stack.
 */
#include "util/json/json-doc.h"

#include <math.h>

typedef enum Expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_CLOSE, /* after [ */
    EXPECT_KEY,            /* after , in an object */
    EXPECT_KEY_OR_CLOSE,   /* after { */
    EXPECT_COLON,
    EXPECT_SEPARATOR,
    EXPECT_NOTHING, /* the document is complete */
} Expect;

/* An object or array that is open. */
typedef struct Frame {
    json_object *container;
    char *key; /* the key whose value comes next */
} Frame;

typedef struct Builder {
    const JsonDoc *doc;
    GArray *frames;
    json_object *root;
    Expect expect;
} Builder;

static Frame *top(Builder *b)
{
    return b->frames->len ? &g_array_index(b->frames, Frame, b->frames->len - 1)
                          : NULL;
}

static bool in_object(Builder *b)
{
    return json_object_is_type(top(b)->container, json_type_object);
}

/* Puts a finished or opened value where it belongs. */
static void place(Builder *b, json_object *value)
{
    Frame *frame = top(b);

    b->expect = frame ? EXPECT_SEPARATOR : EXPECT_NOTHING;
    if (!frame) {
        b->root = value;
    } else if (frame->key) {
        json_object_object_add(frame->container, frame->key, value);
        g_clear_pointer(&frame->key, g_free);
    } else {
        json_object_array_add(frame->container, value);
    }
}

static void open_container(Builder *b, bool object)
{
    Frame frame = {.container = object ? json_object_new_object()
                                       : json_object_new_array()};

    place(b, frame.container);
    g_array_append_val(b->frames, frame);
    b->expect = object ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
}

static void close_container(Builder *b)
{
    g_array_set_size(b->frames, b->frames->len - 1);
    b->expect = b->frames->len ? EXPECT_SEPARATOR : EXPECT_NOTHING;
}

static bool make_integer(const char *text, json_object **value, Error **errp)
{
    errno = 0;
    if (text[0] == '-') {
        *value = json_object_new_int64(g_ascii_strtoll(text, NULL, 10));
    } else {
        uint64_t number = g_ascii_strtoull(text, NULL, 10);

        *value = number <= INT64_MAX ? json_object_new_int64(number)
                                     : json_object_new_uint64(number);
    }
    if (errno) {
        json_object_put(*value);
        error_set(errp, "integer '%s' does not fit into 64 bits", text);
        return false;
    }
    return true;
}

static bool make_float(const char *text, json_object **value, Error **errp)
{
    double number = g_ascii_strtod(text, NULL);

    if (!isfinite(number)) {
        error_set(errp, "number '%s' is too large", text);
        return false;
    }
    *value = json_object_new_double(number);
    return true;
}

static bool make_keyword(const char *text, json_object **value, Error **errp)
{
    if (strcmp(text, "null") == 0) {
        *value = NULL;
    } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *value = json_object_new_boolean(text[0] == 't');
    } else {
        error_set(errp, "invalid keyword '%s'", text);
        return false;
    }
    return true;
}

static bool make_string(const char *text, size_t length, json_object **value,
                        Error **errp)
{
    GString *decoded = json_string_decode(text, length, errp);

    if (!decoded) {
        return false;
    }
    *value = json_object_new_string_len(decoded->str, decoded->len);
    g_string_free(decoded, TRUE);
    return true;
}

static bool take_value(Builder *b, const JsonToken *token, Error **errp)
{
    const char *text = b->doc->text->str + token->offset;
    json_object *value;
    bool ok;

    switch (token->kind) {
    case JSON_TOKEN_MARK:
        if (token->mark == '{' || token->mark == '[') {
            open_container(b, token->mark == '{');
            return true;
        }
        error_set(errp, "expecting value");
        return false;
    case JSON_TOKEN_STRING:
        ok = make_string(text, token->length, &value, errp);
        break;
    case JSON_TOKEN_INTEGER:
        ok = make_integer(text, &value, errp);
        break;
    case JSON_TOKEN_FLOAT:
        ok = make_float(text, &value, errp);
        break;
    default:
        ok = make_keyword(text, &value, errp);
    }
    if (ok) {
        place(b, value);
    }
    return ok;
}

static bool take_key(Builder *b, const JsonToken *token, Error **errp)
{
    const char *text = b->doc->text->str + token->offset;
    Frame *frame = top(b);
    json_object *word;
    GString *key;
    bool ok = false;

    if (token->kind == JSON_TOKEN_KEYWORD) {
        if (!make_keyword(text, &word, errp)) {
            return false;
        }
        json_object_put(word);
    }
    if (token->kind != JSON_TOKEN_STRING) {
        error_set(errp, "%s",
                  token->mark && token->mark != '{' && token->mark != '['
                      ? "expecting value"
                      : "key is not a string in object");
        return false;
    }
    key = json_string_decode(text, token->length, errp);
    if (!key) {
        return false;
    }
    if (strlen(key->str) != key->len) {
        error_set(errp, "key contains a NUL character");
    } else if (json_object_object_get_ex(frame->container, key->str, NULL)) {
        error_set(errp, "duplicate key");
    } else {
        ok = true;
    }
    frame->key = g_string_free(key, !ok);
    b->expect = EXPECT_COLON;
    return ok;
}

static bool take_separator(Builder *b, char mark, Error **errp)
{
    bool object = in_object(b);

    if (mark == ',') {
        b->expect = object ? EXPECT_KEY : EXPECT_VALUE;
    } else if (mark == (object ? '}' : ']')) {
        close_container(b);
    } else {
        error_set(errp, "expected separator in %s", object ? "dict" : "list");
        return false;
    }
    return true;
}

static bool take(Builder *b, const JsonToken *token, Error **errp)
{
    switch (b->expect) {
    case EXPECT_KEY_OR_CLOSE:
    case EXPECT_VALUE_OR_CLOSE:
        if (token->mark == (in_object(b) ? '}' : ']')) {
            close_container(b);
            return true;
        }
        return b->expect == EXPECT_KEY_OR_CLOSE ? take_key(b, token, errp)
                                                : take_value(b, token, errp);
    case EXPECT_VALUE:
        return take_value(b, token, errp);
    case EXPECT_KEY:
        return take_key(b, token, errp);
    case EXPECT_COLON:
        if (token->mark != ':') {
            error_set(errp, "missing : in object pair");
            return false;
        }
        b->expect = EXPECT_VALUE;
        return true;
    case EXPECT_SEPARATOR:
        return take_separator(b, token->mark, errp);
    default:
        error_set(errp, "expected only one value");
        return false;
    }
}

bool json_doc_parse(const JsonDoc *doc, json_object **value, Error **errp)
{
    Builder b = {.doc = doc,
                 .frames = g_array_new(FALSE, FALSE, sizeof(Frame)),
                 .expect = EXPECT_VALUE};
    bool ok = true;

    for (size_t i = 0; ok && i < doc->tokens->len; i++) {
        ok = take(&b, &g_array_index(doc->tokens, JsonToken, i), errp);
    }
    if (ok && b.expect != EXPECT_NOTHING) {
        error_set(errp, "premature EOI");
        ok = false;
    }
    for (size_t i = 0; i < b.frames->len; i++) {
        g_free(g_array_index(b.frames, Frame, i).key);
    }
    g_array_free(b.frames, TRUE);
    if (!ok) {
        json_object_put(b.root);
        return false;
    }
    *value = b.root;
    return true;
}
