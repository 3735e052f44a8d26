/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of devices. A device is a root with a name of its own ("drive0"); it
 * may have no node. Who makes them (block/backend) stands above the graph and
 * tells it here how they are found.
 */
#ifndef BLOCK_GRAPH_DEVICE_H
#define BLOCK_GRAPH_DEVICE_H

#include "block/graph/root.h"

/* @find gives the root of the device of that name, attached or not, or
 * NULL. Once, before there are devices. */
void devices_set_find(Root *(*find)(const char *name)) CONTROL_ONLY;

/* The root of the device called @name, or NULL. */
Root *device_root(const char *name) CONTROL_ONLY;

/* The name of the device whose node @node is; "" if there is none. What a job
 * on it is called if it gets no other name. For control, which is not checked:
 * texts of errors are made from it everywhere. */
const char *node_device_name(const Node *node);

/* Whether something other than nodes and jobs uses it: a device, an export;
 * or a job in the way of a device. */
bool node_has_device(const Node *node) CONTROL_ONLY;

#endif
