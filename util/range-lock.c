/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Range locks: held and waiting locks together in one treap, ordered by
 * (start, arrival), each node knowing the largest end below it.
 *
 * Invariants:
 * 1. A lock is in the tree from the call that asks for it to its unlock.
 * 2. A waiting lock sits in the queue of one earlier lock in its way; so
 *    waiting always points back in time and cannot be circular.
 * 3. The heap order of the treap is that of a hash of @arrival, which makes
 *    its depth logarithmic whatever the ranges are.
 * 4. Where several reactors share the locks, all of this is under @short_lock;
 *    who waits lets go of it before it yields. A wake that comes in between is
 *    served after the yield.
 */
#include "util/range-lock.h"

#include "util/short-lock.h"
#include "util/sim.h"

struct RangeLocks {
    /* CONST */
    bool shared;
    /* SHORT, if shared; else HOME */
    RangeLock *root;
    uint64_t arrivals;
    ShortLock short_lock;
};

static void enter(RangeLocks *locks)
{
    if (locks->shared) {
        short_lock(&locks->short_lock);
    }
}

static void leave(RangeLocks *locks)
{
    if (locks->shared) {
        short_unlock(&locks->short_lock);
    }
}

/* Waits for @obstacle to move; entered before and after. */
COROUTINE_ONLY
static void co_wait_for(RangeLocks *locks, RangeLock *obstacle)
{
    CoWaiter waiter = {.co = coroutine_self()};

    list_append(&obstacle->waiters.waiters, &waiter.link);
    leave(locks);
    co_yield ();
    enter(locks);
}

/* What to look for: locks in [start, end) that came before @arrival. */
typedef struct RangeQuery {
    uint64_t start, end;
    uint64_t arrival;
    RangeMode mode;
    bool held_only;
} RangeQuery;

