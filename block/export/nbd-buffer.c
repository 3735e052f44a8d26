/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payload buffers that are used again: fresh memory from the system costs a
 * page fault for every 4 KiB, more than copying the data.
 *
 * Invariants: buffers are kept by power-of-two sizes; what is kept idle never
 * exceeds IDLE_MAX_BYTES a thread, and is given back when its last connection
 * ends. A thread's are its own.
 */
#include "block/export/nbd-buffer.h"
#include "block/io/io.h"

#define MIN_BITS 12u /* 4 KiB */
#define MAX_BITS 21u /* 2 MiB; larger ones are not kept */
#define IDLE_MAX_BYTES (16u << 20)

/* Lies in an idle buffer's own memory. */
typedef struct Idle {
    struct Idle *next;
} Idle;

static __thread Idle *idle[MAX_BITS + 1];
static __thread size_t idle_bytes;
static __thread unsigned connections;

static unsigned size_bits(size_t bytes)
{
    unsigned bits = MIN_BITS;

    while (bits <= MAX_BITS && (size_t)1 << bits < bytes) {
        bits++;
    }
    return bits;
}

void *nbd_buffer_alloc(uint32_t align, size_t bytes)
{
    unsigned bits = size_bits(bytes);
    Idle *found;

    if (bits > MAX_BITS) {
        return io_buffer_alloc_aligned(align, bytes);
    }
    found = idle[bits];
    /* Who wants a stricter alignment than a page takes a new one. */
    if (!found || align > 1u << MIN_BITS) {
        return io_buffer_alloc_aligned(align, (size_t)1 << bits);
    }
    idle[bits] = found->next;
    idle_bytes -= (size_t)1 << bits;
    return found;
}

void nbd_buffer_free(void *buf, size_t bytes)
{
    unsigned bits = size_bits(bytes);
    Idle *entry = buf;

    if (!buf || bits > MAX_BITS ||
        idle_bytes + ((size_t)1 << bits) > IDLE_MAX_BYTES) {
        io_buffer_free(buf);
        return;
    }
    entry->next = idle[bits];
    idle[bits] = entry;
    idle_bytes += (size_t)1 << bits;
}

static void drain(void)
{
    for (unsigned bits = MIN_BITS; bits <= MAX_BITS; bits++) {
        while (idle[bits]) {
            Idle *entry = idle[bits];

            idle[bits] = entry->next;
            io_buffer_free(entry);
        }
    }
    idle_bytes = 0;
}

void nbd_buffers_begin(void)
{
    connections++;
}

void nbd_buffers_end(void)
{
    assert(connections > 0);
    if (!--connections) {
        drain();
    }
}
