/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device_add, x-blockdev-set-iothread. */
#include "block/graph/device.h"
#include "block/job/block-job.h"
#include "devices/device.h"
#include "objects/iothread.h"
#include "qapi/qapi-commands.h"

bool qmp_device_add(json_object *args, Error **errp)
{
    return co_device_add(args, false, errp) != NULL;
}

/* Whether a device that uses @node has its requests from another thread. */
CONTROL_ONLY
static bool device_elsewhere(const Node *node, const Object *thread)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        const Node *top =
            d->disk.backend ? backend_node(d->disk.backend) : NULL;

        if (top && node_leads_to(top, node) && device_thread(d) != thread) {
            return true;
        }
    }
    return false;
}

bool qmp_x_blockdev_set_iothread(const QmpXBlockdevSetIothreadArgs *args,
                                 Error **errp)
{
    const StrOrNull *name = args->iothread;
    Node *node = node_find(args->node_name);
    const Object *thread = NULL;
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    if (!node) {
        error_set(errp, "Failed to find node with node-name='%s'",
                  args->node_name);
        return false;
    }
    if (!(args->has_force && args->force) && node_has_device(node)) {
        error_set(errp,
                  "Node %s is associated with a BlockBackend and could be in "
                  "use (use force=true to override this check)",
                  args->node_name);
        return false;
    }
    if (name->kind == STR_OR_NULL_KIND_S) {
        thread = object_find(name->u.s);
        if (!thread || thread->class != &object_iothread) {
            error_set(errp, "Cannot find iothread %s", name->u.s);
            return false;
        }
    }
    if (device_elsewhere(node, thread) ||
        (thread && jobs_keep_from_moving(node))) {
        error_set(errp, "Cannot change iothread of active block backend");
        return false;
    }
    g_ptr_array_add(nodes, node);
    jobs_show_pause_of_users(nodes);
    return true;
}
