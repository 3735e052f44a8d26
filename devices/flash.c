/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chips that hold the firmware: see flash.h. */
#include "devices/flash.h"

#include "block/graph/node.h"
#include "devices/board.h"
#include "devices/device-int.h"

#define FLASH_BLOCK 4096
#define FLASH_TOTAL_MAX (8 * MiB) /* of all chips */

static const DeviceProperty properties[] = {
    {"big-endian", "bool", NULL, "false"},
    {"device-width", "uint8", NULL, "0"},
    {"drive", "str", NULL, NULL},
    {"id0", "uint16", NULL, "0"},
    {"id1", "uint16", NULL, "0"},
    {"id2", "uint16", NULL, "0"},
    {"id3", "uint16", NULL, "0"},
    {"max-device-width", "uint8", NULL, "0"},
    {"name", "str", NULL, NULL},
    {"num-blocks", "uint32", NULL, "0"},
    {"old-multiple-chip-handling", "bool", NULL, "false"},
    {"secure", "bool", NULL, "false"},
    {"sector-length", "uint64", NULL, "4096"},
    {"width", "uint8", NULL, "1"},
    {NULL, NULL, NULL, NULL},
};

/* In no table: nobody plugs one in. */
static const DeviceModel flash_model = {
    .name = "cfi.pflash01",
    .category = DEVICE_STORAGE,
    .bus = "System",
    .use = DEVICE_USES_DISK,
    .sets = {properties},
};

/* CONTROL */
static char *node_names[FLASH_CHIPS];

void flash_set_node(unsigned index, const char *node)
{
    g_free(node_names[index]);
    node_names[index] = g_strdup(node);
}

CONTROL_ONLY
static Drive *drive_at(unsigned index)
{
    for (Drive *d = drive_next(NULL); d; d = drive_next(d)) {
        if (d->interface == DRIVE_IF_PFLASH && !d->bus && d->unit == index) {
            return d;
        }
    }
    return NULL;
}

/* The values that its size gives it; owned. */
static json_object *values_of(unsigned index, const char *node,
                              uint64_t size_bytes)
{
    json_object *values = json_object_new_object();
    g_autofree char *name = g_strdup_printf("system.flash%u", index);

    if (node) {
        json_object_object_add(values, "drive", json_object_new_string(node));
    }
    json_object_object_add(values, "name", json_object_new_string(name));
    json_object_object_add(values, "num-blocks",
                           json_object_new_int64(size_bytes / FLASH_BLOCK));
    return values;
}

/* @total: of those before, and with this one. */
static bool size_ok(const char *name, const Node *node, uint64_t *total,
                    Error **errp)
{
    if (!node) {
        error_set(errp, "can't get size of block device %s: No medium found",
                  name);
        return false;
    }
    if (!node->size_bytes || node->size_bytes % FLASH_BLOCK) {
        error_set(errp,
                  "system firmware block device %s has invalid size %" PRIu64,
                  name, node->size_bytes);
        error_append_hint(errp,
                          "%s: info: its size must be a non-zero multiple of "
                          "0x%x\n",
                          error_program_name(), FLASH_BLOCK);
        return false;
    }
    if (node->size_bytes > FLASH_TOTAL_MAX - *total) {
        error_set(errp,
                  "combined size of system firmware exceeds %" PRIu64 " bytes",
                  (uint64_t)FLASH_TOTAL_MAX);
        return false;
    }
    *total += node->size_bytes;
    return true;
}

/* Takes over the chip's back end; it is not listed if that fails. */
COROUTINE_ONLY CONTROL_ONLY static bool co_make(unsigned index, Drive *drive,
                                                Node *node, Error **errp)
{
    json_object *values =
        values_of(index, drive ? NULL : node_names[index], node->size_bytes);
    Device *device = device_new(&flash_model, values);
    bool ok;

    json_object_put(values);
    device->built_in = true;
    device->path = g_strdup_printf("/machine/system.flash%u", index);
    ok = bus_choose(&flash_model, NULL, &device->at, errp);
    if (ok && drive) {
        co_graph_lock();
        ok = co_device_use_backend(device, drive->backend, errp);
        graph_unlock();
        drive->claimed = ok;
    } else if (ok) {
        ok = co_device_attach_disk(device, errp);
    }
    if (!ok) {
        device_free(device);
        return false;
    }
    device_enlist(device);
    return true;
}

/* The drive or the node for the chip; both NULL: it holds nothing. */
CONTROL_ONLY
static bool find(unsigned index, Drive **drive, Node **node, Error **errp)
{
    const char *name = node_names[index];

    *drive = drive_at(index);
    *node = name ? node_find(name) : NULL;
    if (*drive && name) {
        error_set(errp, "%s: clashes with -machine", (*drive)->shown);
        return false;
    }
    if (name && !*node) {
        error_set(errp, "Property '%s.drive' can't find value '%s'",
                  flash_model.name, name);
        return false;
    }
    if (*drive) {
        *node = backend_node((*drive)->backend);
    }
    return true;
}

bool co_flash_make(Error **errp)
{
    Drive *drive;
    Node *node;
    uint64_t total = 0;
    bool below = true;

    for (unsigned i = 0; board_chosen()->pci_bus && i < FLASH_CHIPS; i++) {
        if (!find(i, &drive, &node, errp)) {
            return false;
        }
        if (!drive && !node) {
            below = false;
            continue;
        }
        if (!below) {
            error_set(errp, "pflash%u requires pflash0", i);
            return false;
        }
        if (!size_ok(drive ? backend_name(drive->backend) : "", node, &total,
                     errp) ||
            !co_make(i, drive, node, errp)) {
            return false;
        }
    }
    return true;
}
