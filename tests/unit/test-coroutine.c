/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coroutines without a reactor: a scheduler of our own takes the place of the
 * loop. Built twice, with the machine's own stack switch and with ucontext.
 */
#include "util/coroutine/coroutine.h"
#include "util/coroutine/scheduler.h"
#include "util/coroutine/stack.h"

#include <fenv.h>

/* --- a loop: a list that is run until it is empty ------------------------ */

static ListLink ready_items = LIST_INIT(ready_items);

static void loop_ready(CoroutineScheduler *sched, ReadyItem *item)
{
    list_append(&ready_items, &item->link);
}

static CoroutineScheduler loop = {.ready = loop_ready};

static void loop_run(void)
{
    ListLink *link;

    while ((link = list_pop(&ready_items))) {
        ReadyItem *item = LIST_ENTRY(link, ReadyItem, link);

        item->run(item);
    }
}

/* --- tests --------------------------------------------------------------- */

static GString *trace;

static void yields_twice(void *opaque)
{
    const char *name = opaque;

    g_assert_true(in_coroutine());
    g_string_append_printf(trace, "%s1", name);
    co_yield ();
    g_string_append_printf(trace, "%s2", name);
    co_yield ();
    g_string_append_printf(trace, "%s3", name);
}

static void test_switch(void)
{
    Coroutine *a = coroutine_create(yields_twice, (void *)"a");
    Coroutine *b = coroutine_create(yields_twice, (void *)"b");

    trace = g_string_new(NULL);
    g_assert_cmpuint(coroutine_count(), ==, 2);
    g_assert_false(in_coroutine());
    coroutine_enter(a);
    coroutine_enter(b);
    g_assert_false(in_coroutine());
    coroutine_enter(b);
    coroutine_enter(a);
    coroutine_enter(a);
    coroutine_enter(b);
    g_assert_cmpstr(trace->str, ==, "a1b1b2a2a3b3");
    g_assert_cmpuint(coroutine_count(), ==, 0);
    g_string_free(trace, true);
}

static void nested(void *opaque)
{
    int *depth = opaque, mine = ++*depth;
    Coroutine *self = coroutine_self();

    if (mine < 50) {
        coroutine_start(nested, depth);
    }
    g_assert_true(coroutine_self() == self);
    g_assert_cmpint(--*depth, ==, mine - 1);
}

static void test_nesting(void)
{
    int depth = 0;

    coroutine_start(nested, &depth);
    g_assert_cmpint(depth, ==, 0);
    g_assert_cmpuint(coroutine_count(), ==, 0);
}

/* One coroutine resumed by different callers returns to the right one. */
static void enter_it(void *opaque)
{
    coroutine_enter(opaque);
    g_string_append(trace, "back ");
}

static void test_other_caller(void)
{
    Coroutine *co = coroutine_create(yields_twice, (void *)"x");

    trace = g_string_new(NULL);
    coroutine_enter(co);
    coroutine_start(enter_it, co);
    coroutine_enter(co);
    g_assert_cmpstr(trace->str, ==, "x1x2back x3");
    g_string_free(trace, true);
}

static void rounds_up(void *opaque)
{
    volatile double one = 1, three = 3, *result = opaque;

    fesetround(FE_UPWARD);
    result[0] = one / three;
    co_yield ();
    g_assert_cmpint(fegetround(), ==, FE_UPWARD);
    result[1] = one / three;
}

static void test_rounding_mode(void)
{
    volatile double one = 1, three = 3;
    double result[2], nearest;
    Coroutine *co = coroutine_create(rounds_up, result);

    coroutine_enter(co);
    g_assert_cmpint(fegetround(), ==, FE_TONEAREST);
    nearest = one / three;
    g_assert_true(nearest < result[0]);
    fesetround(FE_DOWNWARD);
    coroutine_enter(co);
    g_assert_cmpint(fegetround(), ==, FE_DOWNWARD);
    fesetround(FE_TONEAREST);
    g_assert_true(result[0] == result[1]);
}

/* Many live values, so that callee-saved registers carry some. */
static uint64_t mix(uint64_t seed, bool yields)
{
    uint64_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11,
             f = seed * 13, g = seed * 17;
    double x = seed * 0.5, y = seed * 0.25;

    for (int i = 0; i < 100; i++) {
        a += b ^ i;
        b += c << 1;
        c += d ^ a;
        d += e >> 1;
        e += f + b;
        f += g ^ c;
        g += a;
        x = x * 0.5 + (a & 0xff);
        y = y * 0.75 + (g & 0xff);
        if (yields) {
            co_yield ();
        }
    }
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ (uint64_t)x ^ (uint64_t)y;
}

static void mix_entry(void *opaque)
{
    uint64_t *value = opaque;

    *value = mix(*value, true);
}

static void test_registers(void)
{
    uint64_t values[16];
    Coroutine *co[16];

    for (int i = 0; i < 16; i++) {
        values[i] = i + 1;
        co[i] = coroutine_create(mix_entry, &values[i]);
    }
    for (int round = 0; round < 101; round++) {
        for (int i = 0; i < 16; i++) {
            coroutine_enter(co[(i * 5 + round) % 16]);
        }
    }
    for (int i = 0; i < 16; i++) {
        g_assert_cmpuint(values[i], ==, mix(i + 1, false));
    }
}

