/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option strings. The texts were measured with QEMU 7.2. */
#include "util/json/json-keyval.h"
#include "util/json/json-print.h"

static void check(const char *input, const char *implied, const char *expected)
{
    Error *err = NULL;
    json_object *doc = json_keyval_parse(input, implied, NULL, &err);
    GString *text;

    g_assert_null(err);
    text = json_print(doc, false);
    g_assert_cmpstr(text->str, ==, expected);
    g_string_free(text, TRUE);
    json_object_put(doc);
}

static void check_error(const char *input, const char *implied,
                        const char *expected)
{
    Error *err = NULL;

    g_assert_null(json_keyval_parse(input, implied, NULL, &err));
    g_assert_cmpstr(error_text(err), ==, expected);
    error_free(err);
}

static void test_items(void)
{
    check("", "driver", "{}");
    check("null-co", "driver", "{\"driver\": \"null-co\"}");
    check("a=1,", NULL, "{\"a\": \"1\"}");
    check("a=1,a=2", NULL, "{\"a\": \"2\"}");
    check("a=x,,y,,", NULL, "{\"a\": \"x,y,\"}");
    check("a=", NULL, "{\"a\": \"\"}");
    check("a=b=c", NULL, "{\"a\": \"b=c\"}");
    check("x_y=1", NULL, "{\"x_y\": \"1\"}");
    check("drv,driver=raw", "driver", "{\"driver\": \"raw\"}");
}

static void test_nesting(void)
{
    check("file.driver=file,file.cache.direct=on", NULL,
          "{\"file\": {\"driver\": \"file\", "
          "\"cache\": {\"direct\": \"on\"}}}");
    check("b.0=a,b.1.node=n", NULL, "{\"b\": [\"a\", {\"node\": \"n\"}]}");
    check("b.1=y,b.0=x", NULL, "{\"b\": [\"x\", \"y\"]}");
    check("b.0.0=x", NULL, "{\"b\": [[\"x\"]]}");
}

static void test_errors(void)
{
    check_error("foo", NULL, "Expected '=' after parameter 'foo'");
    check_error("drv,foo", "driver", "Expected '=' after parameter 'foo'");
    check_error("=1", NULL, "Invalid parameter ''");
    check_error(",", "driver", "Invalid parameter ''");
    check_error("null-co,,", "driver", "Invalid parameter ''");
    check_error("b..c=1", NULL, "Invalid parameter 'b..c'");
    check_error(".c=1", NULL, "Invalid parameter '.c'");
    check_error("c.=1", NULL, "Invalid parameter 'c.'");
    check_error("1=1", NULL, "Invalid parameter '1'");
    check_error("a+b=1", NULL, "Invalid parameter 'a+b'");
    check_error("c.d=1,c=2", NULL, "Parameters 'c.*' used inconsistently");
    check_error("c=2,c.d=1", NULL, "Parameters 'c.*' used inconsistently");
    check_error("b.0=a,b.x=b", NULL, "Parameters 'b.*' used inconsistently");
    check_error("b.0=a,b.2=b", NULL, "Parameter 'b.1' missing");
    check_error("a.b.0=a,a.b.2=b", NULL, "Parameter 'a.b.1' missing");
}

static void test_deep(void)
{
    GString *text = g_string_new("a");
    Error *err = NULL;

    for (unsigned i = 0; i < 100000; i++) {
        g_string_append(text, ".a");
    }
    g_string_append(text, "=1");
    g_assert_null(json_keyval_parse(text->str, NULL, NULL, &err));
    g_assert_nonnull(err);
    error_free(err);
    g_string_free(text, TRUE);
}

static void test_help(void)
{
    bool help;
    json_object *doc = json_keyval_parse("help", "driver", &help, NULL);

    g_assert_true(help);
    json_object_put(doc);
    doc = json_keyval_parse("a=1,?", NULL, &help, NULL);
    g_assert_true(help);
    json_object_put(doc);
    doc = json_keyval_parse("a=help", NULL, &help, NULL);
    g_assert_false(help);
    json_object_put(doc);
}

static void test_either(void)
{
    bool is_json;
    json_object *doc =
        json_options_parse("{'driver':'raw'}", "driver", &is_json, NULL);

    g_assert_true(is_json);
    json_object_put(doc);
    doc = json_options_parse("raw", "driver", &is_json, NULL);
    g_assert_false(is_json);
    json_object_put(doc);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-keyval/items", test_items);
    g_test_add_func("/json-keyval/nesting", test_nesting);
    g_test_add_func("/json-keyval/errors", test_errors);
    g_test_add_func("/json-keyval/deep", test_deep);
    g_test_add_func("/json-keyval/help", test_help);
    g_test_add_func("/json-keyval/either", test_either);
    return g_test_run();
}
