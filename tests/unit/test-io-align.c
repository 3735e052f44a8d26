/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model test: random requests of any alignment against a node that takes
 * only whole blocks, compared with an array of bytes.
 */
#include "ram-node.h"

#include "block/bitmap/bitmap.h"
#include "block/graph/root.h"

#define RW (PERM_CONSISTENT_READ | PERM_WRITE)
#define SIZE (300 * 512)

typedef struct Model {
    Node *node;
    Root *root;
    uint8_t bytes[SIZE];
} Model;

static uint64_t random_below(uint64_t n)
{
    return (uint64_t)g_test_rand_int_range(0, (gint32)n);
}

/* A list of a few areas of odd lengths over @buf. */
static void random_iov(Iov *iov, uint8_t *buf, size_t bytes)
{
    iov_init(iov);
    while (bytes) {
        size_t n = 1 + random_below(MIN(bytes, 3000));

        iov_add(iov, buf, n);
        buf += n;
        bytes -= n;
    }
}

static void model_write(Model *m, uint64_t offset, uint64_t bytes)
{
    g_autofree uint8_t *buf = g_malloc(bytes);
    ReqFlags flags = random_below(4) > 0 ? 0 : REQ_SERIALISING;
    Iov iov;

    memset(buf, (int)random_below(256), bytes);
    random_iov(&iov, buf, bytes);
    g_assert_cmpint(co_root_pwritev(m->root, offset, bytes, &iov, flags), ==,
                    0);
    iov_free(&iov);
    memcpy(m->bytes + offset, buf, bytes);
}

static void model_read(Model *m, uint64_t offset, uint64_t bytes)
{
    g_autofree uint8_t *buf = g_malloc(bytes);
    Iov iov;

    memset(buf, 0xee, bytes);
    random_iov(&iov, buf, bytes);
    g_assert_cmpint(co_root_preadv(m->root, offset, bytes, &iov, 0), ==, 0);
    iov_free(&iov);
    g_assert_cmpmem(buf, bytes, m->bytes + offset, bytes);
}

static void model_zero(Model *m, uint64_t offset, uint64_t bytes)
{
    ram_state(m->node)->zeroes_unsupported = random_below(2);
    g_assert_cmpint(co_root_pwrite_zeroes(m->root, offset, bytes, 0), ==, 0);
    memset(m->bytes + offset, 0, bytes);
}

static void model_check(Model *m)
{
    g_assert_cmpmem(ram_state(m->node)->bytes, SIZE, m->bytes, SIZE);
}

static void model_step(Model *m)
{
    uint64_t offset = random_below(SIZE);
    uint64_t max = random_below(2) ? 1500 : 60000;
    uint64_t bytes = 1 + random_below(MIN(max, SIZE - offset));

    switch (random_below(3)) {
    case 0:
        model_write(m, offset, bytes);
        break;
    case 1:
        model_read(m, offset, bytes);
        break;
    default:
        model_zero(m, offset, bytes);
        break;
    }
    model_check(m);
}

static void model_run(uint32_t align, uint32_t zeroes_align,
                      uint32_t max_transfer, uint32_t max_iov)
{
    Model *m = g_new0(Model, 1);
    RamState *s;

    m->node = ram_node_new("a", SIZE, align);
    s = ram_state(m->node);
    s->zeroes_align = zeroes_align;
    s->max_transfer = max_transfer;
    s->max_iov = max_iov;
    node_refresh_limits(m->node);
    m->root = root_new("root", NULL, NULL);
    g_assert_true(root_attach(m->root, m->node, RW, PERM_ALL, NULL));
    for (unsigned i = 0; i < 1500; i++) {
        model_step(m);
    }
    co_root_detach(m->root);
    root_free(m->root);
    co_node_unref(m->node);
    g_free(m);
}

static void align_1(void)
{
    model_run(1, 0, 0, 0);
}

static void align_512(void)
{
    model_run(512, 4096, 0, 0);
}

/* SIZE is no multiple of 4096: the last block reaches past the end. */
static void align_4096(void)
{
    model_run(4096, 16384, 0, 0);
}

static void split(void)
{
    model_run(512, 0, 8192 + 511, 3);
}

/* --- concurrent writers of one block ------------------------------------- */

typedef struct Writer {
    Root *root;
    unsigned at;
    unsigned *left;
} Writer;

static void writer_entry(void *opaque)
{
    Writer *w = opaque;
    uint8_t byte = w->at + 1;

    g_assert_cmpint(co_root_pwrite(w->root, w->at, 1, &byte, 0), ==, 0);
    --*w->left;
}

/* 64 byte writes into one block at once: none is lost. */
static void concurrent(void)
{
    Node *a = ram_node_new("a", 4096, 512);
    Root *r = root_new("root", NULL, NULL);
    Writer w[64];
    unsigned left = 64;

    ram_state(a)->yield = true;
    g_assert_true(root_attach(r, a, RW, PERM_ALL, NULL));
    for (unsigned i = 0; i < 64; i++) {
        w[i] = (Writer){r, i * 7, &left};
        coroutine_start(writer_entry, &w[i]);
    }
    while (left) {
        co_reschedule();
    }
    for (unsigned i = 0; i < 64; i++) {
        g_assert_cmpuint(ram_state(a)->bytes[i * 7], ==, (i * 7 + 1) & 255);
    }
    co_root_detach(r);
    root_free(r);
    co_node_unref(a);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/align/1", align_1, run);
    g_test_add_data_func("/align/512", align_512, run);
    g_test_add_data_func("/align/4096", align_4096, run);
    g_test_add_data_func("/align/split", split, run);
    g_test_add_data_func("/align/concurrent", concurrent, run);
    return g_test_run();
}
