/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zeroes and discards of one request. */
#include "io-disk.h"

#include "block/bitmap/bitmap.h"

static void zeroes_pieces(void)
{
    Disk d = disk_new(512);

    d.s->zeroes_align = 65536;
    node_refresh_limits(d.node);
    memset(d.s->bytes, 1, SIZE);
    /* unaligned ends as data, head and tail up to zeroes_align, the middle */
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 100, 3 * 65536, 0), ==, 0);
    g_assert_cmpuint(d.s->writes, ==, 2);
    g_assert_cmpuint(d.s->zeroes, ==, 2);
    g_assert_cmpuint(d.s->bytes[99], ==, 1);
    g_assert_true(buffer_is_zero(d.s->bytes + 100, 3 * 65536));
    g_assert_cmpuint(d.s->bytes[100 + 3 * 65536], ==, 1);
    disk_free(&d);
}

static void zeroes_fallback(void)
{
    Disk d = disk_new(512);

    d.s->zeroes_unsupported = true;
    memset(d.s->bytes, 1, SIZE);
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 0, 4096, REQ_NO_FALLBACK), ==,
                    -ENOTSUP);
    g_assert_cmpuint(d.s->writes, ==, 0);
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 0, 4096, REQ_MAY_UNMAP), ==,
                    0);
    g_assert_cmpuint(d.s->writes, ==, 1);
    g_assert_cmpuint(d.s->last_flags & REQ_MAY_UNMAP, ==, 0);
    g_assert_true(buffer_is_zero(d.s->bytes, 4096));
    g_assert_cmpuint(d.s->bytes[4096], ==, 1);
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 0, SIZE, 0), ==, 0);
    g_assert_true(buffer_is_zero(d.s->bytes, SIZE));
    disk_free(&d);
}

static void may_unmap(void)
{
    Disk d = disk_new(512);
    Node *f = pass_node_new("f", d.node);

    d.node->discard_unmap = false;
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 0, 512, REQ_MAY_UNMAP), ==,
                    0);
    g_assert_true(d.s->last_flags & REQ_MAY_UNMAP);
    g_assert_cmpint(
        co_edge_pwrite_zeroes(node_child(f, "file"), 0, 512, REQ_MAY_UNMAP), ==,
        0);
    g_assert_false(d.s->last_flags & REQ_MAY_UNMAP);
    co_node_unref(f);
    disk_free(&d);
}

static void detect_zeroes(void)
{
    Disk d = disk_new(512);
    uint8_t b[1024] = {0};

    d.node->detect_zeroes = DETECT_ZEROES_UNMAP;
    g_assert_cmpint(co_root_pwrite(d.root, 0, sizeof(b), b, 0), ==, 0);
    g_assert_cmpuint(d.s->zeroes, ==, 1);
    g_assert_cmpuint(d.s->writes, ==, 0);
    g_assert_true(d.s->last_flags & REQ_MAY_UNMAP);
    b[1023] = 1;
    g_assert_cmpint(co_root_pwrite(d.root, 0, sizeof(b), b, 0), ==, 0);
    g_assert_cmpuint(d.s->writes, ==, 1);
    disk_free(&d);
}

static void discard(void)
{
    Disk d = disk_new(512);

    memset(d.s->bytes, 1, SIZE);
    g_assert_cmpint(co_root_pdiscard(d.root, 100, 1500), ==, 0);
    g_assert_cmpuint(d.s->bytes[511], ==, 1); /* only whole blocks */
    g_assert_true(buffer_is_zero(d.s->bytes + 512, 1024));
    g_assert_cmpuint(d.s->bytes[1536], ==, 1);
    g_assert_cmpint(co_root_pdiscard(d.root, 100, 100), ==, 0);
    g_assert_cmpuint(d.s->discards, ==, 1);
    disk_free(&d);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/io/zeroes/pieces", zeroes_pieces, run);
    g_test_add_data_func("/io/zeroes/fallback", zeroes_fallback, run);
    g_test_add_data_func("/io/zeroes/may-unmap", may_unmap, run);
    g_test_add_data_func("/io/zeroes/detect", detect_zeroes, run);
    g_test_add_data_func("/io/discard", discard, run);
    return g_test_run();
}
