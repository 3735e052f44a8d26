/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and writing the state of a machine: see root-vm-state.h. */
#include "block/file/root-vm-state.h"

#include "block/graph/format.h"
#include "block/graph/quiesce.h"

/* The image that keeps one, or NULL. */
static Node *keeper(Root *root)
{
    Node *node = root_node(root);

    while (node &&
           (!node->driver->format || !node->driver->format->co_vm_state_read)) {
        Edge *below = node_filtered_child(node);

        below = below ? below : node_child(node, "file");
        node = below ? below->child : NULL;
    }
    return node;
}

/* One of the two is given. */
COROUTINE_ONLY CONTROL_ONLY static int co_transfer(Root *root,
                                                   uint64_t offset_bytes,
                                                   uint64_t bytes, void *to,
                                                   const void *from)
{
    int ret = -ENOTSUP;
    Node *node;

    co_graph_lock();
    node = keeper(root);
    if (node) {
        const FormatOps *format = node->driver->format;
        Quiesce *section = co_quiesce_begin(&node, 1);

        ret = to ? format->co_vm_state_read(node, offset_bytes, bytes, to)
                 : format->co_vm_state_write(node, offset_bytes, bytes, from);
        quiesce_end(section);
    }
    graph_unlock();
    return ret;
}

int co_root_vm_state_read(Root *root, uint64_t offset_bytes, uint64_t bytes,
                          void *buf)
{
    return co_transfer(root, offset_bytes, bytes, buf, NULL);
}

int co_root_vm_state_write(Root *root, uint64_t offset_bytes, uint64_t bytes,
                           const void *buf)
{
    return co_transfer(root, offset_bytes, bytes, NULL, buf);
}
