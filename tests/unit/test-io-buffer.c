/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers for requests: aligned, writable, kept within bounds. */
#include "block/io/io.h"

#include <malloc.h>

static Node node = {.limits = {.request_align = 512, .memory_align = 512}};

static void check(void *buf, size_t bytes, size_t align)
{
    g_assert_nonnull(buf);
    g_assert_cmpuint((uintptr_t)buf % align, ==, 0);
    memset(buf, 0xa5, MAX(bytes, 1));
}

/* All sizes, several at once: none of them overlap. */
static void sizes(void)
{
    static const size_t bytes[] = {0,     1,       4096,        4097,   65536,
                                   65537, 1 * MiB, 1 * MiB + 1, 5 * MiB};
    void *buf[ARRAY_SIZE(bytes)];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
            buf[i] = io_buffer_alloc(&node, bytes[i]);
            check(buf[i], bytes[i], 4096);
            memset(buf[i], (int)i, bytes[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
            const uint8_t *b = buf[i];

            for (size_t n = 0; n < bytes[i]; n++) {
                g_assert_cmpuint(b[n], ==, i);
            }
            io_buffer_free(buf[i]);
        }
    }
    io_buffer_free(NULL);
}

static void large_alignment(void)
{
    Node other = {.limits = {.memory_align = 65536}};

    for (int i = 0; i < 10; i++) {
        void *small = io_buffer_alloc(&node, 65536);
        void *buf = io_buffer_alloc(&other, 65536);

        check(small, 65536, 4096);
        check(buf, 65536, 65536);
        io_buffer_free(small);
        io_buffer_free(buf);
    }
}

/* A thousand buffers of 64 KiB at once do not all stay. */
static void bounded(void)
{
    enum { N = 1000 };
    g_autofree void **buf = g_new(void *, N);
    size_t used;

    for (int i = 0; i < N; i++) {
        buf[i] = io_buffer_alloc(&node, 65536);
        check(buf[i], 1, 4096);
    }
    used = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < N; i++) {
        io_buffer_free(buf[i]);
    }
    if (used) {
        g_assert_cmpuint(mallinfo2().uordblks + mallinfo2().hblkhd + 40 * MiB,
                         <, used);
    } else {
        g_test_skip("the allocator does not count, as with sanitizers");
    }
}

/* Made here, freed there. */
static void *free_many(void *opaque)
{
    void **buf = opaque;

    for (int i = 0; i < 100; i++) {
        io_buffer_free(buf[i]);
        buf[i] = io_buffer_alloc(&node, 8192);
        check(buf[i], 8192, 4096);
    }
    return NULL;
}

static void other_thread(void)
{
    void *buf[100];

    for (int i = 0; i < 100; i++) {
        buf[i] = io_buffer_alloc(&node, 8192);
    }
    g_thread_join(g_thread_new("free", free_many, buf));
    for (int i = 0; i < 100; i++) {
        check(buf[i], 8192, 4096);
        io_buffer_free(buf[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/io-buffer/sizes", sizes);
    g_test_add_func("/io-buffer/large-alignment", large_alignment);
    g_test_add_func("/io-buffer/bounded", bounded);
    g_test_add_func("/io-buffer/other-thread", other_thread);
    return g_test_run();
}
