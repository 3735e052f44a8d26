/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing of NBD option data: what is right, every truncation of it, and
 * random bytes. */
#include "nbd/option.h"

static GByteArray *bytes_new(void)
{
    return g_byte_array_new();
}

static void put16(GByteArray *a, uint16_t v)
{
    Be16 x = be16(v);

    g_byte_array_append(a, x.b, 2);
}

static void put32(GByteArray *a, uint32_t v)
{
    Be32 x = be32(v);

    g_byte_array_append(a, x.b, 4);
}

static void put_string(GByteArray *a, const char *s)
{
    put32(a, strlen(s));
    g_byte_array_append(a, (const void *)s, strlen(s));
}

/* Parses a copy of exactly that size, so that valgrind and ASan see a read
 * beyond it. */
static bool parse_info(NbdInfoRequest *r, const GByteArray *a, size_t n,
                       Error **errp)
{
    void *copy = g_memdup2(a->data, n);
    bool ok = nbd_info_request_parse(r, NBD_OPT_GO, copy, n, errp);

    g_free(copy);
    return ok;
}

static bool parse_meta(NbdMetaRequest *r, const GByteArray *a, size_t n,
                       Error **errp)
{
    void *copy = g_memdup2(a->data, n);
    bool ok =
        nbd_meta_request_parse(r, NBD_OPT_SET_META_CONTEXT, copy, n, errp);

    g_free(copy);
    return ok;
}

static void info_fails(const GByteArray *a, const char *text)
{
    NbdInfoRequest r;
    Error *err = NULL;

    g_assert_false(parse_info(&r, a, a->len, &err));
    g_assert_cmpstr(error_text(err), ==, text);
    error_free(err);
}

static void test_info(void)
{
    GByteArray *a = bytes_new();
    NbdInfoRequest r;
    Error *err = NULL;

    put_string(a, "disk");
    put16(a, 3);
    put16(a, NBD_INFO_BLOCK_SIZE);
    put16(a, 999);
    put16(a, NBD_INFO_NAME);
    g_assert_true(parse_info(&r, a, a->len, NULL));
    g_assert_cmpstr(r.name, ==, "disk");
    g_assert_true(r.wants_block_size && r.wants_name);
    g_assert_false(r.wants_description);
    nbd_info_request_clear(&r);
    for (size_t n = 0; n < a->len; n++) {
        g_assert_false(parse_info(&r, a, n, &err));
        g_assert_cmpstr(error_text(err), ==,
                        "Inconsistent lengths in option go");
        error_free(err);
        err = NULL;
    }
    put16(a, 0);
    info_fails(a, "option 'go' has unexpected length");
    g_byte_array_unref(a);
}

static void test_info_names(void)
{
    g_autofree char *long_name = g_strnfill(NBD_MAX_STRING, 'x');
    GByteArray *a = bytes_new();
    NbdInfoRequest r;

    put_string(a, "");
    put16(a, 0);
    g_assert_true(parse_info(&r, a, a->len, NULL));
    g_assert_cmpstr(r.name, ==, "");
    nbd_info_request_clear(&r);

    g_byte_array_set_size(a, 0);
    put_string(a, long_name);
    put16(a, 0);
    g_assert_true(parse_info(&r, a, a->len, NULL));
    nbd_info_request_clear(&r);

    g_byte_array_set_size(a, 0);
    put32(a, NBD_MAX_STRING + 1);
    info_fails(a, "Invalid name length: 4097");

    g_byte_array_set_size(a, 0);
    put32(a, 3);
    g_byte_array_append(a, (const void *)"a\0b", 3);
    put16(a, 0);
    info_fails(a, "Zero byte in a name of option go");
    g_byte_array_unref(a);
}

