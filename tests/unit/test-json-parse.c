/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading JSON: documents, errors, going on after errors, limits. */
#include "util/json/json-parse.h"
#include "util/json/json-print.h"

/* Everything that came out of a parser, one item a line: the document as it is
 * printed, or "! " and the text of the error. */
static void record(void *opaque, json_object *doc, Error *err)
{
    GString *log = opaque;

    if (err) {
        g_string_append_printf(log, "! %s\n", error_text(err));
        error_free(err);
    } else {
        GString *text = json_print(doc, false);

        g_string_append_printf(log, "%s\n", text->str);
        g_string_free(text, TRUE);
        json_object_put(doc);
    }
}

static void check_bytes(const char *input, size_t len, const char *expected)
{
    /* In one piece, then byte by byte: the cuts must not matter. */
    for (size_t piece = len ? len : 1; piece; piece = piece > 1 ? 1 : 0) {
        JsonParser *parser = json_parser_new(4096, 8);
        GString *log = g_string_new(NULL);

        for (size_t at = 0; at < len; at += piece) {
            json_parser_feed(parser, input + at, MIN(piece, len - at), record,
                             log);
        }
        json_parser_finish(parser, record, log);
        g_assert_cmpstr(log->str, ==, expected);
        g_string_free(log, TRUE);
        json_parser_free(parser);
    }
}

static void check(const char *input, const char *expected)
{
    check_bytes(input, strlen(input), expected);
}

static void test_values(void)
{
    check("", "");
    check(" \t\r\n", "");
    check("null true false ", "null\ntrue\nfalse\n");
    check("0 -0 1 -1 ", "0\n0\n1\n-1\n");
    check("18446744073709551615 -9223372036854775808 ",
          "18446744073709551615\n-9223372036854775808\n");
    check("9223372036854775807 9223372036854775808 ",
          "9223372036854775807\n9223372036854775808\n");
    check("1.5 0.1 1e10 1E+5 1e-7 -0.0 1.0 ",
          "1.5\n0.10000000000000001\n10000000000\n100000\n"
          "9.9999999999999995e-08\n-0\n1\n");
    check("{}{'a':1}[[],[2,{}]]", "{}\n{\"a\": 1}\n[[], [2, {}]]\n");
    check("1", "1\n");
    check("'a'\"b\"1'c'", "\"a\"\n\"b\"\n1\n\"c\"\n");
}

static void test_strings(void)
{
    check("'a\"b' \"c'd\" '\\' \\\"'", "\"a\\\"b\"\n\"c'd\"\n\"' \\\"\"\n");
    check("\"\\/\\\\\\b\\f\\n\\r\\t\"", "\"/\\\\\\b\\f\\n\\r\\t\"\n");
    check("\"\\u00e9\\ud83d\\ude00\"", "\"\\u00E9\\uD83D\\uDE00\"\n");
    check("\"\xc3\xa9\xf0\x9f\x98\x80\"", "\"\\u00E9\\uD83D\\uDE00\"\n");
    check("\"a\\u0000b\"", "\"a\\u0000b\"\n");
    check("\"\x7f\"", "\"\\u007F\"\n");
}

static void test_bad_strings(void)
{
    check("\"\\ud800\"", "! JSON parse error, \\ud800 is not a valid Unicode "
                         "character\n");
    check("\"\\ud83d\\u0041\"", "! JSON parse error, \\ud83d is not a valid "
                                "Unicode character\n");
    check("\"\\udc00\"", "! JSON parse error, \\udc00 is not a valid Unicode "
                         "character\n");
    check("\"\\uffff\"", "! JSON parse error, \\uffff is not a valid Unicode "
                         "character\n");
    check("'\\u12'", "! JSON parse error, \\u12' is not a valid Unicode "
                     "character\n");
    check("\"\\x\"", "! JSON parse error, invalid escape sequence in string\n");
    check("\"\xed\xa0\x80\"",
          "! JSON parse error, invalid UTF-8 sequence in string\n");
    check("\"\xc0\x80\"",
          "! JSON parse error, invalid UTF-8 sequence in string\n");
    check("'\xc3(a'", "! JSON parse error, invalid UTF-8 sequence in string\n");
    check("\"a\tb\"", "! JSON parse error, stray '\"a\t'\n");
    check("\"\xff\"", "! JSON parse error, stray '\"\xff'\n");
    check("{'\\u0000':1}",
          "! JSON parse error, key contains a NUL character\n");
}

