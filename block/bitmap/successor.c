/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Successors: while a job works off a bitmap, an anonymous one beside it
 * records what is written meanwhile.
 *
 *                  bitmap_create_successor
 *     [recording] -------------------------> [busy, frozen] + [successor]
 *          ^                                     |
 *          |   bitmap_abdicate (successor's bits replace the old ones)
 *          +---bitmap_reclaim  (successor's bits are added to them)
 *
 * Invariant: from the moment a successor exists until it is merged back, each
 * write is marked in it if it would have been marked in its parent.
 */
#include "block/bitmap/internal.h"

bool bitmap_create_successor(DirtyBitmap *bitmap, Error **errp)
{
    DirtyBitmap *successor;

    if (!bitmap_check(bitmap, BITMAP_CHECK_BUSY, errp)) {
        return false;
    }
    assert(!bitmap->successor);
    successor = bitmap_create(bitmap->node, bitmap_granularity_bytes(bitmap),
                              NULL, errp);
    if (!successor) {
        return false;
    }
    bitmap_lock(bitmap);
    successor->enabled = bitmap->enabled;
    bitmap->enabled = false;
    bitmap_unlock(bitmap);
    bitmap->successor = successor;
    bitmap->busy = true;
    return true;
}

/* Takes the successor away; recording goes on in @bitmap itself. */
static void end_succession(DirtyBitmap *bitmap, DirtyBitmap *successor)
{
    bitmap->enabled = successor->enabled;
    bitmap->successor = NULL;
    bitmap->busy = false;
}

void bitmap_abdicate(DirtyBitmap *bitmap)
{
    DirtyBitmap *successor = bitmap->successor;
    SparseBitmap *old = bitmap->bits;

    assert(successor);
    bitmap_lock(bitmap);
    bitmap->bits = successor->bits;
    successor->bits = old;
    /* It is the younger one that lives on, where names are listed. */
    list_remove(&bitmap->in_node);
    list_append(&successor->in_node, &bitmap->in_node);
    end_succession(bitmap, successor);
    bitmap_unlock(bitmap);
    bitmap_release(successor);
}

void bitmap_reclaim(DirtyBitmap *bitmap)
{
    DirtyBitmap *successor = bitmap->successor;

    assert(successor);
    bitmap_lock(bitmap);
    sparse_bitmap_or(bitmap->bits, successor->bits);
    end_succession(bitmap, successor);
    bitmap_unlock(bitmap);
    bitmap_release(successor);
}
