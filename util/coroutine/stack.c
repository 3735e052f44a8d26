/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps, pools and unmaps coroutine stacks. The pool is a list threaded
 * through the top word of each unused stack (the top is what the next user
 * touches first, so its page stays warm). THREAD: all of it.
 */
#include "util/coroutine/stack.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

/* At the top of each mapping, for as long as it is mapped. */
typedef struct StackTail {
    void *next; /* in the pool */
    unsigned valgrind_id;
} StackTail;

#define TAIL_BYTES ROUND_UP(sizeof(StackTail), 64)

static __thread void *pool;
static __thread unsigned pool_count;

static StackTail *stack_tail(void *stack, size_t bytes)
{
    return (StackTail *)((char *)stack + bytes);
}

/* The tail makes a mapping one page larger than the stack. */
static size_t mapping_bytes(size_t bytes, size_t page)
{
    return page + bytes + ROUND_UP(TAIL_BYTES, page);
}

static void *stack_map(size_t bytes)
{
    size_t page = sysconf(_SC_PAGESIZE);
    char *base =
        mmap(NULL, mapping_bytes(bytes, page), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    char *stack;

    if (base == MAP_FAILED || mprotect(base, page, PROT_NONE)) {
        g_error("out of memory for a coroutine stack: %s", strerror(errno));
    }
    stack = base + page;
    stack_tail(stack, bytes)->valgrind_id =
        VALGRIND_STACK_REGISTER(stack, stack + bytes);
    return stack;
}

static void stack_unmap(void *stack, size_t bytes)
{
    size_t page = sysconf(_SC_PAGESIZE);

    VALGRIND_STACK_DEREGISTER(stack_tail(stack, bytes)->valgrind_id);
    if (munmap((char *)stack - page, mapping_bytes(bytes, page))) {
        abort();
    }
}

void *stack_get(size_t bytes)
{
    void *stack = pool;

    if (!stack) {
        return stack_map(bytes);
    }
    pool = stack_tail(stack, bytes)->next;
    pool_count--;
    return stack;
}

void stack_put(void *stack, size_t bytes)
{
    if (pool_count >= STACK_POOL_MAX) {
        stack_unmap(stack, bytes);
        return;
    }
    stack_tail(stack, bytes)->next = pool;
    pool = stack;
    pool_count++;
}

void stack_pool_drain(size_t bytes)
{
    while (pool) {
        stack_unmap(stack_get(bytes), bytes);
    }
}

unsigned stack_pool_count(void)
{
    return pool_count;
}
