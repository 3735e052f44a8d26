/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user of a node that a test opened: see disk-user.h. */
#include "disk-user.h"

#include <glib.h>

#include "block/io/io.h"

Root *disk_attach(Node *node, Perms perm)
{
    Root *root = root_new("root", NULL, NULL);

    g_assert_true(root_attach(root, node, perm, PERM_ALL, NULL));
    return root;
}

void co_disk_done(Root *root, Node *node)
{
    co_root_detach(root);
    root_free(root);
    co_node_unref(node);
}

void co_disk_check(Root *r, uint64_t offset, size_t bytes, int byte)
{
    g_autofree uint8_t *buf = g_malloc(bytes);

    memset(buf, ~byte, bytes);
    g_assert_cmpint(co_root_pread(r, offset, bytes, buf), ==, 0);
    for (size_t i = 0; i < bytes; i++) {
        g_assert_cmpuint(buf[i], ==, byte);
    }
}

void co_disk_fill(Root *r, uint64_t offset, size_t bytes, int byte)
{
    g_autofree uint8_t *buf = g_malloc(bytes);

    memset(buf, byte, bytes);
    g_assert_cmpint(co_root_pwrite(r, offset, bytes, buf, 0), ==, 0);
}
