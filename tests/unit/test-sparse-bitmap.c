/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * util/sparse-bitmap: every operation against a plain array with a byte for
 * each bit, and the invariants after each step.
 */
#include "util/sparse-bitmap.h"

/* A set and what it should be. */
typedef struct Pair {
    SparseBitmap *set;
    uint8_t *model; /* 0 or 1 for each bit */
    uint64_t bits;
    GRand *rand;
} Pair;

static uint64_t below(GRand *rand, uint64_t limit)
{
    uint64_t r = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);

    return limit ? r % limit : 0;
}

/* A length from one bit to all of @limit, any magnitude equally likely. */
static uint64_t some_length(GRand *rand, uint64_t limit)
{
    uint64_t top = UINT64_C(1) << below(rand, 25);
    uint64_t length = below(rand, top + 1);

    return MIN(limit, length);
}

static void some_range(Pair *p, uint64_t *start, uint64_t *n)
{
    *start = below(p->rand, p->bits + 1);
    if (below(p->rand, 4) == 0) {
        *start = *start / SPARSE_LEAF_BITS * SPARSE_LEAF_BITS;
    }
    *n = some_length(p->rand, p->bits - *start);
    if (below(p->rand, 8) == 0) {
        *n = p->bits - *start;
    }
}

static uint64_t model_next(const uint8_t *model, uint64_t start, uint64_t end,
                           bool value)
{
    const uint8_t *hit;

    if (start >= end) {
        return end;
    }
    hit = memchr(model + start, value, end - start);
    return hit ? hit - model : end;
}

static uint64_t model_count(const uint8_t *model, uint64_t start, uint64_t n)
{
    uint64_t count = 0, i;

    for (i = start; i < start + n; i++) {
        count += model[i];
    }
    return count;
}

/* Invariants hold, and every run begins and ends where it should. */
static void verify(Pair *p)
{
    uint64_t pos = 0;

    sparse_bitmap_check(p->set);
    g_assert_cmpuint(sparse_bitmap_size(p->set), ==, p->bits);
    g_assert_cmpuint(sparse_bitmap_count(p->set), ==,
                     model_count(p->model, 0, p->bits));
    while (pos < p->bits) {
        uint64_t first = sparse_bitmap_next_set(p->set, pos, p->bits);
        uint64_t end = sparse_bitmap_next_clear(p->set, first, p->bits);

        g_assert_cmpuint(first, ==, model_next(p->model, pos, p->bits, true));
        g_assert_cmpuint(end, ==, model_next(p->model, first, p->bits, false));
        pos = end;
    }
}

static void ask_at_random(Pair *p)
{
    uint64_t start, n, end, max, first, len;

    some_range(p, &start, &n);
    end = start + n;
    max = 1 + some_length(p->rand, p->bits);
    g_assert_cmpuint(sparse_bitmap_count_range(p->set, start, n), ==,
                     model_count(p->model, start, n));
    g_assert_cmpuint(sparse_bitmap_next_set(p->set, start, end), ==,
                     model_next(p->model, start, end, true));
    g_assert_cmpuint(sparse_bitmap_next_clear(p->set, start, end), ==,
                     model_next(p->model, start, end, false));
    if (start < p->bits) {
        g_assert_cmpint(sparse_bitmap_test(p->set, start), ==, p->model[start]);
    }
    if (sparse_bitmap_next_run(p->set, start, end, max, &first, &len)) {
        uint64_t stop = MIN(end, first + max);

        g_assert_cmpuint(first, ==, model_next(p->model, start, end, true));
        g_assert_cmpuint(first + len, ==,
                         model_next(p->model, first, stop, false));
    } else {
        g_assert_cmpuint(model_next(p->model, start, end, true), ==, end);
    }
}

static void put_at_random(Pair *p, bool value)
{
    uint64_t start, n;

    some_range(p, &start, &n);
    if (value) {
        sparse_bitmap_set(p->set, start, n);
    } else {
        sparse_bitmap_clear(p->set, start, n);
    }
    memset(p->model + start, value, n);
}

