/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arenas: memory for many leaves at once, which is given back when the bitmap
 * is freed. Where it is long enough it is made of huge pages: with small ones
 * the kernel takes longer to find the memory than we to fill it.
 */
#include "util/sparse-bitmap-int.h"

#include <sys/mman.h>

#define HUGE_BYTES (2 * MiB)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

static char *map(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

/* @bytes that begin where a huge page can. */
static void *map_aligned(size_t bytes)
{
    char *at = map(bytes + HUGE_BYTES), *start;

    if (!at) {
        return NULL;
    }
    start = at + (HUGE_BYTES - (uintptr_t)at % HUGE_BYTES) % HUGE_BYTES;
    if (start > at) {
        munmap(at, start - at);
    }
    if (start < at + HUGE_BYTES) {
        munmap(start + bytes, at + HUGE_BYTES - start);
    }
    return start;
}

void sparse_arena_begin(SparseBitmap *b, size_t leaves)
{
    size_t bytes = ROUND_UP(sizeof(SparseArena) + leaves * sizeof(SparseLeaf),
                            sysconf(_SC_PAGESIZE));
    SparseArena *a =
        bytes < HUGE_BYTES ? (void *)map(bytes) : map_aligned(bytes);

    if (!a) {
        return;
    }
    if (bytes >= HUGE_BYTES) {
        madvise(a, bytes, MADV_HUGEPAGE);
    }
    /* All pages at once cost less than one by one when they are touched. */
    madvise(a, bytes, MADV_POPULATE_WRITE);
    a->next = b->arenas;
    a->used = 0;
    a->size = leaves;
    a->bytes = bytes;
    b->arenas = a;
}

SparseLeaf *sparse_arena_take(SparseBitmap *b)
{
    SparseArena *a = b->arenas;

    assert(a->used < a->size);
    b->memory += sizeof(SparseLeaf);
    return &a->leaves[a->used++];
}

void sparse_arenas_free(SparseBitmap *b)
{
    SparseArena *a;

    while ((a = b->arenas)) {
        b->arenas = a->next;
        munmap(a, a->bytes);
    }
}