static void test_bad_numbers(void)
{
    check("01 ", "! JSON parse error, stray '01'\n");
    check("- ", "! JSON parse error, stray '- '\n");
    check("1. ", "! JSON parse error, stray '1. '\n");
    check("1e ", "! JSON parse error, stray '1e '\n");
    check("1e+", "! JSON parse error, stray '1e+'\n");
    check(".5", "! JSON parse error, stray '.'\n");
    check("+1", "! JSON parse error, stray '+'\n");
    check("NaN", "! JSON parse error, stray 'N'\n");
    check("-Infinity", "! JSON parse error, stray '-I'\n");
    check("18446744073709551616 ",
          "! JSON parse error, integer '18446744073709551616' does not fit "
          "into 64 bits\n");
    check("-9223372036854775809 ",
          "! JSON parse error, integer '-9223372036854775809' does not fit "
          "into 64 bits\n");
    check("1e400 ", "! JSON parse error, number '1e400' is too large\n");
}

static void test_bad_structure(void)
{
    check("}", "! JSON parse error, expecting value\n");
    check("{]", "! JSON parse error, expecting value\n");
    check("[}", "! JSON parse error, expecting value\n");
    check("{,}", "! JSON parse error, expecting value\n");
    check("[1,]", "! JSON parse error, expecting value\n");
    check("{'a':1,}", "! JSON parse error, expecting value\n");
    check("{'a':}", "! JSON parse error, expecting value\n");
    check("{'a' 1}", "! JSON parse error, missing : in object pair\n");
    check("{1:2}", "! JSON parse error, key is not a string in object\n");
    check("{'a':1 'b':2}", "! JSON parse error, expected separator in dict\n");
    check("{'a':1]", "! JSON parse error, expected separator in dict\n");
    check("[1 2]", "! JSON parse error, expected separator in list\n");
    check("{'a':1,'b':2,'a':3}", "! JSON parse error, duplicate key\n");
    check("{'a':", "! JSON parse error, premature EOI\n");
    check("'abc", "! JSON parse error, stray ''abc'\n");
}

/* As measured with QEMU 7.2. */
static void test_recovery(void)
{
    check("garbage {'id':5}",
          "! JSON parse error, invalid keyword 'garbage'\n{\"id\": 5}\n");
    check("@@@@ {'id':5}", "! JSON parse error, stray '@'\n{\"id\": 5}\n");
    check("[1,,2] {'id':5}",
          "! JSON parse error, expecting value\n{\"id\": 5}\n");
    check("{'a' 1 {'x':2}} {'id':5}",
          "! JSON parse error, missing : in object pair\n{\"id\": 5}\n");
    check("'a\n 'b' {'id':5}",
          "! JSON parse error, stray ''a\n'\n{\"id\": 5}\n");
    check("{\xff {'id':5}", "! JSON parse error, stray '\xff'\n{\"id\": 5}\n");
    check("{\"a\": %d}", "! JSON parse error, stray '%'\n"
                         "! JSON parse error, expecting value\n");
    check("nosuch(1)", "! JSON parse error, invalid keyword 'nosuch'\n"
                       "! JSON parse error, stray '('\n");
    check("tRue", "! JSON parse error, invalid keyword 't'\n"
                  "! JSON parse error, stray 'R'\n");
    check_bytes("{}\0{}", 5, "{}\n! JSON parse error, stray ''\n{}\n");
}

