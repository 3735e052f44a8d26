/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block status through filters, formats and chains of backing images. */
#include "ram-node.h"

#include "block/graph/root.h"
#include "block/io/io.h"

#define K 1024

/* A format whose status a test writes down: one answer per KiB. */
typedef struct MapState {
    unsigned flags[8];
} MapState;

static int co_map_status(Node *node, bool want_zero, uint64_t offset,
                         uint64_t bytes, BlockStatus *status)
{
    MapState *s = node->state;
    Edge *file = node_child(node, "file");
    unsigned i = offset / K;

    status->flags = s->flags[i];
    status->bytes = MIN(bytes, (i + 1) * K - offset);
    if (file && (s->flags[i] & STATUS_OFFSET)) {
        status->map = offset;
        status->file = file->child;
    }
    return 0;
}

static const NodeDriver map_driver = {
    .name = "map",
    .state_bytes = sizeof(MapState),
    .is_format = true,
    .supports_backing = true,
    .co_block_status = co_map_status,
};

static Node *map_node(const char *name, unsigned kib, Node *backing)
{
    Node *node = node_new(&map_driver, name, NULL);

    node->size_bytes = kib * K;
    if (backing) {
        g_assert_nonnull(edge_attach(node, backing, "backing", EDGE_COW, NULL));
    }
    return node;
}

static MapState *map_state(Node *node)
{
    return node->state;
}

static void above(Node *node, Node *base, uint64_t offset, unsigned flags,
                  uint64_t bytes, unsigned depth)
{
    BlockStatus st;
    unsigned got;

    g_assert_cmpint(
        co_node_block_status_above(node, base, true, offset, 8 * K, &st, &got),
        ==, 0);
    g_assert_cmpuint(st.flags & (STATUS_DATA | STATUS_ZERO | STATUS_ALLOCATED),
                     ==, flags);
    g_assert_cmpuint(st.bytes, ==, bytes);
    g_assert_cmpuint(got, ==, depth);
}

/*
 *   top   D.Z.....        D data, Z zero, . not there
 *   mid   .D.D....  (under a filter)
 *   base  .DDD            (shorter)
 */
static void chain(void)
{
    const unsigned data = STATUS_DATA | STATUS_ALLOCATED;
    const unsigned zero = STATUS_ZERO | STATUS_ALLOCATED;
    Node *base = map_node("base", 4, NULL);
    Node *mid = map_node("mid", 8, base);
    Node *filter = pass_node_new("filter", mid);
    Node *top = map_node("top", 8, filter);

    map_state(base)->flags[1] = STATUS_DATA;
    map_state(base)->flags[2] = STATUS_DATA;
    map_state(base)->flags[3] = STATUS_DATA;
    map_state(mid)->flags[1] = STATUS_DATA;
    map_state(mid)->flags[3] = STATUS_DATA;
    map_state(top)->flags[0] = STATUS_DATA;
    map_state(top)->flags[2] = STATUS_ZERO;

    above(top, NULL, 0, data, K, 1);
    above(top, NULL, K, data, K, 2);
    above(top, NULL, K + 100, data, K - 100, 2);
    above(top, NULL, 2 * K, zero, K, 1);
    above(mid, NULL, 2 * K, data, K, 2);
    above(mid, base, 2 * K, 0, K, 0);
    above(top, NULL, 4 * K, zero, K, 3); /* beyond the end of base */
    above(top, base, 4 * K, 0, K, 0);
    /* base has nothing there and nothing is behind it */
    above(base, NULL, 0, STATUS_ZERO, K, 0);

    co_node_unref(top);
    co_node_unref(filter);
    co_node_unref(mid);
    co_node_unref(base);
}

/* Data of a format that lies in a hole of its file is zero. */
static void recurse(void)
{
    Node *file = map_node("file", 2, NULL), *top = map_node("top", 8, NULL);
    const unsigned flags = STATUS_DATA | STATUS_OFFSET | STATUS_RECURSE;

    g_assert_nonnull(
        edge_attach(top, file, "file", EDGE_DATA | EDGE_PRIMARY, NULL));
    map_state(file)->flags[0] = STATUS_DATA;
    map_state(file)->flags[1] = STATUS_ZERO;
    map_state(top)->flags[0] = flags;
    map_state(top)->flags[1] = flags;
    map_state(top)->flags[2] = flags;
    above(top, NULL, 0, STATUS_DATA | STATUS_ALLOCATED, K, 1);
    above(top, NULL, K, STATUS_DATA | STATUS_ZERO | STATUS_ALLOCATED, K, 1);
    /* beyond the end of the file */
    above(top, NULL, 2 * K, STATUS_DATA | STATUS_ZERO | STATUS_ALLOCATED, K, 1);
    co_node_unref(top);
    co_node_unref(file);
}

/* A filter shows its child's status; past the child's end it is zeroes. */
static void filter(void)
{
    Node *a = ram_node_new("a", 4096, 512), *f = pass_node_new("f", a);
    Root *r = root_new("root", NULL, NULL);
    BlockStatus st;

    g_assert_true(root_attach(r, f, PERM_CONSISTENT_READ, PERM_ALL, NULL));
    g_assert_cmpint(co_root_block_status(r, 0, 8192, &st), ==, 0);
    g_assert_cmpuint(st.flags, ==, STATUS_DATA | STATUS_ALLOCATED | STATUS_EOF);
    g_assert_cmpuint(st.bytes, ==, 4096);
    f->size_bytes = 8192;
    g_assert_cmpint(co_root_block_status(r, 4096, 8192, &st), ==, 0);
    g_assert_true(st.flags & STATUS_ZERO);
    g_assert_cmpuint(st.bytes, ==, 4096);
    co_root_detach(r);
    root_free(r);
    co_node_unref(f);
    co_node_unref(a);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/status/chain", chain, run);
    g_test_add_data_func("/status/recurse", recurse, run);
    g_test_add_data_func("/status/filter", filter, run);
    return g_test_run();
}
