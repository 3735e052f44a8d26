/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes by the names of devices: see device.h. */
#include "block/graph/device.h"

#include "block/graph/graph-int.h"

/* CONTROL */
static Root *(*find_fn)(const char *name);

void devices_set_find(Root *(*find)(const char *name))
{
    find_fn = find;
}

Root *device_root(const char *name)
{
    return find_fn ? find_fn(name) : NULL;
}

const char *node_device_name(const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        const Root *root = edge->root;
        const char *name = root && root->ops && root->ops->device
                               ? root->ops->device(root)
                               : NULL;

        if (name) {
            return name;
        }
    }
    return "";
}

Node *node_lookup(const char *device, const char *node_name, Error **errp)
{
    Root *root = device ? device_root(device) : NULL;
    Node *node;

    if (root) {
        node = root_node(root);
        if (!node) {
            error_set(errp, "Device '%s' has no medium", device);
        }
        return node;
    }
    node = node_name ? node_find(node_name) : NULL;
    if (!node) {
        error_set(errp, "Cannot find device='%s' nor node-name='%s'",
                  device ? device : "", node_name ? node_name : "");
    }
    return node;
}

/* Whether it is a job that uses the node by @edge. */
CONTROL_ONLY
static bool edge_is_of_job(const Edge *edge)
{
    const RootOps *ops = edge->root ? edge->root->ops : NULL;

    return ops && ops->job_id && ops->job_id(edge->root);
}

bool node_has_device(const Node *node)
{
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if ((edge->role & EDGE_UNNAMED) ||
            (edge->root && !edge_is_of_job(edge))) {
            return true;
        }
    }
    return false;
}

Node *node_lookup_root(const char *name, Error **errp)
{
    Node *node = node_lookup(name, name, errp);

    if (!node) {
        return NULL;
    }
    LIST_FOREACH(edge, &node->parents, Edge, in_child) {
        if (edge->parent || edge_is_of_job(edge)) {
            error_set(errp, "Need a root block node");
            return NULL;
        }
    }
    return node;
}
