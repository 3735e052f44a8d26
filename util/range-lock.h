/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks on byte ranges for coroutines: requests in flight on a node, clusters
 * being copied. For those of one reactor, or of several at the cost of a short
 * lock.
 *
 * Invariants:
 * 1. Two held ranges overlap only if both are shared.
 * 2. Waiters of overlapping ranges are served in arrival order: a later
 *    request never overtakes an earlier overlapping one (no starvation).
 * 3. Non-overlapping ranges never wait for each other.
 * Cost: a tree look-up per lock; O(overlapping) for waits.
 */
#ifndef UTIL_RANGE_LOCK_H
#define UTIL_RANGE_LOCK_H

#include "util/coroutine/sync.h"

typedef struct RangeLocks RangeLocks;

typedef enum RangeMode { RANGE_SHARED, RANGE_EXCLUSIVE } RangeMode;

/* One lock, held or waiting. Memory of the caller (on its stack); the fields
 * belong to range-lock.c. */
typedef struct RangeLock {
    uint64_t start, end; /* bytes, end exclusive */
    RangeMode mode;
    bool held;
    uint64_t arrival; /* smaller came earlier */
    CoQueue waiters;  /* who found this lock in the way */
    struct RangeLock *left, *right;
    uint64_t max_end; /* of this lock and all below it in the tree */
} RangeLock;

/* @shared: for several reactors; else all calls come from one. */
RangeLocks *range_locks_new(bool shared);
/* Nothing may be held or waiting. */
void range_locks_free(RangeLocks *locks);

/* Waits until [@offset_bytes, +@bytes) is free for @mode, then holds it.
 * @bytes > 0. */
void co_range_lock(RangeLocks *locks, RangeLock *lock, uint64_t offset_bytes,
                   uint64_t bytes, RangeMode mode) COROUTINE_ONLY;
/* Takes it only if that needs no wait. */
bool range_trylock(RangeLocks *locks, RangeLock *lock, uint64_t offset_bytes,
                   uint64_t bytes, RangeMode mode);
/* Gives up the tail of a held range from @bytes on (0 < @bytes <= length)
 * and wakes who waited for it. */
void range_lock_shrink(RangeLocks *locks, RangeLock *lock, uint64_t bytes);
void range_unlock(RangeLocks *locks, RangeLock *lock);
/* Waits until nothing held overlaps the range (without taking it). */
void co_range_wait_free(RangeLocks *locks, uint64_t offset_bytes,
                        uint64_t bytes) COROUTINE_ONLY;
bool range_locks_idle(const RangeLocks *locks);

#endif
