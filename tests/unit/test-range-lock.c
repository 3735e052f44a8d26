/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Range locks: the simple cases by name, then many coroutines with random
 * ranges, watched by a model that knows nothing of trees.
 */
#include "util/range-lock.h"
#include "util/reactor/reactor.h"

static RangeLocks *locks;
static GString *trace;

typedef void Body(void);

static void body_entry(void *opaque)
{
    Body *body = (Body *)opaque;

    body();
}

static void run(gconstpointer data)
{
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    g_assert_nonnull(r);
    locks = range_locks_new(false);
    trace = g_string_new(NULL);
    reactor_run_coroutine(body_entry, (void *)data);
    g_assert_true(range_locks_idle(locks));
    g_assert_cmpuint(coroutine_count(), ==, 0);
    range_locks_free(locks);
    g_string_free(trace, true);
    reactor_free(r);
}

static void co_settle(void)
{
    for (int i = 0; i < 20; i++) {
        co_reschedule();
    }
}

typedef struct Want {
    const char *name;
    uint64_t start, bytes;
    RangeMode mode;
} Want;

static void takes(void *opaque)
{
    Want *want = opaque;
    RangeLock lock;

    co_range_lock(locks, &lock, want->start, want->bytes, want->mode);
    g_string_append(trace, want->name);
    co_reschedule();
    range_unlock(locks, &lock);
}

static void body_modes(void)
{
    RangeLock a, b, c;

    co_range_lock(locks, &a, 0, 10, RANGE_SHARED);
    g_assert_true(range_trylock(locks, &b, 5, 10, RANGE_SHARED));
    g_assert_false(range_trylock(locks, &c, 9, 1, RANGE_EXCLUSIVE));
    g_assert_true(range_trylock(locks, &c, 15, 1, RANGE_EXCLUSIVE));
    g_assert_false(range_locks_idle(locks));
    range_unlock(locks, &a);
    range_unlock(locks, &b);
    range_unlock(locks, &c);
}

static void body_order(void)
{
    Want want[] = {
        {"x", 0, 10, RANGE_EXCLUSIVE},  {"y", 5, 10, RANGE_EXCLUSIVE},
        {"z", 12, 8, RANGE_EXCLUSIVE},  {"s", 0, 5, RANGE_SHARED},
        {"f", 100, 5, RANGE_EXCLUSIVE},
    };
    RangeLock first;

    co_range_lock(locks, &first, 0, 10, RANGE_SHARED);
    for (int i = 0; i < ARRAY_SIZE(want); i++) {
        coroutine_start(takes, &want[i]);
    }
    /* z waits for y which waits for x: no overtaking. s could share with the
     * first, but x came before it. f is free. */
    co_settle();
    g_assert_cmpstr(trace->str, ==, "f");
    range_unlock(locks, &first);
    co_settle();
    g_assert_cmpuint(trace->len, ==, 5);
    g_assert_true(strchr(trace->str, 'x') < strchr(trace->str, 'y'));
    g_assert_true(strchr(trace->str, 'x') < strchr(trace->str, 's'));
    g_assert_true(strchr(trace->str, 'y') < strchr(trace->str, 'z'));
}

static void body_shrink(void)
{
    Want want[] = {{"t", 60, 40, RANGE_EXCLUSIVE},
                   {"h", 0, 10, RANGE_EXCLUSIVE}};
    RangeLock lock, other;

    co_range_lock(locks, &lock, 0, 100, RANGE_EXCLUSIVE);
    coroutine_start(takes, &want[0]);
    coroutine_start(takes, &want[1]);
    range_lock_shrink(locks, &lock, 61);
    co_settle();
    g_assert_cmpstr(trace->str, ==, "");
    range_lock_shrink(locks, &lock, 60);
    co_settle();
    g_assert_cmpstr(trace->str, ==, "t");
    g_assert_true(range_trylock(locks, &other, 60, 1, RANGE_EXCLUSIVE));
    range_unlock(locks, &other);
    range_unlock(locks, &lock);
    co_settle();
    g_assert_cmpstr(trace->str, ==, "th");
}

