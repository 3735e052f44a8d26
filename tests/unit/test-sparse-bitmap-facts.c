/* SPDX-License-Identifier: GPL-2.0-or-later */
/* util/sparse-bitmap: single facts, of memory, of the largest sets, of loading;
 * test-sparse-bitmap.c has every operation at random. */
#include "util/sparse-bitmap.h"

static void test_no_bits(void)
{
    SparseBitmap *b = sparse_bitmap_new(0);
    uint8_t byte = 0xa5;

    sparse_bitmap_set_all(b);
    sparse_bitmap_set(b, 0, 0);
    sparse_bitmap_get_bytes(b, 0, 0, &byte);
    sparse_bitmap_load_bytes(b, 0, 0, &byte);
    sparse_bitmap_check(b);
    g_assert_cmpuint(sparse_bitmap_count(b), ==, 0);
    g_assert_cmpuint(sparse_bitmap_next_set(b, 0, 0), ==, 0);
    sparse_bitmap_resize(b, 70000);
    sparse_bitmap_set_all(b);
    sparse_bitmap_resize(b, 0);
    sparse_bitmap_resize(b, 1);
    sparse_bitmap_check(b);
    g_assert_cmpuint(sparse_bitmap_count(b), ==, 0);
    g_assert_cmpint(byte, ==, 0xa5);
    sparse_bitmap_free(b);
}

/* 16 TiB at 64 KiB: nothing but the struct while uniform, a path to a leaf
 * for each place touched. */
static void test_memory(void)
{
    uint64_t bits = 16 * TiB / (64 * KiB);
    SparseBitmap *b = sparse_bitmap_new(bits);
    size_t empty = sparse_bitmap_memory(b);

    g_assert_cmpuint(empty, <=, 256);
    sparse_bitmap_set(b, bits / 3, 1);
    g_assert_cmpuint(sparse_bitmap_memory(b), <=, 16 * KiB);
    sparse_bitmap_set(b, bits / 3 + 5000, 20000);
    g_assert_cmpuint(sparse_bitmap_memory(b), <=, 16 * KiB);
    sparse_bitmap_set_all(b);
    g_assert_cmpuint(sparse_bitmap_memory(b), ==, empty);
    sparse_bitmap_clear(b, bits - 1, 1);
    g_assert_cmpuint(sparse_bitmap_memory(b), <=, 16 * KiB);
    sparse_bitmap_set(b, bits - 1, 1);
    g_assert_cmpuint(sparse_bitmap_memory(b), ==, empty);
    sparse_bitmap_clear(b, 1, bits - 2);
    g_assert_cmpuint(sparse_bitmap_memory(b), <=, 32 * KiB);
    sparse_bitmap_check(b);
    sparse_bitmap_free(b);
}

/* The largest disk at the finest granularity, and the largest set at all. */
static void test_huge(gconstpointer data)
{
    uint64_t bits = *(const uint64_t *)data;
    SparseBitmap *b = sparse_bitmap_new(bits);
    SparseBitmap *c;
    uint64_t first, n;

    sparse_bitmap_set(b, bits - 3, 2);
    sparse_bitmap_set(b, bits / 2, 1000000);
    sparse_bitmap_check(b);
    g_assert_cmpuint(sparse_bitmap_memory(b), <=, 64 * KiB);
    g_assert_cmpuint(sparse_bitmap_next_set(b, 0, bits), ==, bits / 2);
    g_assert_true(sparse_bitmap_next_run(b, 1, bits, UINT64_MAX, &first, &n));
    g_assert_cmpuint(first, ==, bits / 2);
    g_assert_cmpuint(n, ==, 1000000);
    g_assert_cmpuint(sparse_bitmap_next_set(b, first + n, bits), ==, bits - 3);
    g_assert_cmpuint(sparse_bitmap_next_clear(b, bits - 3, bits), ==, bits - 1);

    c = sparse_bitmap_clone(b);
    sparse_bitmap_set_all(c);
    sparse_bitmap_clear(c, 7, bits / 2);
    sparse_bitmap_check(c);
    g_assert_cmpuint(sparse_bitmap_memory(c), <=, 64 * KiB);
    g_assert_cmpuint(sparse_bitmap_count(c), ==, bits - bits / 2);
    sparse_bitmap_or(c, b);
    sparse_bitmap_check(c);
    g_assert_cmpuint(sparse_bitmap_count(c), ==, bits - bits / 2 + 7);

    sparse_bitmap_resize(c, 5);
    sparse_bitmap_check(c);
    g_assert_cmpuint(sparse_bitmap_memory(c), <=, 256);
    g_assert_cmpuint(sparse_bitmap_count(c), ==, 5);
    sparse_bitmap_resize(c, bits);
    sparse_bitmap_check(c);
    g_assert_cmpuint(sparse_bitmap_count(c), ==, 5);
    g_assert_cmpuint(sparse_bitmap_next_clear(c, 0, bits), ==, 5);
    sparse_bitmap_free(c);
    sparse_bitmap_free(b);
}

