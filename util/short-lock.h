/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A short lock: protects memory that several reactors share. No yield and no
 * I/O while it is held; waking a coroutine is fine, which runs nobody.
 *
 * Invariant: nobody holds two of them, so their order does not matter.
 */
#ifndef UTIL_SHORT_LOCK_H
#define UTIL_SHORT_LOCK_H

#include <pthread.h>

typedef struct ShortLock {
    pthread_mutex_t mutex; /* one that thread checkers know */
} ShortLock;

#define SHORT_LOCK_INIT           \
    {                             \
        PTHREAD_MUTEX_INITIALIZER \
    }

static inline void short_lock_init(ShortLock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}

static inline void short_lock_destroy(ShortLock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void short_lock(ShortLock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

static inline void short_unlock(ShortLock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

#endif
