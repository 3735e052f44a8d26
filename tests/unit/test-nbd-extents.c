/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building extent lists: merging, clipping, the bound, and a model. */
#include "nbd/extents.h"

static void check(const NbdExtents *e, unsigned i, uint32_t bytes,
                  uint32_t flags)
{
    g_assert_cmpuint(i, <, e->n);
    g_assert_cmpuint(e->v[i].bytes, ==, bytes);
    g_assert_cmpuint(e->v[i].flags, ==, flags);
}

static void test_merge(void)
{
    NbdExtents e;

    nbd_extents_init(&e, 10, 100);
    g_assert_true(nbd_extents_add(&e, 10, 3));
    g_assert_true(nbd_extents_add(&e, 20, 3));
    g_assert_true(nbd_extents_add(&e, 5, 0));
    g_assert_true(nbd_extents_add(&e, 5, 3));
    g_assert_cmpuint(e.n, ==, 3);
    check(&e, 0, 30, 3);
    check(&e, 1, 5, 0);
    check(&e, 2, 5, 3);
    nbd_extents_free(&e);
}

static void test_clip(void)
{
    NbdExtents e;

    nbd_extents_init(&e, 10, 100);
    g_assert_true(nbd_extents_add(&e, 99, 0));
    g_assert_false(nbd_extents_add(&e, UINT64_MAX, 1));
    g_assert_false(nbd_extents_add(&e, 1, 0));
    g_assert_cmpuint(e.n, ==, 2);
    check(&e, 1, 1, 1);
    nbd_extents_free(&e);

    nbd_extents_init(&e, 10, UINT32_MAX);
    g_assert_false(nbd_extents_add(&e, UINT64_C(1) << 40, 7));
    check(&e, 0, UINT32_MAX, 7);
    nbd_extents_free(&e);
}

static void test_encode(void)
{
    static const uint8_t compact[] = {0, 0, 0, 9, 0, 0, 0, 1,
                                      0, 0, 0, 2, 0, 0, 0, 3};
    static const uint8_t extended[] = {
        0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
    };
    g_autoptr(GByteArray) out = g_byte_array_new();
    NbdExtents e;

    nbd_extents_init(&e, 10, 11);
    nbd_extents_add(&e, 9, 1);
    nbd_extents_add(&e, 9, 3);
    nbd_extents_encode(&e, false, out);
    g_assert_cmpmem(out->data, out->len, compact, sizeof(compact));
    nbd_extents_free(&e);

    g_byte_array_set_size(out, 0);
    nbd_extents_init(&e, 10, UINT64_MAX);
    nbd_extents_add(&e, UINT64_C(1) << 40, 3);
    nbd_extents_encode(&e, true, out);
    g_assert_cmpmem(out->data, out->len, extended, sizeof(extended));
    nbd_extents_free(&e);
}

static void test_bound(void)
{
    NbdExtents e;

    nbd_extents_init(&e, 2, 100);
    g_assert_true(nbd_extents_add(&e, 1, 0));
    g_assert_true(nbd_extents_add(&e, 1, 1));
    /* One that merges is welcome to the last. */
    g_assert_true(nbd_extents_add(&e, 1, 1));
    g_assert_false(nbd_extents_add(&e, 1, 0));
    g_assert_cmpuint(e.n, ==, 2);
    check(&e, 1, 2, 1);
    nbd_extents_free(&e);
}

static void model_round(GRand *rand)
{
    uint8_t flags[512];
    unsigned size = g_rand_int_range(rand, 1, sizeof(flags) + 1);
    unsigned max = g_rand_int_range(rand, 1, 40);
    NbdExtents e;
    unsigned at = 0;
    bool more = true;

    nbd_extents_init(&e, max, size);
    while (more && at < size) {
        unsigned n = g_rand_int_range(rand, 1, 20);
        unsigned f = g_rand_int_range(rand, 0, 3);

        for (unsigned i = at; i < MIN(at + n, size); i++) {
            flags[i] = f;
        }
        more = nbd_extents_add(&e, n, f);
        at += n;
    }
    g_assert_cmpuint(e.n, <=, max);
    at = 0;
    for (unsigned i = 0; i < e.n; i++) {
        unsigned n = e.v[i].bytes;

        g_assert_cmpuint(n, >, 0);
        g_assert_cmpuint(at + n, <=, size);
        g_assert_true(!i || e.v[i - 1].flags != e.v[i].flags);
        for (; n; n--, at++) {
            g_assert_cmpuint(flags[at], ==, e.v[i].flags);
        }
    }
    g_assert_true(e.n == max || at == size);
    nbd_extents_free(&e);
}

static void test_model(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(11);

    for (unsigned i = 0; i < 5000; i++) {
        model_round(rand);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nbd/extents/merge", test_merge);
    g_test_add_func("/nbd/extents/clip", test_clip);
    g_test_add_func("/nbd/extents/encode", test_encode);
    g_test_add_func("/nbd/extents/bound", test_bound);
    g_test_add_func("/nbd/extents/model", test_model);
    return g_test_run();
}