static void aligned_entry(void *opaque)
{
    char buf[64] __attribute__((aligned(16)));

    g_assert_cmpuint((uintptr_t)buf % 16, ==, 0);
    /* Variadic functions save vector registers with aligned moves. */
    g_snprintf(buf, sizeof(buf), "%f %s", 1.5, "x");
    g_assert_cmpstr(buf, ==, "1.500000 x");
}

static void test_stack_alignment(void)
{
    coroutine_start(aligned_entry, NULL);
}

static void wake_then_yield(void *opaque)
{
    int *steps = opaque;

    coroutine_wake(coroutine_self());
    ++*steps;
    co_yield ();
    ++*steps;
}

static void test_wake_before_yield(void)
{
    int steps = 0;

    coroutine_start(wake_then_yield, &steps);
    g_assert_cmpint(steps, ==, 1);
    loop_run();
    g_assert_cmpint(steps, ==, 2);
}

static void test_wake_new(void)
{
    int depth = 49;

    coroutine_wake(coroutine_create(nested, &depth));
    g_assert_cmpuint(coroutine_count(), ==, 1);
    loop_run();
    g_assert_cmpuint(coroutine_count(), ==, 0);
}

static void test_double_wake(void)
{
    if (g_test_subprocess()) {
        Coroutine *co = coroutine_create(yields_twice, (void *)"a");

        coroutine_wake(co);
        coroutine_wake(co);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

static void reschedules(void *opaque)
{
    for (int i = 0; i < 3; i++) {
        g_string_append(trace, opaque);
        co_reschedule();
    }
}

static void test_reschedule(void)
{
    trace = g_string_new(NULL);
    coroutine_start(reschedules, (void *)"a");
    coroutine_start(reschedules, (void *)"b");
    loop_run();
    g_assert_cmpstr(trace->str, ==, "ababab");
    g_string_free(trace, true);
}

static void yields_once(void *opaque)
{
    co_yield ();
}

static void test_pool_bounded(void)
{
    Coroutine *co[STACK_POOL_MAX * 2];

    for (int i = 0; i < ARRAY_SIZE(co); i++) {
        co[i] = coroutine_create(yields_once, NULL);
        coroutine_enter(co[i]);
    }
    g_assert_cmpuint(coroutine_count(), ==, ARRAY_SIZE(co));
    g_assert_cmpuint(stack_pool_count(), ==, 0);
    for (int i = 0; i < ARRAY_SIZE(co); i++) {
        coroutine_enter(co[i]);
    }
    g_assert_cmpuint(coroutine_count(), ==, 0);
    g_assert_cmpuint(stack_pool_count(), ==, STACK_POOL_MAX);
    co[0] = coroutine_create(yields_once, NULL);
    g_assert_cmpuint(stack_pool_count(), ==, STACK_POOL_MAX - 1);
    coroutine_enter(co[0]);
    coroutine_enter(co[0]);
    coroutine_pool_drain();
    g_assert_cmpuint(stack_pool_count(), ==, 0);
}

static void uses_most(void *opaque)
{
    volatile char memory[COROUTINE_STACK_BYTES - 8 * KiB];

    memory[0] = 1;
    memory[sizeof(memory) - 1] = 1;
    co_yield ();
    g_assert_cmpint(memory[0], ==, 1);
}

static void test_stack_size(void)
{
    Coroutine *co = coroutine_create(uses_most, NULL);

    coroutine_enter(co);
    coroutine_enter(co);
}

static int overflow(volatile char *above, unsigned depth)
{
    volatile char here[4096];

    here[0] = above ? above[0] : 1;
    return depth ? overflow(here, depth - 1) + here[0] : 0;
}

static void overflow_entry(void *opaque)
{
    overflow(NULL, 2 * COROUTINE_STACK_BYTES / 4096);
}

static void test_guard_page(void)
{
    if (g_test_subprocess()) {
        /* The neighbour below must not be overwritten instead. */
        coroutine_create(yields_once, NULL);
        coroutine_start(overflow_entry, NULL);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    coroutine_set_scheduler(&loop);
    g_test_add_func("/coroutine/switch", test_switch);
    g_test_add_func("/coroutine/nesting", test_nesting);
    g_test_add_func("/coroutine/other-caller", test_other_caller);
    g_test_add_func("/coroutine/rounding-mode", test_rounding_mode);
    g_test_add_func("/coroutine/registers", test_registers);
    g_test_add_func("/coroutine/stack-alignment", test_stack_alignment);
    g_test_add_func("/coroutine/wake-before-yield", test_wake_before_yield);
    g_test_add_func("/coroutine/wake-new", test_wake_new);
    g_test_add_func("/coroutine/double-wake", test_double_wake);
    g_test_add_func("/coroutine/reschedule", test_reschedule);
    g_test_add_func("/coroutine/pool-bounded", test_pool_bounded);
    g_test_add_func("/coroutine/stack-size", test_stack_size);
    g_test_add_func("/coroutine/guard-page", test_guard_page);
    return g_test_run();
}