/* A well mixing bijection of 64-bit numbers. */
static uint64_t priority(const RangeLock *lock)
{
    uint64_t x = lock->arrival * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

static bool before(const RangeLock *a, const RangeLock *b)
{
    return a->start != b->start ? a->start < b->start : a->arrival < b->arrival;
}

static RangeLock *update(RangeLock *node)
{
    node->max_end = node->end;
    if (node->left) {
        node->max_end = MAX(node->max_end, node->left->max_end);
    }
    if (node->right) {
        node->max_end = MAX(node->max_end, node->right->max_end);
    }
    return node;
}

/* Splits @root into what lies before @key and the rest. */
static void tree_split(RangeLock *root, const RangeLock *key, RangeLock **low,
                       RangeLock **high)
{
    if (!root) {
        *low = *high = NULL;
    } else if (before(root, key)) {
        tree_split(root->right, key, &root->right, high);
        *low = update(root);
    } else {
        tree_split(root->left, key, low, &root->left);
        *high = update(root);
    }
}

/* Joins two trees; all of @low lies before all of @high. */
static RangeLock *tree_join(RangeLock *low, RangeLock *high)
{
    if (!low || !high) {
        return low ? low : high;
    }
    if (priority(low) > priority(high)) {
        low->right = tree_join(low->right, high);
        return update(low);
    }
    high->left = tree_join(low, high->left);
    return update(high);
}

static void tree_insert(RangeLocks *locks, RangeLock *lock)
{
    RangeLock *low, *high;

    lock->left = lock->right = NULL;
    update(lock);
    tree_split(locks->root, lock, &low, &high);
    locks->root = tree_join(tree_join(low, lock), high);
}

static RangeLock *tree_remove(RangeLock *root, RangeLock *lock)
{
    assert(root);
    if (root == lock) {
        return tree_join(lock->left, lock->right);
    }
    if (before(lock, root)) {
        root->left = tree_remove(root->left, lock);
    } else {
        root->right = tree_remove(root->right, lock);
    }
    return update(root);
}

/* After the end of @lock moved: repairs max_end from it up to @root. */
static void tree_refresh(RangeLock *root, RangeLock *lock)
{
    if (root != lock) {
        tree_refresh(before(lock, root) ? root->left : root->right, lock);
    }
    update(root);
}

static bool in_the_way(const RangeLock *lock, const RangeQuery *q)
{
    return lock->start < q->end && lock->end > q->start &&
           lock->arrival < q->arrival &&
           (lock->mode == RANGE_EXCLUSIVE || q->mode == RANGE_EXCLUSIVE) &&
           (lock->held || !q->held_only);
}

static RangeLock *tree_find(RangeLock *root, const RangeQuery *q)
{
    RangeLock *found;

    if (!root || root->max_end <= q->start) {
        return NULL;
    }
    if (in_the_way(root, q)) {
        return root;
    }
    found = tree_find(root->left, q);
    if (!found && root->start < q->end) {
        found = tree_find(root->right, q);
    }
    return found;
}

static RangeLock *find_obstacle(RangeLocks *locks, const RangeLock *lock)
{
    RangeQuery q = {
        .start = lock->start,
        .end = lock->end,
        .arrival = lock->arrival,
        .mode = lock->mode,
    };

    return tree_find(locks->root, &q);
}

static void lock_init(RangeLocks *locks, RangeLock *lock, uint64_t offset_bytes,
                      uint64_t bytes, RangeMode mode)
{
    assert(bytes > 0 && bytes <= UINT64_MAX - offset_bytes);
    *lock = (RangeLock){
        .start = offset_bytes,
        .end = offset_bytes + bytes,
        .mode = mode,
        .arrival = locks->arrivals++,
    };
    coqueue_init(&lock->waiters);
}

RangeLocks *range_locks_new(bool shared)
{
    RangeLocks *locks = g_new0(RangeLocks, 1);

    locks->shared = shared;
    short_lock_init(&locks->short_lock);
    return locks;
}

void range_locks_free(RangeLocks *locks)
{
    if (locks) {
        assert(range_locks_idle(locks));
        short_lock_destroy(&locks->short_lock);
        g_free(locks);
    }
}

void co_range_lock(RangeLocks *locks, RangeLock *lock, uint64_t offset_bytes,
                   uint64_t bytes, RangeMode mode)
{
    RangeLock *obstacle;

    if (CHANCE("lock-late")) {
        co_reschedule();
    }
    enter(locks);
    lock_init(locks, lock, offset_bytes, bytes, mode);
    tree_insert(locks, lock);
    while ((obstacle = find_obstacle(locks, lock))) {
        co_wait_for(locks, obstacle);
    }
    lock->held = true;
    leave(locks);
}

bool range_trylock(RangeLocks *locks, RangeLock *lock, uint64_t offset_bytes,
                   uint64_t bytes, RangeMode mode)
{
    enter(locks);
    lock_init(locks, lock, offset_bytes, bytes, mode);
    if (!find_obstacle(locks, lock)) {
        tree_insert(locks, lock);
        lock->held = true;
    }
    leave(locks);
    return lock->held;
}

void range_lock_shrink(RangeLocks *locks, RangeLock *lock, uint64_t bytes)
{
    assert(lock->held && bytes > 0 && bytes <= lock->end - lock->start);
    enter(locks);
    lock->end = lock->start + bytes;
    tree_refresh(locks->root, lock);
    /* Who still overlaps finds this lock again and waits again. */
    coqueue_wake_all(&lock->waiters);
    leave(locks);
}

void range_unlock(RangeLocks *locks, RangeLock *lock)
{
    assert(lock->held);
    enter(locks);
    locks->root = tree_remove(locks->root, lock);
    lock->held = false;
    coqueue_wake_all(&lock->waiters);
    leave(locks);
}

void co_range_wait_free(RangeLocks *locks, uint64_t offset_bytes,
                        uint64_t bytes)
{
    RangeQuery q = {
        .start = offset_bytes,
        .end = offset_bytes + bytes,
        .arrival = UINT64_MAX,
        .mode = RANGE_EXCLUSIVE,
        .held_only = true,
    };
    RangeLock *obstacle;

    assert(bytes > 0 && bytes <= UINT64_MAX - offset_bytes);
    enter(locks);
    while ((obstacle = tree_find(locks->root, &q))) {
        co_wait_for(locks, obstacle);
    }
    leave(locks);
}

bool range_locks_idle(const RangeLocks *locks)
{
    return !locks->root;
}