/* Bits one at a time, so that leaves of every density occur. */
static void sprinkle(Pair *p)
{
    uint64_t times = p->bits ? below(p->rand, 3000) : 0;
    bool value = below(p->rand, 2);

    while (times--) {
        uint64_t bit = below(p->rand, p->bits);

        if (value) {
            sparse_bitmap_set(p->set, bit, 1);
        } else {
            sparse_bitmap_clear(p->set, bit, 1);
        }
        p->model[bit] = value;
    }
}

static void whole_at_random(Pair *p)
{
    bool value = below(p->rand, 2);

    if (value) {
        sparse_bitmap_set_all(p->set);
    } else {
        sparse_bitmap_clear_all(p->set);
    }
    memset(p->model, value, p->bits);
}

static void byte_range(Pair *p, uint64_t *start, uint64_t *n)
{
    some_range(p, start, n);
    *start -= *start % 8;
    *n -= *n % 8;
    if (below(p->rand, 4) == 0) {
        *n = p->bits - *start;
    }
}

static void get_at_random(Pair *p)
{
    uint64_t start, n, i;
    uint8_t *buf;

    byte_range(p, &start, &n);
    buf = g_malloc(n / 8 + 2);
    memset(buf, 0xa5, n / 8 + 2);
    sparse_bitmap_get_bytes(p->set, start, n, buf);
    for (i = 0; i < DIV_ROUND_UP(n, 8) * 8; i++) {
        g_assert_cmpint(buf[i / 8] >> (i % 8) & 1, ==,
                        i < n ? p->model[start + i] : 0);
    }
    g_assert_cmpint(buf[DIV_ROUND_UP(n, 8)], ==, 0xa5);
    g_free(buf);
}

static void load_at_random(Pair *p)
{
    uint64_t start, n, i, fill = below(p->rand, 4);
    uint8_t *buf;

    byte_range(p, &start, &n);
    buf = g_malloc(n / 8 + 1);
    for (i = 0; i < n / 8 + 1; i++) {
        buf[i] = fill == 0 ? 0 : fill == 1 ? 0xff : g_rand_int(p->rand);
    }
    sparse_bitmap_load_bytes(p->set, start, n, buf);
    for (i = 0; i < n; i++) {
        p->model[start + i] = buf[i / 8] >> (i % 8) & 1;
    }
    g_free(buf);
}

static void copy_at_random(Pair *p)
{
    SparseBitmap *copy = sparse_bitmap_clone(p->set);

    sparse_bitmap_check(copy);
    g_assert_true(sparse_bitmap_equal(p->set, copy));
    g_assert_cmpuint(sparse_bitmap_memory(p->set), ==,
                     sparse_bitmap_memory(copy));
    if (p->bits) {
        uint64_t bit = below(p->rand, p->bits);

        if (p->model[bit]) {
            sparse_bitmap_clear(copy, bit, 1);
        } else {
            sparse_bitmap_set(copy, bit, 1);
        }
        sparse_bitmap_check(copy);
        g_assert_false(sparse_bitmap_equal(p->set, copy));
    }
    sparse_bitmap_free(copy);
}

static void resize_at_random(Pair *p)
{
    uint64_t old = p->bits;
    uint64_t change = some_length(p->rand, old);

    p->bits = below(p->rand, 2) ? old - change : old + change;
    if (below(p->rand, 4) == 0) {
        p->bits -= p->bits % SPARSE_LEAF_BITS;
    }
    p->bits = CLAMP(p->bits, 1, UINT64_C(1) << 24);
    p->model = g_realloc(p->model, p->bits);
    if (p->bits > old) {
        memset(p->model + old, 0, p->bits - old);
    }
    sparse_bitmap_resize(p->set, p->bits);
}

static void free_in_parts(SparseBitmap *set, size_t bytes)
{
    size_t before = sparse_bitmap_memory(set);

    while (!sparse_bitmap_free_some(set, bytes)) {
        g_assert_cmpuint(sparse_bitmap_memory(set), <, before);
        before = sparse_bitmap_memory(set);
    }
}