static void waits_free(void *opaque)
{
    co_range_wait_free(locks, 10, 10);
    g_string_append(trace, "free");
}

static void body_wait_free(void)
{
    RangeLock a, b;

    co_range_wait_free(locks, 0, 100);
    co_range_lock(locks, &a, 0, 11, RANGE_SHARED);
    co_range_lock(locks, &b, 19, 5, RANGE_EXCLUSIVE);
    coroutine_start(waits_free, NULL);
    range_unlock(locks, &a);
    co_settle();
    g_assert_cmpstr(trace->str, ==, "");
    range_unlock(locks, &b);
    co_settle();
    g_assert_cmpstr(trace->str, ==, "free");
}

/* --- random model check --------------------------------------------------- */

#define SPACE 64
#define USERS 40
#define ROUNDS 300

/* What the model knows of one user's present request. */
typedef struct User {
    uint64_t start, end, arrival;
    RangeMode mode;
    enum { IDLE, WAITING, HOLDING } state;
} User;

static User users[USERS];
static uint64_t arrivals;
static CoCount running;
static GRand *rnd;

static bool conflict(const User *a, const User *b)
{
    return a->start < b->end && b->start < a->end &&
           (a->mode == RANGE_EXCLUSIVE || b->mode == RANGE_EXCLUSIVE);
}

/* @u just got its lock: nothing in conflict is held or came earlier. */
static void check_granted(const User *u)
{
    for (int i = 0; i < USERS; i++) {
        const User *o = &users[i];

        if (o != u && o->state != IDLE && conflict(o, u)) {
            g_assert_cmpint(o->state, ==, WAITING);
            g_assert_cmpuint(o->arrival, >, u->arrival);
        }
    }
}

/* After everything had its turn: who waits has a reason. */
static void check_waiters(void)
{
    for (int i = 0; i < USERS; i++) {
        bool reason = users[i].state != WAITING;

        for (int j = 0; j < USERS && !reason; j++) {
            reason = users[j].state != IDLE && conflict(&users[j], &users[i]) &&
                     users[j].arrival < users[i].arrival;
        }
        g_assert_true(reason);
    }
}

static void co_random_pause(void)
{
    for (int n = g_rand_int_range(rnd, 0, 5); n > 0; n--) {
        co_reschedule();
    }
}

static void one_request(User *u)
{
    RangeLock lock;
    uint64_t bytes = 1 + g_rand_int_range(rnd, 0, 16);

    u->start = g_rand_int_range(rnd, 0, SPACE);
    u->end = u->start + bytes;
    u->mode = g_rand_boolean(rnd) ? RANGE_SHARED : RANGE_EXCLUSIVE;
    u->arrival = arrivals++;
    u->state = WAITING;
    co_range_lock(locks, &lock, u->start, bytes, u->mode);
    check_granted(u);
    u->state = HOLDING;
    co_random_pause();
    if (bytes > 1 && g_rand_boolean(rnd)) {
        bytes = 1 + g_rand_int_range(rnd, 0, bytes - 1);
        range_lock_shrink(locks, &lock, bytes);
        u->end = u->start + bytes;
        co_random_pause();
    }
    u->state = IDLE;
    range_unlock(locks, &lock);
}

static void user_entry(void *opaque)
{
    for (int i = 0; i < ROUNDS; i++) {
        one_request(opaque);
        co_random_pause();
    }
    cocount_dec(&running);
}

static void body_random(void)
{
    rnd = g_rand_new_with_seed(20240611);
    cocount_init(&running);
    for (int i = 0; i < USERS; i++) {
        cocount_inc(&running);
        coroutine_start(user_entry, &users[i]);
        check_waiters();
    }
    co_count_wait_zero(&running);
    g_rand_free(rnd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/range-lock/modes", body_modes, run);
    g_test_add_data_func("/range-lock/order", body_order, run);
    g_test_add_data_func("/range-lock/shrink", body_shrink, run);
    g_test_add_data_func("/range-lock/wait-free", body_wait_free, run);
    g_test_add_data_func("/range-lock/random", body_random, run);
    return g_test_run();
}
