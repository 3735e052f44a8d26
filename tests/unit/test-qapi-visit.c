/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of schema types: from JSON and option strings, back to JSON, copies.
 * The texts of the errors were measured with QEMU 7.2. */
#include "qapi/qapi-types.h"
#include "util/json/json-keyval.h"
#include "util/json/json-parse.h"
#include "util/json/json-print.h"

/* Reads @input, copies it, prints the copy. */
static void check(const QapiType *type, const char *input, const char *expected)
{
    json_object *json = json_parse_string(input, NULL), *back;
    Error *err = NULL;
    void *value = qapi_from_json(type, json, &err), *copy;
    GString *text;

    g_assert_null(err);
    copy = qapi_clone(type, value);
    qapi_free(type, value);
    back = qapi_to_json(type, copy);
    qapi_free(type, copy);
    text = json_print(back, false);
    g_assert_cmpstr(text->str, ==, expected);
    g_string_free(text, TRUE);
    json_object_put(back);
    json_object_put(json);
}

static void check_error(const QapiType *type, const char *input,
                        const char *expected)
{
    json_object *json = json_parse_string(input, NULL);
    Error *err = NULL;

    g_assert_nonnull(json);
    g_assert_null(qapi_from_json(type, json, &err));
    g_assert_cmpstr(error_text(err), ==, expected);
    error_free(err);
    json_object_put(json);
}

static void check_keyval_error(const QapiType *type, const char *input,
                               const char *implied, const char *expected)
{
    json_object *json = json_keyval_parse(input, implied, NULL, NULL);
    Error *err = NULL;

    g_assert_nonnull(json);
    g_assert_null(qapi_from_keyval(type, json, &err));
    g_assert_cmpstr(error_text(err), ==, expected);
    error_free(err);
    json_object_put(json);
}

static void test_struct(void)
{
    check(&qapi_type_BlockDirtyBitmapAdd,
          "{'node':'a','name':'b','granularity':4294967295}",
          "{\"name\": \"b\", \"granularity\": 4294967295, \"node\": \"a\"}");
    check(&qapi_type_BlockDirtyBitmapAdd,
          "{'node':'a','name':'b','persistent':false}",
          "{\"name\": \"b\", \"persistent\": false, \"node\": \"a\"}");
}

static void test_union(void)
{
    json_object *json = json_parse_string(
        "{'driver':'raw','node-name':'n','offset':512,"
        "'file':{'driver':'file','filename':'f','locking':'off'}}",
        NULL);
    BlockdevOptions *options = BlockdevOptions_from_json(json, NULL);

    g_assert_cmpint(options->driver, ==, BLOCKDEV_DRIVER_RAW);
    g_assert_true(options->u.raw.has_offset);
    g_assert_cmpint(options->u.raw.offset, ==, 512);
    g_assert_cmpint(options->u.raw.file->kind, ==,
                    BLOCKDEV_REF_KIND_DEFINITION);
    g_assert_cmpstr(options->u.raw.file->u.definition->u.file.filename, ==,
                    "f");
    BlockdevOptions_free(options);
    json_object_put(json);
    check(&qapi_type_BlockdevOptions,
          "{'driver':'raw','file':{'driver':'null-co',"
          "'latency-ns':18446744073709551615}}",
          "{\"driver\": \"raw\", \"file\": {\"driver\": \"null-co\", "
          "\"latency-ns\": 18446744073709551615}}");
}

static void test_alternate_and_list(void)
{
    check(&qapi_type_BlockDirtyBitmapMerge,
          "{'node':'n','target':'t','bitmaps':['a',{'node':'m',"
          "'name':'b'},'c']}",
          "{\"bitmaps\": [\"a\", {\"name\": \"b\", \"node\": \"m\"}, "
          "\"c\"], \"node\": \"n\", \"target\": \"t\"}");
    check(&qapi_type_BlockDirtyBitmapMerge,
          "{'node':'n','target':'t','bitmaps':[]}",
          "{\"bitmaps\": [], \"node\": \"n\", \"target\": \"t\"}");
}

static void test_append(void)
{
    StrList *list = StrList_new(), *copy;

    for (unsigned i = 0; i < 3; i++) {
        StrList_append(list, g_strdup("x"));
    }
    /* A copy must have room to grow as well. */
    copy = StrList_clone(list);
    for (unsigned i = 0; i < 100; i++) {
        StrList_append(copy, g_strdup("y"));
    }
    g_assert_cmpuint(copy->n, ==, 103);
    g_assert_cmpstr(copy->v[2], ==, "x");
    g_assert_cmpstr(copy->v[102], ==, "y");
    StrList_free(copy);
    StrList_free(list);
}

static void test_enum(void)
{
    JobStatus status;

    g_assert_cmpstr(JobStatus_str(JOB_STATUS_NULL), ==, "null");
    g_assert_true(JobStatus_parse("standby", &status));
    g_assert_cmpint(status, ==, JOB_STATUS_STANDBY);
    g_assert_false(JobStatus_parse("nosuch", &status));
}

