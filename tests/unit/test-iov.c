/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory area lists, against a flat copy of the same bytes. */
#include "util/iov.h"

static void fill(char *buf, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        buf[i] = i * 7 + 1;
    }
}

/* Cuts @buf into areas of uneven length, some of them empty. */
static void cut(Iov *iov, char *buf, size_t bytes)
{
    size_t done = 0, step = 0;

    iov_init(iov);
    while (done < bytes) {
        size_t n = MIN(step % 7, bytes - done);

        iov_add(iov, buf + done, n);
        done += n;
        step++;
    }
}

static void test_one(void)
{
    char buf[10];
    Iov iov;

    iov_init_buf(&iov, buf, sizeof(buf));
    g_assert_cmpuint(iov.n, ==, 1);
    g_assert_cmpuint(iov.capacity, ==, 0);
    g_assert_cmpuint(iov.bytes, ==, 10);
    iov_add(&iov, buf, 5);
    g_assert_cmpuint(iov.n, ==, 2);
    g_assert_cmpuint(iov.bytes, ==, 15);
    g_assert_true(iov.v[0].iov_base == buf && iov.v[0].iov_len == 10);
    iov_free(&iov);
    g_assert_cmpuint(iov.n, ==, 0);
    iov_free(&iov);
}

static void test_copy(void)
{
    char memory[100], flat[100], out[100];
    Iov iov;

    fill(memory, sizeof(memory));
    memcpy(flat, memory, sizeof(flat));
    cut(&iov, memory, sizeof(memory));
    for (size_t offset = 0; offset <= 100; offset++) {
        for (size_t n = 0; n <= 100 - offset; n++) {
            iov_to_buf(&iov, offset, out, n);
            g_assert_cmpmem(out, n, flat + offset, n);
            memset(out, offset + n, n);
            iov_from_buf(&iov, offset, out, n);
            memset(flat + offset, offset + n, n);
            g_assert_cmpmem(memory, 100, flat, 100);
        }
    }
    iov_memset(&iov, 10, 'x', 20);
    memset(flat + 10, 'x', 20);
    g_assert_cmpmem(memory, 100, flat, 100);
    iov_free(&iov);
}

static void test_slice(void)
{
    char memory[100], out[100];
    Iov iov, slice;

    fill(memory, sizeof(memory));
    cut(&iov, memory, sizeof(memory));
    for (size_t offset = 0; offset <= 100; offset += 3) {
        for (size_t n = 0; n <= 100 - offset; n++) {
            iov_init_slice(&slice, &iov, offset, n);
            g_assert_cmpuint(slice.bytes, ==, n);
            iov_to_buf(&slice, 0, out, n);
            g_assert_cmpmem(out, n, memory + offset, n);
            iov_add_slice(&slice, &iov, 0, 5);
            iov_to_buf(&slice, n, out, 5);
            g_assert_cmpmem(out, 5, memory, 5);
            iov_free(&slice);
        }
    }
    iov_free(&iov);
}

static void test_zero(void)
{
    static char buf[300];
    Iov iov;

    for (size_t n = 0; n <= 100; n++) {
        g_assert_true(buffer_is_zero(buf, n));
        for (size_t at = 0; at < n; at++) {
            buf[at] = 1;
            g_assert_false(buffer_is_zero(buf, n));
            buf[at] = 0;
        }
        buf[n] = 1;
        g_assert_true(buffer_is_zero(buf, n));
        buf[n] = 0;
    }
    cut(&iov, buf, sizeof(buf));
    g_assert_true(iov_is_zero(&iov, 0, 300));
    buf[299] = 1;
    g_assert_false(iov_is_zero(&iov, 0, 300));
    g_assert_true(iov_is_zero(&iov, 1, 298));
    g_assert_false(iov_is_zero(&iov, 299, 1));
    buf[299] = 0;
    iov_free(&iov);
}

static void test_aligned(void)
{
    char buf[1024] __attribute__((aligned(512)));
    Iov iov;

    iov_init_buf(&iov, buf, 512);
    iov_add(&iov, buf + 512, 512);
    g_assert_true(iov_is_aligned(&iov, 512));
    iov_add(&iov, buf + 256, 256);
    g_assert_false(iov_is_aligned(&iov, 512));
    g_assert_true(iov_is_aligned(&iov, 256));
    iov_add(&iov, buf, 255);
    g_assert_false(iov_is_aligned(&iov, 2));
    g_assert_true(iov_is_aligned(&iov, 1));
    iov_free(&iov);
}

static void test_out_of_bounds(void)
{
    if (g_test_subprocess()) {
        char buf[10], out[20];
        Iov iov;

        iov_init_buf(&iov, buf, 10);
        iov_to_buf(&iov, 5, out, 6);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iov/one", test_one);
    g_test_add_func("/iov/copy", test_copy);
    g_test_add_func("/iov/slice", test_slice);
    g_test_add_func("/iov/zero", test_zero);
    g_test_add_func("/iov/aligned", test_aligned);
    g_test_add_func("/iov/out-of-bounds", test_out_of_bounds);
    return g_test_run();
}
