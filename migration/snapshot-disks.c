/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which disks a snapshot of the machine is made of: see vm-snapshot.h. */
#include "block/backend/backend.h"
#include "block/graph/format.h"
#include "migration/vm-snapshot.h"

/* The image below @node that keeps snapshots, or NULL: not while another
 * process has it. */
static Node *image_of(Node *node)
{
    const FormatOps *format;

    node = node_skip_filters(node);
    format = node->driver->format;
    return format && format->co_snapshot_list && !node->inactive ? node : NULL;
}

/* It takes part: it is, or will be when it comes here, for writing. */
static bool is_writable(const Node *node)
{
    return node->inactive ? !node->inactive_read_only : !node->read_only;
}

static void add(GPtrArray *disks, Node *node, const char *device)
{
    SnapshotDisk *disk = g_new(SnapshotDisk, 1);

    *disk = (SnapshotDisk){node, image_of(node), device};
    g_ptr_array_add(disks, disk);
}

static bool has(const GPtrArray *disks, const Node *node)
{
    for (guint i = 0; i < disks->len; i++) {
        if (((SnapshotDisk *)disks->pdata[i])->top == node) {
            return true;
        }
    }
    return false;
}

/* Nobody uses it, or somebody who is no node: an export, say. */
static bool stands_on_top(const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->root) {
            return true;
        }
    }
    return list_empty(&node->parents);
}

CONTROL_ONLY
static void add_all(GPtrArray *disks)
{
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        if (backend_node(b) && is_writable(backend_node(b))) {
            add(disks, backend_node(b), backend_name(b));
        }
    }
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        if (node->monitor_owned && is_writable(node) && stands_on_top(node) &&
            !has(disks, node)) {
            add(disks, node, "");
        }
    }
}

CONTROL_ONLY
static bool add_named(GPtrArray *disks, const StrList *names, Error **errp)
{
    for (size_t i = 0; i < names->n; i++) {
        Node *node = node_find(names->v[i]);

        if (!node) {
            error_set(errp, "No block device node '%s'", names->v[i]);
            return false;
        }
        if (is_writable(node)) {
            Backend *b = backend_of_node(node);

            add(disks, node, b ? backend_name(b) : "");
        }
    }
    if (!names->n) {
        error_set(errp, "At least one device is required for snapshot");
    }
    return names->n;
}

GPtrArray *snapshot_disks(const StrList *names, Error **errp)
{
    GPtrArray *disks = g_ptr_array_new_with_free_func(g_free);

    if (!names) {
        add_all(disks);
    } else if (!add_named(disks, names, errp)) {
        g_ptr_array_unref(disks);
        return NULL;
    }
    return disks;
}

bool snapshot_disks_able(const GPtrArray *disks, Error **errp)
{
    for (guint i = 0; i < disks->len; i++) {
        const SnapshotDisk *disk = disks->pdata[i];

        if (!disk->node) {
            error_set(errp,
                      "Device '%s' is writable but does not support snapshots",
                      *disk->device ? disk->device : node_name(disk->top));
            return false;
        }
    }
    return true;
}

SnapshotDisk *snapshot_disks_keeper(const GPtrArray *disks, const char *name,
                                    Error **errp)
{
    for (guint i = 0; i < disks->len; i++) {
        SnapshotDisk *disk = disks->pdata[i];

        if (disk->node && (!name || !strcmp(node_name(disk->top), name))) {
            return disk;
        }
    }
    if (name) {
        error_set(errp, "vmstate block device '%s' does not exist", name);
    } else {
        error_set(errp, "no block device can store vmstate for snapshot");
    }
    return NULL;
}

SnapshotInfoList *co_snapshot_disk_list(const SnapshotDisk *disk)
{
    return disk->node
               ? disk->node->driver->format->co_snapshot_list(disk->node, NULL)
               : NULL;
}

const SnapshotInfo *snapshot_named(const SnapshotInfoList *list,
                                   const char *name)
{
    for (size_t i = 0; list && i < list->n; i++) {
        if (!strcmp(list->v[i]->name, name)) {
            return list->v[i];
        }
    }
    return NULL;
}