static void test_errors(void)
{
    const QapiType *add = &qapi_type_BlockDirtyBitmapAdd;

    check_error(add, "{}", "Parameter 'node' is missing");
    check_error(add, "{'node':'a'}", "Parameter 'name' is missing");
    check_error(add, "{'node':1,'name':'b'}",
                "Invalid parameter type for 'node', expected: string");
    check_error(add, "{'node':null,'name':'b'}",
                "Invalid parameter type for 'node', expected: string");
    check_error(add, "{'node':'a','name':'b','x':1}",
                "Parameter 'x' is unexpected");
    check_error(add, "{'node':'a','name':'b','granularity':-1}",
                "Parameter 'granularity' expects uint32_t");
    check_error(add, "{'node':'a','name':'b','granularity':4294967296}",
                "Parameter 'granularity' expects uint32_t");
    check_error(add, "{'node':'a','name':'b','granularity':'1'}",
                "Parameter 'granularity' expects uint64");
    check_error(add, "{'node':'a','name':'b','granularity':1.0}",
                "Parameter 'granularity' expects uint64");
    check_error(add, "{'node':'a','name':'b','persistent':'on'}",
                "Invalid parameter type for 'persistent', expected: boolean");
    check_error(add, "{'node':'a\\u0000b','name':'b'}",
                "Invalid parameter type for 'node', expected: string without "
                "NUL characters");
}

static void test_nested_errors(void)
{
    const QapiType *node = &qapi_type_BlockdevOptions;
    const QapiType *merge = &qapi_type_BlockDirtyBitmapMerge;

    check_error(node, "{'driver':'nosuch'}",
                "Parameter 'driver' does not accept value 'nosuch'");
    check_error(node, "{'driver':'raw','file':1}",
                "Invalid parameter type for 'file', expected: BlockdevRef");
    check_error(node, "{'driver':'raw','file':{}}",
                "Parameter 'file.driver' is missing");
    check_error(node,
                "{'driver':'raw','file':{'driver':'file','filename':'a',"
                "'x':1}}",
                "Parameter 'file.x' is unexpected");
    check_error(node, "{'driver':'null-co','cache':{'direct':1}}",
                "Invalid parameter type for 'cache.direct', expected: "
                "boolean");
    check_error(node, "{'driver':'null-co','cache':1}",
                "Invalid parameter type for 'cache', expected: object");
    check_error(node, "{'driver':'null-co','size':9223372036854775808}",
                "Invalid parameter type for 'size', expected: integer");
    check_error(merge, "{'node':'n','target':'t','bitmaps':['a',{}]}",
                "Parameter 'bitmaps[1].node' is missing");
    check_error(merge, "{'node':'n','target':'t','bitmaps':'a'}",
                "Invalid parameter type for 'bitmaps', expected: array");
    check_error(merge, "{'node':'n','target':'t','bitmaps':[1]}",
                "Invalid parameter type for 'null', expected: "
                "BlockDirtyBitmapOrStr");
    check_error(&qapi_type_TransactionAction, "{'type':'abort'}",
                "Parameter 'data' is missing");
}

/* @levels of raw nodes below each other. */
static json_object *nested_nodes(unsigned levels)
{
    json_object *node = json_object_new_string("bottom");

    for (unsigned i = 0; i < levels; i++) {
        json_object *above = json_object_new_object();

        json_object_object_add(above, "driver", json_object_new_string("raw"));
        json_object_object_add(above, "file", node);
        node = above;
    }
    return node;
}