static void test_meta(void)
{
    GByteArray *a = bytes_new();
    NbdMetaRequest r;
    Error *err = NULL;

    put_string(a, "disk");
    put32(a, 2);
    put_string(a, "base:allocation");
    put_string(a, "qemu:dirty-bitmap:b0");
    g_assert_true(parse_meta(&r, a, a->len, NULL));
    g_assert_cmpstr(r.name, ==, "disk");
    g_assert_cmpuint(r.queries->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(r.queries, 1), ==,
                    "qemu:dirty-bitmap:b0");
    nbd_meta_request_clear(&r);
    for (size_t n = 0; n < a->len; n++) {
        g_assert_false(parse_meta(&r, a, n, &err));
        g_assert_cmpstr(error_text(err), ==,
                        "Inconsistent lengths in option set meta context");
        error_free(err);
        err = NULL;
    }
    put16(a, 0);
    g_assert_false(parse_meta(&r, a, a->len, NULL));
    g_byte_array_unref(a);
}

/* A count far beyond the data must not make us allocate for it. */
static void test_meta_count(void)
{
    GByteArray *a = bytes_new();
    NbdMetaRequest r;

    put_string(a, "disk");
    put32(a, UINT32_MAX);
    put_string(a, "base:allocation");
    g_assert_false(parse_meta(&r, a, a->len, NULL));
    g_byte_array_unref(a);
}

static void test_meta_long_query(void)
{
    g_autofree char *query = g_strnfill(NBD_MAX_STRING + 1, 'q');
    GByteArray *a = bytes_new();
    NbdMetaRequest r;

    put_string(a, "disk");
    put32(a, 1);
    put_string(a, query);
    g_assert_true(parse_meta(&r, a, a->len, NULL));
    /* It matches nothing, but is not "no query" either. */
    g_assert_cmpuint(r.queries->len, ==, 1);
    g_assert_false(nbd_meta_query_matches(g_ptr_array_index(r.queries, 0),
                                          "base:allocation", true));
    nbd_meta_request_clear(&r);
    g_byte_array_unref(a);
}

static void test_match(void)
{
    static const struct {
        const char *query, *context;
        bool list, set;
    } cases[] = {
        {"base:allocation", "base:allocation", true, true},
        {"base:", "base:allocation", true, false},
        {"base", "base:allocation", false, false},
        {"", "base:allocation", false, false},
        {"base:alloc", "base:allocation", false, false},
        {"qemu:", "qemu:dirty-bitmap:b", true, false},
        {"qemu:dirty-bitmap:", "qemu:dirty-bitmap:b", true, false},
        {"qemu:dirty-bitmap:b", "qemu:dirty-bitmap:b0", false, false},
        {"qemu:dirty-bitmap:b0", "qemu:dirty-bitmap:b", false, false},
        {"BASE:", "base:allocation", false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_assert_true(cases[i].list == nbd_meta_query_matches(cases[i].query,
                                                              cases[i].context,
                                                              true));
        g_assert_true(cases[i].set == nbd_meta_query_matches(cases[i].query,
                                                             cases[i].context,
                                                             false));
    }
}

static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);

    for (unsigned i = 0; i < 20000; i++) {
        size_t n = g_rand_int_range(rand, 0, 40);
        GByteArray *a = bytes_new();
        NbdInfoRequest info;
        NbdMetaRequest meta;

        for (size_t k = 0; k < n; k++) {
            uint8_t b = g_rand_boolean(rand) ? g_rand_int_range(rand, 0, 6)
                                             : g_rand_int(rand);
            g_byte_array_append(a, &b, 1);
        }
        if (parse_info(&info, a, n, NULL)) {
            nbd_info_request_clear(&info);
        }
        if (parse_meta(&meta, a, n, NULL)) {
            nbd_meta_request_clear(&meta);
        }
        g_byte_array_unref(a);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nbd/option/info", test_info);
    g_test_add_func("/nbd/option/info-names", test_info_names);
    g_test_add_func("/nbd/option/meta", test_meta);
    g_test_add_func("/nbd/option/meta-count", test_meta_count);
    g_test_add_func("/nbd/option/meta-long-query", test_meta_long_query);
    g_test_add_func("/nbd/option/match", test_match);
    g_test_add_func("/nbd/option/random", test_random);
    return g_test_run();
}
