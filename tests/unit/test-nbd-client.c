/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an NBD client makes of bytes from a server; names of exports; the
 * areas of a read. The conversation as a whole is an iotest's. */
#include "block/net/nbd-client.h"
#include "block/net/nbd-uri.h"
#include "nbd/client.h"

static void check_text(Error *err, const char *text)
{
    g_assert_nonnull(err);
    g_assert_cmpstr(error_text(err), ==, text);
    error_free(err);
}

/* --- areas --------------------------------------------------------------- */

static void test_area_order(void)
{
    NbdCall call = {.bytes = 400};

    g_assert_true(nbd_area_add(&call, 300, 100));
    g_assert_true(nbd_area_add(&call, 100, 100));
    g_assert_false(nbd_area_complete(&call));
    g_assert_true(nbd_area_add(&call, 0, 100));
    g_assert_false(nbd_area_complete(&call));
    g_assert_true(nbd_area_add(&call, 200, 100));
    g_assert_true(nbd_area_complete(&call));
    g_assert_cmpuint(call.areas->len, ==, 0);
    g_array_unref(call.areas);
}

static void test_area_refused(void)
{
    NbdCall call = {.bytes = 400};

    g_assert_false(nbd_area_add(&call, 0, 0));
    g_assert_false(nbd_area_add(&call, 400, 1));
    g_assert_false(nbd_area_add(&call, 0, 401));
    g_assert_false(nbd_area_add(&call, UINT64_MAX, 1));
    g_assert_true(nbd_area_add(&call, 100, 100));
    g_assert_false(nbd_area_add(&call, 199, 2));
    g_assert_false(nbd_area_add(&call, 0, 101));
    g_assert_null(call.areas);
}

static void test_area_bound(void)
{
    NbdCall call = {.bytes = 1 << 20};
    unsigned n = 0;

    while (nbd_area_add(&call, 2 * n, 1)) {
        n++;
    }
    g_assert_cmpuint(n, ==, NBD_AREAS_MAX + 1);
    g_array_unref(call.areas);
}

/* --- replies ------------------------------------------------------------- */

static void test_info(void)
{
    NbdInfoExport e = {
        .type = be16(NBD_INFO_EXPORT),
        .size_bytes = be64(5000),
        .flags = be16(NBD_FLAG_HAS_FLAGS),
    };
    NbdInfoBlockSize b = {
        .type = be16(NBD_INFO_BLOCK_SIZE),
        .min_bytes = be32(4096),
        .preferred_bytes = be32(4096),
        .max_bytes = be32(UINT32_MAX),
    };
    NbdExportInfo info = {0};
    Error *err = NULL;

    for (size_t n = 0; n < sizeof(e); n++) {
        g_assert_false(nbd_reply_info_parse(&info, &e, n, NULL));
    }
    g_assert_true(nbd_reply_info_parse(&info, &e, sizeof(e), NULL));
    g_assert_true(nbd_export_info_check(&info, NULL));
    g_assert_true(nbd_reply_info_parse(&info, &b, sizeof(b), NULL));
    g_assert_false(nbd_export_info_check(&info, &err));
    check_text(err, "export size 5000 is not multiple of minimum block size "
                    "4096");
}

static void test_meta(void)
{
    const char data[] = "\0\0\0\7base:allocation";
    uint32_t id;

    for (size_t n = 0; n < sizeof(data) - 1; n++) {
        g_assert_false(
            nbd_reply_meta_parse("base:allocation", data, n, &id, NULL));
    }
    g_assert_true(nbd_reply_meta_parse("base:allocation", data,
                                       sizeof(data) - 1, &id, NULL));
    g_assert_cmpuint(id, ==, 7);
}

static void test_server(void)
{
    const char data[] = "\0\0\0\3abcd";
    Error *err = NULL;
    bool same;

    g_assert_true(nbd_reply_server_parse("abc", data, 8, &same, NULL));
    g_assert_true(same);
    g_assert_true(nbd_reply_server_parse("abcd", data, 8, &same, NULL));
    g_assert_false(same);
    g_assert_false(nbd_reply_server_parse("abc", data, 6, &same, &err));
    check_text(err, "incorrect name length in server's list response");
}

/* --- names --------------------------------------------------------------- */

static void test_uri(void)
{
    static const struct {
        const char *name, *json;
    } good[] = {
        {"nbd://h/e%78p", "{ \"driver\": \"nbd\", \"server\": { \"type\": "
                          "\"inet\", \"host\": \"h\", \"port\": \"10809\" }, "
                          "\"export\": \"exp\" }"},
        {"nbd://[::1]:99", "{ \"driver\": \"nbd\", \"server\": { \"type\": "
                           "\"inet\", \"host\": \"::1\", \"port\": \"99\" } }"},
        {"nbd+unix:///?socket=s", "{ \"driver\": \"nbd\", \"server\": { "
                                  "\"type\": \"unix\", \"path\": \"s\" } }"},
        {"nbd:unix:s:exportname=e",
         "{ \"driver\": \"nbd\", \"server\": { \"type\": \"unix\", \"path\": "
         "\"s\" }, \"export\": \"e\" }"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        json_object *options = nbd_uri_options(good[i].name, NULL);

        g_assert_nonnull(options);
        g_assert_cmpstr(json_object_to_json_string_ext(
                            options, JSON_C_TO_STRING_SPACED |
                                         JSON_C_TO_STRING_NOSLASHESCAPE),
                        ==, good[i].json);
        json_object_put(options);
    }
}

static void test_uri_refused(void)
{
    static const struct {
        const char *name, *text;
    } bad[] = {
        {"nbd://", "No valid URL specified"},
        {"nbd://h:99999/", "No valid URL specified"},
        {"nbd://h/e?socket=s", "No valid URL specified"},
        {"nbd+unix:///e", "No valid URL specified"},
        {"nbd+unix://h/e?socket=s", "No valid URL specified"},
        {"nbd+unix:///e?socket=s&x=y", "No valid URL specified"},
        {"nbd:", "NBD server address missing"},
        {"nbd:h", "error parsing address 'h'"},
        {"nbd:[::1]", "error parsing IPv6 address '[::1]'"},
        {"nbd+tcp:x", "File name string for NBD must start with 'nbd:'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        Error *err = NULL;

        g_assert_null(nbd_uri_options(bad[i].name, &err));
        check_text(err, bad[i].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nbd-client/area/order", test_area_order);
    g_test_add_func("/nbd-client/area/refused", test_area_refused);
    g_test_add_func("/nbd-client/area/bound", test_area_bound);
    g_test_add_func("/nbd-client/info", test_info);
    g_test_add_func("/nbd-client/meta", test_meta);
    g_test_add_func("/nbd-client/server", test_server);
    g_test_add_func("/nbd-client/uri", test_uri);
    g_test_add_func("/nbd-client/uri-refused", test_uri_refused);
    return g_test_run();
}