/* What a client nests must fit on the stack of a coroutine. */
static void test_depth(void)
{
    json_object *fits = nested_nodes(128), *deep = nested_nodes(1000);
    BlockdevOptions *options = BlockdevOptions_from_json(fits, NULL);
    Error *err = NULL;

    g_assert_nonnull(options);
    g_assert_null(BlockdevOptions_from_json(deep, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Parameters are nested deeper than 128 levels");
    error_free(err);
    BlockdevOptions_free(options);
    json_object_put(fits);
    json_object_put(deep);
}

static void test_keyval(void)
{
    json_object *json = json_keyval_parse(
        "nbd,id=e,node-name=n,writable=on,bitmaps.0=a,bitmaps.1.node=n,"
        "bitmaps.1.name=x",
        "type", NULL, NULL);
    BlockExportOptions *options = BlockExportOptions_from_keyval(json, NULL);

    g_assert_true(options->writable);
    g_assert_cmpuint(options->u.nbd.bitmaps->n, ==, 2);
    g_assert_cmpstr(options->u.nbd.bitmaps->v[0]->u.local, ==, "a");
    g_assert_cmpstr(options->u.nbd.bitmaps->v[1]->u.external->name, ==, "x");
    BlockExportOptions_free(options);
    json_object_put(json);
}

static void test_keyval_errors(void)
{
    const QapiType *node = &qapi_type_BlockdevOptions;

    check_keyval_error(node, "null-co,read-only=maybe", "driver",
                       "Parameter 'read-only' expects 'on' or 'off'");
    check_keyval_error(node, "null-co,size=1G", "driver",
                       "Parameter 'size' expects integer");
    check_keyval_error(node, "null-co,size=99999999999999999999", "driver",
                       "Parameter 'size' expects integer");
    check_keyval_error(node, "null-co,size=", "driver",
                       "Parameter 'size' expects integer");
    check_keyval_error(node, "null-co,cache=1", "driver",
                       "Invalid parameter type for 'cache', expected: object");
    check_keyval_error(node, "node-name=b", "driver",
                       "Parameter 'driver' is missing");
    check_keyval_error(&qapi_type_BlockExportOptions,
                       "nbd,id=e,node-name=n,bitmaps.0.node=n", "type",
                       "Parameter 'bitmaps.0.name' is missing");
    check_keyval_error(&qapi_type_NbdServerOptions, "addr.type=foo", NULL,
                       "Parameter 'type' does not accept value 'foo'");
    check_keyval_error(&qapi_type_NbdServerOptions,
                       "addr.type=fd,addr.str=1,max-connections=99999999999",
                       NULL, "Parameter 'max-connections' expects uint32_t");
}

static void test_number_texts(void)
{
    json_object *json = json_keyval_parse("null-co,size=0x10,read-only=yes",
                                          "driver", NULL, NULL);
    BlockdevOptions *options = BlockdevOptions_from_keyval(json, NULL);

    g_assert_cmpint(options->u.null_co.size, ==, 16);
    g_assert_true(options->read_only);
    BlockdevOptions_free(options);
    json_object_put(json);
}

/* No command of the schema has a member of type `size` yet. */
typedef struct Sized {
    uint64_t size;
} Sized;

static const QapiMember sized_members[] = {
    {.name = "size", .type = &qapi_type_size, .offset = offsetof(Sized, size)},
};

static const QapiType sized_type = {
    .name = "Sized",
    .kind = QAPI_KIND_OBJECT,
    .size = sizeof(Sized),
    .members = sized_members,
    .n_members = 1,
};

static void check_size(const char *text, uint64_t expected)
{
    char *option = g_strconcat("size=", text, NULL);
    json_object *json = json_keyval_parse(option, NULL, NULL, NULL);
    Sized *sized = qapi_from_keyval(&sized_type, json, NULL);

    g_assert_nonnull(sized);
    g_assert_cmpuint(sized->size, ==, expected);
    qapi_free(&sized_type, sized);
    json_object_put(json);
    g_free(option);
}

static void check_json_size(const char *text, uint64_t expected)
{
    g_autofree char *object = g_strdup_printf("{\"size\": %s}", text);
    json_object *json = json_parse_string(object, NULL);
    Sized *sized = qapi_from_json(&sized_type, json, NULL);

    g_assert_nonnull(sized);
    g_assert_cmpuint(sized->size, ==, expected);
    qapi_free(&sized_type, sized);
    json_object_put(json);
}

static void test_sizes(void)
{
    static const char *const bad[] = {
        "",
        "x",
        "-1",
        "1.5",
        "1Q",
        "1kk",
        "k",
        "16E",
        "1 k",
        "1.k",
        "1e3",
        "0x",
        "18446744073709551616",
    };

    check_size("0", 0);
    check_size("1k", 1024);
    check_size("1K", 1024);
    check_size("1.5M", 1536 * 1024);
    check_size("0x200", 512);
    check_size("7b", 7);
    check_size("15E", 15ULL << 60);
    check_size("18446744073709551615", UINT64_MAX);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *option = g_strconcat("size=", bad[i], NULL);

        check_keyval_error(&sized_type, option, NULL,
                           "Parameter 'size' expects size");
        g_free(option);
    }
    check_json_size("-1", UINT64_MAX); /* for the member's owner to judge */
}

static void test_no_args(void)
{
    json_object *json = json_parse_string("{'a':1}", NULL);
    json_object *empty = json_parse_string("{}", NULL);
    Error *err = NULL;

    g_assert_true(qapi_check_no_args(NULL, &err));
    g_assert_true(qapi_check_no_args(empty, &err));
    g_assert_false(qapi_check_no_args(json, &err));
    g_assert_cmpstr(error_text(err), ==, "Parameter 'a' is unexpected");
    error_free(err);
    json_object_put(json);
    json_object_put(empty);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi-visit/struct", test_struct);
    g_test_add_func("/qapi-visit/union", test_union);
    g_test_add_func("/qapi-visit/alternate-and-list", test_alternate_and_list);
    g_test_add_func("/qapi-visit/append", test_append);
    g_test_add_func("/qapi-visit/enum", test_enum);
    g_test_add_func("/qapi-visit/errors", test_errors);
    g_test_add_func("/qapi-visit/nested-errors", test_nested_errors);
    g_test_add_func("/qapi-visit/depth", test_depth);
    g_test_add_func("/qapi-visit/keyval", test_keyval);
    g_test_add_func("/qapi-visit/keyval-errors", test_keyval_errors);
    g_test_add_func("/qapi-visit/number-texts", test_number_texts);
    g_test_add_func("/qapi-visit/sizes", test_sizes);
    g_test_add_func("/qapi-visit/no-args", test_no_args);
    return g_test_run();
}
