/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of extents of one block status chunk; grows by doubling up to its
 * bound. Invariants: see extents.h.
 */
#include "nbd/extents.h"

#define FIRST_CAPACITY 16u

void nbd_extents_init(NbdExtents *e, unsigned max_extents, uint64_t bytes)
{
    assert(max_extents > 0);
    *e = (NbdExtents){.max_extents = max_extents, .left_bytes = bytes};
}

void nbd_extents_free(NbdExtents *e)
{
    g_free(e->v);
    e->v = NULL;
}

static void extents_push(NbdExtents *e, uint64_t bytes, uint32_t flags)
{
    if (e->n == e->capacity) {
        e->capacity = MAX(FIRST_CAPACITY, 2 * e->capacity);
        e->v = g_renew(NbdRun, e->v, e->capacity);
    }
    assert(e->v);
    e->v[e->n++] = (NbdRun){bytes, flags};
}

bool nbd_extents_add(NbdExtents *e, uint64_t bytes, uint32_t flags)
{
    NbdRun *last = e->n ? &e->v[e->n - 1] : NULL;

    assert(bytes > 0);
    bytes = MIN(bytes, e->left_bytes);
    if (!bytes) {
        return false;
    }
    if (last && last->flags == flags) {
        last->bytes += bytes;
    } else if (e->n == e->max_extents) {
        return false;
    } else {
        extents_push(e, bytes, flags);
    }
    e->left_bytes -= bytes;
    return e->left_bytes > 0;
}

void nbd_extents_encode(const NbdExtents *e, bool extended, GByteArray *out)
{
    for (unsigned i = 0; i < e->n; i++) {
        const NbdRun *run = &e->v[i];

        if (extended) {
            NbdExtExtent wire = {be64(run->bytes), be64(run->flags)};

            g_byte_array_append(out, (const void *)&wire, sizeof(wire));
        } else {
            NbdExtent wire = {be32(run->bytes), be32(run->flags)};

            assert(run->bytes <= UINT32_MAX);
            g_byte_array_append(out, (const void *)&wire, sizeof(wire));
        }
    }
}
