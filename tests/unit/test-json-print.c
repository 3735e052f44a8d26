/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing JSON: QEMU's order of members, escapes, numbers, indentation. */
#include "util/coroutine/scheduler.h"
#include "util/json/json-parse.h"
#include "util/json/json-print.h"

static void check(const char *input, bool pretty, const char *expected)
{
    json_object *doc = json_parse_string(input, NULL);
    GString *text = json_print(doc, pretty);

    g_assert_nonnull(doc);
    g_assert_cmpstr(text->str, ==, expected);
    g_string_free(text, TRUE);
    json_object_put(doc);
}

/* Orders that QEMU 7.2 prints. */
static void test_order(void)
{
    check("{'desc':'d','class':'c'}", false,
          "{\"class\": \"c\", \"desc\": \"d\"}");
    check("{'event':'e','data':{},'timestamp':{'microseconds':2,"
          "'seconds':1}}",
          false,
          "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, "
          "\"event\": \"e\", \"data\": {}}");
    check("{'type':5,'speed':4,'len':2,'offset':3,'device':1}", false,
          "{\"device\": 1, \"len\": 2, \"offset\": 3, \"speed\": 4, "
          "\"type\": 5}");
    check("{'id':1,'return':{}}", false, "{\"return\": {}, \"id\": 1}");
    check("{'error':{},'id':1}", false, "{\"id\": 1, \"error\": {}}");
    check("{'major':7,'minor':2,'micro':22}", false,
          "{\"micro\": 22, \"minor\": 2, \"major\": 7}");
}

/* Two keys of one bucket: the newer one comes first. */
static void test_bucket(void)
{
    json_object *object = json_object_new_object();
    GString *text;
    char first[16], second[16];
    unsigned i = 0;

    g_snprintf(first, sizeof(first), "k");
    do {
        g_snprintf(second, sizeof(second), "n%u", i++);
    } while (json_key_bucket(second) != json_key_bucket(first));
    json_object_object_add(object, first, NULL);
    json_object_object_add(object, second, NULL);
    text = json_print(object, false);
    g_assert_true(g_str_has_prefix(text->str + 2, second));
    g_string_free(text, TRUE);
    json_object_put(object);
}

static void test_pretty(void)
{
    check("{'a':[],'b':{},'c':[1,[2,{}]],'d':null}", true,
          "{\n"
          "    \"d\": null,\n"
          "    \"a\": [\n"
          "    ],\n"
          "    \"b\": {\n"
          "    },\n"
          "    \"c\": [\n"
          "        1,\n"
          "        [\n"
          "            2,\n"
          "            {\n"
          "            }\n"
          "        ]\n"
          "    ]\n"
          "}");
}

static void test_no_utf8(void)
{
    json_object *string = json_object_new_string("a\xff\xc3\xa9");
    GString *text = json_print(string, false);

    g_assert_cmpstr(text->str, ==, "\"a\\uFFFD\\u00E9\"");
    g_string_free(text, TRUE);
    json_object_put(string);
}

/* Deeper than any client may nest. */
#define DEEP (4 * JSON_MAX_DEPTH)

static void print_deep(void *opaque)
{
    GString *text = json_print(opaque, false);

    g_assert_cmpuint(text->len, ==, 2 * DEEP + 4);
    g_assert_true(g_str_has_prefix(text->str, "[[[["));
    g_assert_nonnull(strstr(text->str, "[null]"));
    g_string_free(text, TRUE);
}

/* The depth takes nothing of a coroutine's small stack. */
static void test_deep(void)
{
    CoroutineScheduler nobody_is_woken = {.ready = NULL};
    json_object *doc = NULL;

    for (unsigned i = 0; i < DEEP; i++) {
        json_object *array = json_object_new_array_ext(1);

        json_object_array_add(array, doc);
        doc = array;
    }
    coroutine_set_scheduler(&nobody_is_woken);
    coroutine_start(print_deep, doc);
    coroutine_set_scheduler(NULL);
    coroutine_pool_drain();
    json_object_put(doc);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-print/order", test_order);
    g_test_add_func("/json-print/bucket", test_bucket);
    g_test_add_func("/json-print/pretty", test_pretty);
    g_test_add_func("/json-print/no-utf8", test_no_utf8);
    g_test_add_func("/json-print/deep", test_deep);
    return g_test_run();
}
