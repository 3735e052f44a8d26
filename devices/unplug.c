/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device_del.
 *
 * A device on a PCI bus goes when its guest lets it go. There is none: as long
 * as the machine runs, one is played that does so at once; while it is stopped,
 * or if it has been said that nothing runs (devices_nobody_answers), the device
 * waits for the machine to run, or for a reset.
 */
#include "devices/device.h"
#include "devices/run-state.h"
#include "objects/qom-path.h"
#include "qapi/qapi-commands.h"

/* CONTROL */
static bool nobody_answers;

void devices_nobody_answers(void)
{
    nobody_answers = true;
}

/* One that waits, or NULL. */
CONTROL_ONLY
static Device *waiting(void)
{
    Device *device = device_next(NULL);

    while (device && !device->unplugs) {
        device = device_next(device);
    }
    return device;
}

COROUTINE_ONLY CONTROL_ONLY static void co_remove_waiting(void *opaque)
{
    Device *device;

    co_reschedule();
    while ((device = waiting())) {
        co_device_remove(device);
    }
}

static bool needs_guest(const Device *device)
{
    return device->at && !strcmp(device->at->type, "PCI");
}

void devices_let_go(bool reset)
{
    if (waiting() && (reset || !nobody_answers)) {
        coroutine_start(co_remove_waiting, NULL);
    }
}

static bool is_container_or_machine(const char *type)
{
    return !strcmp(type, "container") || g_str_has_suffix(type, "-machine");
}

/* A path of an object that is no device, or none at all: what devices with
 * identifiers are in. */
CONTROL_ONLY
static bool is_something_else(const char *id)
{
    QomPlace place;

    return !*id || (*id == '/' && qom_path_resolve(id, &place) &&
                    (place.kind != QOM_NODE ||
                     is_container_or_machine(qom_place_type(&place))));
}

bool qmp_device_del(const QmpDeviceDelArgs *args, Error **errp)
{
    Device *device = device_find(args->id);

    if (!device && is_something_else(args->id)) {
        error_set(errp, "%s is not a hotpluggable device", args->id);
        return false;
    }
    if (!device) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", args->id);
        return false;
    }
    if (device->unplugs) {
        error_set(errp, "Device %s is already in the process of unplug",
                  args->id);
        return false;
    }
    if (!bus_check_plug(device->at, errp)) {
        return false;
    }
    if (needs_guest(device) &&
        (nobody_answers || run_state_get() != RUN_STATE_RUNNING)) {
        device->unplugs = true;
    } else {
        co_device_remove(device);
    }
    return true;
}
