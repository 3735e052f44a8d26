/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as text, as QEMU's tools print and read them (measured on 7.2.22). */
#include "text/size-text.h"

static void check_text(char *text, const char *expected)
{
    g_assert_cmpstr(text, ==, expected);
    g_free(text);
}

static void test_short(void)
{
    check_text(size_text_short(0), "0 B");
    check_text(size_text_short(512), "512 B");
    check_text(size_text_short(1024), "1 KiB");
    check_text(size_text_short(1000448), "977 KiB");
    check_text(size_text_short(10 * MiB), "10 MiB");
    check_text(size_text_short(999999488), "954 MiB");
    check_text(size_text_short(1500000256), "1.4 GiB");
    check_text(size_text_short(TiB), "1 TiB");
    check_text(size_text_short(INT64_MAX), "8 EiB");
}

static void test_exact(void)
{
    check_text(size_text_exact(0), "0 bytes");
    check_text(size_text_exact(512), "512 bytes");
    check_text(size_text_exact(64 * KiB), "64 KiB");
    check_text(size_text_exact(1536000), "1.465 MiB");
    check_text(size_text_exact(1.5 * GiB), "1.500 GiB");
    check_text(size_text_exact(949.096356), "949.096356 bytes");
}

static void check_size(const char *text, uint64_t expected)
{
    uint64_t bytes = 0;

    g_assert_cmpint(size_text_parse(text, &bytes), ==, SIZE_OK);
    g_assert_cmpuint(bytes, ==, expected);
}

static void check_bad(const char *text, SizeParse expected)
{
    uint64_t bytes;

    g_assert_cmpint(size_text_parse(text, &bytes), ==, expected);
}

static void test_parse(void)
{
    check_size("0", 0);
    check_size("1000", 1000);
    check_size("64k", 64 * KiB);
    check_size("64K", 64 * KiB);
    check_size("3b", 3);
    check_size("1.5K", 1536);
    check_size("1.7k", 1741);
    check_size("1.k", 1024);
    check_size("1.0", 1);
    check_size(" 64k", 64 * KiB);
    check_size("0x200", 512);
    check_size("7E", 7 * (TiB << 20));
    check_size("9223372036854775807", INT64_MAX);
}

static void test_refused(void)
{
    check_bad("", SIZE_INVALID);
    check_bad("k", SIZE_INVALID);
    check_bad("abc", SIZE_INVALID);
    check_bad("1x", SIZE_INVALID);
    check_bad("1kk", SIZE_INVALID);
    check_bad("1.5", SIZE_INVALID);
    check_bad("nan", SIZE_INVALID);
    check_bad("1 ", SIZE_INVALID);
    check_bad("-5", SIZE_INVALID);
    check_bad("8E", SIZE_TOO_LARGE);
    check_bad("9.5E", SIZE_TOO_LARGE);
    check_bad("9223372036854775808", SIZE_TOO_LARGE);
    check_bad("99999999999999999999999999", SIZE_TOO_LARGE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/size-text/short", test_short);
    g_test_add_func("/size-text/exact", test_exact);
    g_test_add_func("/size-text/parse", test_parse);
    g_test_add_func("/size-text/refused", test_refused);
    return g_test_run();
}
