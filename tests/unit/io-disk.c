/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See io-disk.h. */
#include "io-disk.h"

Disk disk_new(uint32_t align)
{
    Disk d = {.node = ram_node_new("a", SIZE, align)};

    d.s = ram_state(d.node);
    d.root = root_new("root", NULL, NULL);
    g_assert_true(
        root_attach(d.root, d.node, RW | PERM_RESIZE, PERM_ALL, NULL));
    return d;
}

void disk_free(Disk *d)
{
    co_root_detach(d->root);
    root_free(d->root);
    co_node_unref(d->node);
}
