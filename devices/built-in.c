/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine has without being told: its buses, and devices for the drives
 * that are said to be its own. */
#include "devices/board.h"
#include "devices/device-int.h"

#define FLOPPIES_MAX 2

/* CONTROL */
static unsigned floppies, ide_disks;
static bool has_floppy_bus;
static int parts_before_floppies;
static unsigned parts_before_ide;

void board_count_parts(int before_floppies, unsigned before_ide)
{
    parts_before_floppies = before_floppies;
    parts_before_ide = before_ide;
}

CONTROL_ONLY
static void add_floppy_bus(void)
{
    bus_add(g_strdup("floppy-bus.0"), "floppy-bus", NULL, FLOPPIES_MAX);
    has_floppy_bus = true;
}

void devices_init(bool usb)
{
    const Board *board = board_chosen();

    bus_add(g_strdup("main-system-bus"), "System", NULL, 0);
    if (board->pci_bus) {
        bus_add(g_strdup(board->pci_bus), "PCI", NULL, 0);
        if (usb) {
            bus_add(g_strdup("usb-bus.0"), "usb-bus", NULL, 0);
        }
    }
    if (board->has_isa) {
        bus_add(g_strdup("isa.0"), "ISA", NULL, 0);
    }
    if (board->has_ide) {
        for (unsigned i = 0; i < board->ide_buses; i++) {
            bus_add(g_strdup_printf("ide.%u", i), "IDE", NULL,
                    board->ide_units);
        }
        if (!board->no_floppy) {
            add_floppy_bus();
        }
    }
}

/* --- disks --------------------------------------------------------------- */

CONTROL_ONLY
static char *own_path(const DeviceModel *model, unsigned bus)
{
    const Board *board = board_chosen();
    /* A controller of floppies that is there for them only; and without PCI one
     * for each of the buses of IDE, followed by its disks. */
    unsigned controllers =
        (board->no_floppy && floppies) + (board->pci_bus ? 0 : bus);
    unsigned place = parts_before_floppies;

    place += model->use == DEVICE_USES_FLOPPY
                 ? board->first_floppy + floppies++
                 : board->first_ide + parts_before_ide + controllers +
                       floppies + ide_disks++;

    return g_strdup_printf("/machine/unattached/device[%u]", place);
}

static const char *model_for(const Drive *drive)
{
    switch (drive->interface) {
    case DRIVE_IF_IDE:
        return drive->cdrom ? "ide-cd" : "ide-hd";
    case DRIVE_IF_FLOPPY:
        return "floppy";
    default:
        return NULL;
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_built_in(Drive *drive, const char *model_name, Error **errp)
{
    const DeviceModel *model = device_model_find(model_name);
    json_object *values = json_object_new_object();
    Device *device = device_new(model, values);
    g_autofree char *bus_name = g_strdup_printf(
        "%s.%u", model->use == DEVICE_USES_FLOPPY ? "floppy-bus" : "ide",
        drive->bus);
    bool ok;

    json_object_put(values);
    device->built_in = true;
    if (model->use == DEVICE_USES_FLOPPY && !has_floppy_bus) {
        add_floppy_bus();
    }
    device->path = own_path(model, drive->bus);
    co_graph_lock();
    ok = bus_choose(model, bus_name, &device->at, errp) &&
         bus_place(device, drive->unit, errp) &&
         co_device_use_backend(device, drive->backend, errp);
    graph_unlock();
    if (!ok) {
        device_free(device);
        return false;
    }
    drive->claimed = true;
    device_enlist(device);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_virtio_disk(Drive *drive,
                                                       Error **errp)
{
    json_object *values = json_object_new_object();
    Device *device;

    json_object_object_add(values, "driver",
                           json_object_new_string("virtio-blk-pci"));
    json_object_object_add(
        values, "drive", json_object_new_string(backend_name(drive->backend)));
    device = co_device_add(values, true, errp);
    json_object_put(values);
    return device != NULL;
}

CONTROL_ONLY
static bool has_place(const Drive *drive)
{
    const Board *board = board_chosen();

    return board->has_ide &&
           (drive->interface == DRIVE_IF_IDE ? drive->bus < board->ide_buses
                                             : drive->unit < FLOPPIES_MAX);
}

bool co_device_for_drive(Drive *drive, Error **errp)
{
    const char *model = model_for(drive);

    if (drive->interface == DRIVE_IF_VIRTIO) {
        return co_virtio_disk(drive, errp);
    }
    if (drive->claimed || drive->interface == DRIVE_IF_NONE) {
        return true;
    }
    if (!model || !has_place(drive)) {
        error_set(errp, "machine type does not support if=%s,bus=%u,unit=%u",
                  drive_interface_name(drive->interface), drive->bus,
                  drive->unit);
        return false;
    }
    return co_built_in(drive, model, errp);
}
