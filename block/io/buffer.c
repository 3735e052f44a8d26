/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for requests: padding, bounce buffers for direct I/O, data that goes
 * from node to node. Each thread keeps what it freed, by powers of two, since
 * a stream of requests asks for the same sizes again and again, and the pages
 * of what is given back to the kernel cost more than the request.
 *
 * Invariants:
 * 1. A thread keeps at most POOL_BYTES, all of them in buffers of SMALLEST to
 *    LARGEST bytes that are aligned to SMALLEST.
 * 2. A kept buffer's first word is the next one of its size.
 */
#include "block/io/io.h"

#include <malloc.h>
#include <stdlib.h>

#define SMALLEST ((size_t)4096)
#define LARGEST ((size_t)1 << 20)
#define N_SIZES 9
#define POOL_BYTES ((size_t)16 << 20)

G_STATIC_ASSERT(SMALLEST << (N_SIZES - 1) == LARGEST);

/* Reused memory would hide errors from them. */
#if defined(__SANITIZE_ADDRESS__)
#define POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define POOLED 0
#endif
#endif
#ifndef POOLED
#define POOLED 1
#endif

typedef struct Kept {
    struct Kept *next;
} Kept;

typedef struct Pool {
    Kept *first[N_SIZES];
    size_t bytes;
} Pool;

/* At the end of a thread. */
static void pool_free(void *opaque)
{
    Pool *pool = opaque;

    for (unsigned i = 0; i < N_SIZES; i++) {
        while (pool->first[i]) {
            Kept *kept = pool->first[i];

            pool->first[i] = kept->next;
            free(kept);
        }
    }
    g_free(pool);
}

static Pool *my_pool(void)
{
    static GPrivate key = G_PRIVATE_INIT(pool_free);
    Pool *pool = g_private_get(&key);

    if (!pool) {
        pool = g_new0(Pool, 1);
        g_private_set(&key, pool);
    }
    return pool;
}

/* The smallest size that holds @bytes, which is at most LARGEST. */
static unsigned size_above(size_t bytes)
{
    unsigned i = 0;

    while (SMALLEST << i < bytes) {
        i++;
    }
    return i;
}

void *io_buffer_alloc(const Node *node, size_t bytes)
{
    return io_buffer_alloc_aligned(node->limits.memory_align, bytes);
}

void *io_buffer_alloc_aligned(size_t align, size_t bytes)
{
    Pool *pool = my_pool();
    unsigned size;
    void *buf;

    align = MAX(align, SMALLEST);
    if (!POOLED || align != SMALLEST || bytes > LARGEST) {
        bytes = ROUND_UP(MAX(bytes, 1), align);
        return posix_memalign(&buf, align, bytes) == 0 ? buf : NULL;
    }
    size = size_above(bytes);
    if (pool->first[size]) {
        Kept *kept = pool->first[size];

        pool->first[size] = kept->next;
        pool->bytes -= SMALLEST << size;
        return kept;
    }
    return posix_memalign(&buf, align, SMALLEST << size) == 0 ? buf : NULL;
}

void io_buffer_free(void *buf)
{
    /* At least what was asked for, and less than twice that. */
    size_t usable = malloc_usable_size(buf);
    Pool *pool = my_pool();
    Kept *kept = buf;
    unsigned size;

    if (!POOLED || usable < SMALLEST || usable >= 2 * LARGEST) {
        free(buf);
        return;
    }
    size = size_above(usable / 2 + 1);
    if (pool->bytes + (SMALLEST << size) > POOL_BYTES) {
        free(buf);
        return;
    }
    kept->next = pool->first[size];
    pool->first[size] = kept;
    pool->bytes += SMALLEST << size;
}