/* Another set, of another granularity as often as not, merged into ours. */
static void or_at_random(Pair *p)
{
    uint64_t dst_unit = UINT64_C(1) << below(p->rand, 14);
    uint64_t src_unit =
        below(p->rand, 2) ? dst_unit : UINT64_C(1) << below(p->rand, 14);
    uint64_t length = p->bits * dst_unit - below(p->rand, dst_unit);
    Pair other = {.rand = p->rand};
    uint64_t i;

    other.bits = DIV_ROUND_UP(length, src_unit);
    if (other.bits > UINT64_C(1) << 24) {
        return;
    }
    other.set = sparse_bitmap_new(other.bits);
    other.model = g_malloc0(other.bits);
    sprinkle(&other);
    put_at_random(&other, true);
    put_at_random(&other, below(p->rand, 2));
    if (dst_unit == src_unit && below(p->rand, 2)) {
        sparse_bitmap_or(p->set, other.set);
    } else {
        uint64_t step = MAX(dst_unit, src_unit) * SPARSE_LEAF_BITS;
        uint64_t cut = below(p->rand, 8) * step;

        cut = MIN(cut, length);
        sparse_bitmap_or_scaled(p->set, dst_unit, other.set, src_unit, length,
                                cut, length - cut);
        sparse_bitmap_check(p->set);
        sparse_bitmap_or_scaled(p->set, dst_unit, other.set, src_unit, length,
                                0, cut);
    }
    verify(&other);
    for (i = 0; i < other.bits; i++) {
        if (other.model[i]) {
            uint64_t first = i * src_unit / dst_unit;
            uint64_t last = (MIN(length, (i + 1) * src_unit) - 1) / dst_unit;

            memset(p->model + first, 1, last - first + 1);
        }
    }
    free_in_parts(other.set, 1 + below(p->rand, 64 * KiB));
    g_free(other.model);
}

static void step(Pair *p)
{
    switch (below(p->rand, 10)) {
    case 0:
    case 1:
        put_at_random(p, true);
        break;
    case 2:
    case 3:
        put_at_random(p, false);
        break;
    case 4:
        sprinkle(p);
        break;
    case 5:
        if (below(p->rand, 8) == 0) {
            whole_at_random(p);
        } else {
            resize_at_random(p);
        }
        break;
    case 6:
        get_at_random(p);
        break;
    case 7:
        load_at_random(p);
        break;
    case 8:
        or_at_random(p);
        break;
    default:
        copy_at_random(p);
        break;
    }
}

typedef struct Case {
    uint64_t bits;
    unsigned steps;
} Case;

static void test_model(gconstpointer data)
{
    const Case *c = data;
    unsigned i;
    Pair p = {
        .set = sparse_bitmap_new(c->bits),
        .model = g_malloc0(c->bits),
        .bits = c->bits,
        .rand = g_rand_new_with_seed(c->bits),
    };

    verify(&p);
    for (i = 0; i < c->steps; i++) {
        step(&p);
        verify(&p);
        ask_at_random(&p);
    }
    sparse_bitmap_free(p.set);
    g_free(p.model);
    g_rand_free(p.rand);
}

int main(int argc, char **argv)
{
    /* Around a word, a leaf, a branch (8388608 bits) and odd ones. */
    static const Case cases[] = {
        {1, 300},      {63, 300},     {64, 300},      {65, 300},
        {1000, 300},   {32767, 300},  {32768, 300},   {32769, 300},
        {65536, 300},  {100003, 300}, {1048576, 100}, {8388607, 30},
        {8388608, 30}, {8388609, 30}, {16777000, 20},
    };
    unsigned i;

    g_test_init(&argc, &argv, NULL);
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        char *path =
            g_strdup_printf("/sparse-bitmap/model/%" PRIu64, cases[i].bits);

        g_test_add_data_func(path, &cases[i], test_model);
        g_free(path);
    }
    return g_test_run();
}