static void test_depth(void)
{
    check("[[[[[[[[]]]]]]]]", "[[[[[[[[]]]]]]]]\n");
    check("[{'a':[{'a':[{'a':[{'a':1}]}]}]}]",
          "[{\"a\": [{\"a\": [{\"a\": [{\"a\": 1}]}]}]}]\n");
    check("[[[[[[[[[ 1", "! JSON nesting depth limit exceeded\n1\n");
}

static void test_document_size(void)
{
    JsonParser *parser = json_parser_new(100, 8);
    GString *log = g_string_new(NULL);
    char *spaces = g_strnfill(1000, ' ');
    char *letters = g_strnfill(1000, 'x');

    /* Space between documents is free. */
    json_parser_feed(parser, spaces, 1000, record, log);
    json_parser_feed(parser, "1 ", 2, record, log);
    json_parser_feed(parser, "[", 1, record, log);
    json_parser_feed(parser, spaces, 1000, record, log);
    json_parser_feed(parser, "'", 1, record, log);
    json_parser_feed(parser, letters, 1000, record, log);
    json_parser_feed(parser, "{'id':1}", 8, record, log);
    json_parser_feed(parser, "'", 1, record, log);
    json_parser_feed(parser, letters, 1000, record, log);
    json_parser_feed(parser, "{'id':2}", 8, record, log);
    g_assert_cmpstr(log->str, ==,
                    "1\n! JSON token size limit exceeded\n{\"id\": 1}\n"
                    "! JSON token size limit exceeded\n{\"id\": 2}\n");
    g_free(spaces);
    g_free(letters);
    g_string_free(log, TRUE);
    json_parser_free(parser);
}

static void test_container_count(void)
{
    JsonParser *parser = json_parser_new(64 * KiB, 8);
    GString *log = g_string_new(NULL);

    json_parser_feed(parser, "[", 1, record, log);
    for (unsigned i = 0; i < 2048; i++) {
        json_parser_feed(parser, "{},", 3, record, log);
    }
    /* The limit is reached at the last one: it and what follows are read
     * as documents of their own. */
    g_assert_cmpstr(log->str, ==,
                    "! JSON token count limit exceeded\n"
                    "! JSON parse error, expecting value\n"
                    "! JSON parse error, expecting value\n");
    g_string_free(log, TRUE);
    json_parser_free(parser);
}

static void check_whole(const char *input, const char *expected)
{
    Error *err = NULL;
    json_object *doc = json_parse_string(input, &err);

    g_assert_null(doc);
    g_assert_cmpstr(error_text(err), ==, expected);
    error_free(err);
}

static void test_whole(void)
{
    json_object *doc = json_parse_string(" { 'a' : [ ] } ", NULL);

    g_assert_nonnull(doc);
    json_object_put(doc);
    check_whole("{'a':1} x", "JSON parse error, invalid keyword 'x'");
    check_whole("{} {}", "Expecting at most one JSON value");
    check_whole("", "Expecting a JSON value");
    check_whole("null", "Expecting a JSON value");
    check_whole("{", "JSON parse error, premature EOI");
    check_whole("{'a", "JSON parse error, stray ''a'");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-parse/values", test_values);
    g_test_add_func("/json-parse/strings", test_strings);
    g_test_add_func("/json-parse/bad-strings", test_bad_strings);
    g_test_add_func("/json-parse/bad-numbers", test_bad_numbers);
    g_test_add_func("/json-parse/bad-structure", test_bad_structure);
    g_test_add_func("/json-parse/recovery", test_recovery);
    g_test_add_func("/json-parse/depth", test_depth);
    g_test_add_func("/json-parse/document-size", test_document_size);
    g_test_add_func("/json-parse/container-count", test_container_count);
    g_test_add_func("/json-parse/whole", test_whole);
    return g_test_run();
}
