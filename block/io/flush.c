/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flushing a node: its driver, then its children.
 *
 * write_gen counts writes that have landed, flushed_gen is the write_gen of
 * the last flush that succeeded, read before that flush began. Invariants:
 * 1. flushed_gen <= write_gen; equal means that there is nothing to flush here;
 *    below there may be.
 * 2. One flush of a node at a time, from whatever reactor. One that waited for
 *    another often finds its work done.
 */
#include "block/io/io-int.h"
#include "util/sim.h"

static uint64_t write_gen(const Node *node)
{
    return __atomic_load_n(&node->write_gen, __ATOMIC_ACQUIRE);
}

static int co_flush_driver(Node *node)
{
    /* Without flushes a format still writes its caches to its file; only what
     * would make the storage itself wait is left out. */
    if (!node->driver->co_flush ||
        (node->cache_no_flush && !node->driver->is_format &&
         !node->driver->flushes_children)) {
        return 0;
    }
    return node->driver->co_flush(node);
}

/* The points of a flush belong to the node below. */
COROUTINE_ONLY
static void co_flush_event(Node *node, BlkdebugEvent event)
{
    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & EDGE_PRIMARY) {
            co_node_debug_event(edge->child, event);
            return;
        }
    }
}

/* Only what this node shows or keeps: not a backing image, which it never
 * writes, nor the target of a filter, which is flushed by who copies there. */
COROUTINE_ONLY
static int co_flush_children(Node *node)
{
    int result = 0;

    LIST_FOREACH(edge, &node->children, Edge, in_parent) {
        if (edge->role & (EDGE_DATA | EDGE_METADATA | EDGE_FILTERED)) {
            int ret = co_edge_flush(edge);

            result = result ? result : ret;
        }
    }
    return result;
}

static bool flushed(const Node *node, uint64_t gen)
{
    return __atomic_load_n(&node->flushed_gen, __ATOMIC_ACQUIRE) >= gen;
}

COROUTINE_ONLY
static void co_flush_begin(Node *node)
{
    short_lock(&node->flush_lock);
    while (node->flushing) {
        CoWaiter me = {.co = coroutine_self()};

        list_append(&node->flush_waiters.waiters, &me.link);
        short_unlock(&node->flush_lock);
        co_yield ();
        short_lock(&node->flush_lock);
    }
    node->flushing = true;
    short_unlock(&node->flush_lock);
}

static void flush_end(Node *node)
{
    short_lock(&node->flush_lock);
    node->flushing = false;
    coqueue_wake_one(&node->flush_waiters);
    short_unlock(&node->flush_lock);
}

COROUTINE_ONLY
static int co_flush_now(Node *node)
{
    uint64_t gen = write_gen(node);
    int ret;

    co_flush_event(node, BLKDBG_FLUSH_TO_DISK);
    ret = PLANTED("done-before-flush") ? 0 : co_flush_driver(node);
    if (ret == 0 && !node->driver->flushes_children) {
        ret = co_flush_children(node);
    }
    if (ret == 0) {
        __atomic_store_n(&node->flushed_gen, gen, __ATOMIC_RELEASE);
    }
    return ret;
}

int co_node_flush_at_home(Node *node)
{
    uint64_t gen = write_gen(node);
    bool again = node->driver->flushes_again || CHANCE("flush-again");
    int ret = 0;

    co_flush_event(node, BLKDBG_FLUSH_TO_OS);
    if (!flushed(node, gen) || again) {
        co_flush_begin(node);
        if (!flushed(node, gen) || again) {
            ret = co_flush_now(node);
        }
        flush_end(node);
    } else if (!PLANTED("filter-keeps-flush")) {
        /* A filter put in just now knows nothing of what was written before
         * it came. */
        ret = co_flush_children(node);
    }
    stat_add(ret < 0 ? &node->stats.failed_flushes : &node->stats.flushes, 1);
    return ret;
}