/* One bit of the coarse set is more than a leaf of the fine one. */
static void test_scaled_far_apart(void)
{
    uint64_t length = 1 * TiB + 12345;
    SparseBitmap *fine = sparse_bitmap_new(DIV_ROUND_UP(length, 512));
    SparseBitmap *coarse = sparse_bitmap_new(DIV_ROUND_UP(length, 2 * GiB));

    sparse_bitmap_set(coarse, 1, 2);
    sparse_bitmap_set(coarse, sparse_bitmap_size(coarse) - 1, 1);
    sparse_bitmap_or_scaled(fine, 512, coarse, 2 * GiB, length, 0, length);
    sparse_bitmap_check(fine);
    g_assert_cmpuint(sparse_bitmap_count(fine), ==,
                     4 * GiB / 512 + DIV_ROUND_UP(12345, 512));
    g_assert_cmpuint(sparse_bitmap_next_set(fine, 0, 1 * TiB / 512), ==,
                     2 * GiB / 512);

    sparse_bitmap_clear_all(coarse);
    sparse_bitmap_or_scaled(coarse, 2 * GiB, fine, 512, length, 0, length);
    sparse_bitmap_check(coarse);
    g_assert_cmpuint(sparse_bitmap_count(coarse), ==, 3);
    g_assert_cmpuint(sparse_bitmap_next_set(coarse, 0, 5), ==, 1);
    g_assert_cmpuint(sparse_bitmap_next_clear(coarse, 1, 5), ==, 3);
    sparse_bitmap_free(coarse);
    sparse_bitmap_free(fine);
}

/* What is said of a copy holds until a bit changes. */
static void test_kept(void)
{
    SparseBitmap *b = sparse_bitmap_new(100000), *other;

    sparse_bitmap_set(b, 10, 5);
    sparse_bitmap_set_kept(b, 77);
    sparse_bitmap_set(b, 11, 2);
    g_assert_cmpuint(sparse_bitmap_kept(b), ==, 77);
    sparse_bitmap_set(b, 15, 1);
    g_assert_cmpuint(sparse_bitmap_kept(b), ==, 0);
    sparse_bitmap_set_kept(b, 77);
    sparse_bitmap_clear(b, 15, 1);
    g_assert_cmpuint(sparse_bitmap_kept(b), ==, 0);
    other = sparse_bitmap_clone(b);
    sparse_bitmap_set(other, 50000, 1);
    sparse_bitmap_set_kept(b, 77);
    sparse_bitmap_or(b, other);
    g_assert_cmpuint(sparse_bitmap_kept(b), ==, 0);
    sparse_bitmap_set_kept(b, 77);
    sparse_bitmap_resize(b, 200000);
    g_assert_cmpuint(sparse_bitmap_kept(b), ==, 0);
    sparse_bitmap_free(other);
    sparse_bitmap_free(b);
}

/* Many leaves at a time lie together; they are changed and go like others. */
static void test_load_many(void)
{
    const uint64_t bits = 3000 * UINT64_C(1024) + 77;
    const size_t bytes = DIV_ROUND_UP(bits, 8);
    g_autofree uint8_t *in = g_malloc(bytes), *out = g_malloc(bytes);
    SparseBitmap *b = sparse_bitmap_new(bits);

    for (size_t i = 0; i < bytes; i++) {
        in[i] = g_test_rand_int() & g_test_rand_int();
    }
    in[bytes - 1] &= (1u << bits % 8) - 1;
    memset(in + 4096, 0, 1024);
    memset(in + 8192, 0xff, 1024);
    sparse_bitmap_load_bytes(b, 0, bits, in);
    sparse_bitmap_check(b);
    sparse_bitmap_get_bytes(b, 0, bits, out);
    g_assert_cmpmem(in, bytes, out, bytes);
    sparse_bitmap_clear(b, 1000, bits / 2);
    sparse_bitmap_set(b, 5000, 100000);
    sparse_bitmap_check(b);
    sparse_bitmap_load_bytes(b, 0, bits, in);
    sparse_bitmap_check(b);
    sparse_bitmap_get_bytes(b, 0, bits, out);
    g_assert_cmpmem(in, bytes, out, bytes);
    while (!sparse_bitmap_free_some(b, 4096)) {
    }
}

/* In pieces into memory that was made ready, some of it of huge pages; more
 * comes than was expected. */
static void test_load_expected(void)
{
    const uint64_t piece = UINT64_C(1) << 20, bits = 25 * piece;
    const size_t bytes = bits / 8;
    g_autofree uint8_t *in = g_malloc(bytes), *out = g_malloc(bytes);
    SparseBitmap *b = sparse_bitmap_new(bits);

    for (size_t i = 0; i < bytes; i++) {
        in[i] = i * 7 + i / 1000 + 1;
    }
    sparse_bitmap_expect(b, 20 * piece);
    for (uint64_t at = 0; at < bits; at += piece) {
        sparse_bitmap_load_bytes(b, at, piece, in + at / 8);
    }
    sparse_bitmap_check(b);
    sparse_bitmap_get_bytes(b, 0, bits, out);
    g_assert_cmpmem(in, bytes, out, bytes);
    sparse_bitmap_free(b);
}

int main(int argc, char **argv)
{
    static const uint64_t huge[] = {
        UINT64_C(1) << 54, (UINT64_C(1) << 54) - 4194304 + 77, SPARSE_MAX_BITS};

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(huge); i++) {
        char *path = g_strdup_printf("/sparse-bitmap/huge/%" PRIu64, huge[i]);

        g_test_add_data_func(path, &huge[i], test_huge);
        g_free(path);
    }
    g_test_add_func("/sparse-bitmap/no-bits", test_no_bits);
    g_test_add_func("/sparse-bitmap/memory", test_memory);
    g_test_add_func("/sparse-bitmap/kept", test_kept);
    g_test_add_func("/sparse-bitmap/load-many", test_load_many);
    g_test_add_func("/sparse-bitmap/load-expected", test_load_expected);
    g_test_add_func("/sparse-bitmap/scaled-far-apart", test_scaled_far_apart);
    return g_test_run();
}
