/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices of the machine: users of back ends, which no guest drives. They
 * stand on buses, have properties, and are objects below /machine.
 *
 *     co_device_add: model -> bus -> id -> properties -> back end -> listed
 *     co_device_remove: children -> back end -> DEVICE_DELETED -> gone
 *
 * Invariants:
 * 1. A device is listed when all of it worked; what failed left nothing.
 * 2. A device with a disk has its back end attached, with the permissions of
 *    a guest that may use it at any time.
 * 3. A device goes after those on the bus that it brings.
 * All: control thread.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <json-c/json.h>

#include "block/backend/backend.h"
#include "block/backend/drive.h"
#include "devices/model.h"
#include "objects/object.h"

typedef struct Device Device;

/* A place for devices. One of the machine's own has no @owner. */
typedef struct Bus {
    /* CONST */
    char *name;       /* "scsi0.0" */
    const char *type; /* "SCSI" */
    Device *owner;
    unsigned places; /* 0: any number */
    ListLink link;   /* CONTROL */
} Bus;

struct Device {
    BackendDevice disk; /* its back end is NULL if it has none */
    /* CONST */
    const DeviceModel *model;
    char *id;   /* NULL: none */
    char *path; /* "/machine/peripheral/ID" */
    Bus *at;    /* NULL: on no bus */
    unsigned unit;
    bool hotplugged;
    bool built_in;       /* the machine's own */
    bool unplugs;        /* CONTROL: it waits for a guest to let it go */
    json_object *values; /* what was said of its properties */
    Object *iothread;    /* counted as a user, or NULL */
    ListLink link;       /* CONTROL */
};

/* Once, first: devices are found as objects. */
void devices_init_qom(void) CONTROL_ONLY;
/* types.c: types that queries list. */
void devices_init_types(void);
/* Whether @type has such a property that could be @value; @integer: what
 * numbers are called in the text, NULL: by their kind. Any thread. */
bool type_value_check(const char *type, const char *name, const char *value,
                      const char *integer, Error **errp);
/* Once, when the machine is known: its own buses; with @usb one of that if it
 * has PCI. */
void devices_init(bool usb) CONTROL_ONLY;
/* The command line has been dealt with: what comes now is plugged in while it
 * runs. */
void devices_set_running(void) CONTROL_ONLY;
/* The program ends: devices and drives. */
void co_devices_shutdown(void) COROUTINE_ONLY CONTROL_ONLY;

/*
 * Plugs in what @values describe (members as -device has them; borrowed).
 * @strict: they are JSON of the right types. NULL with QEMU's text.
 */
Device *co_device_add(json_object *values, bool strict,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* The machine's own device for @drive (if=ide and such); true also if it needs
 * none. */
bool co_device_for_drive(Drive *drive,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Takes it out; the events are sent a little later. */
void co_device_remove(Device *device) COROUTINE_ONLY CONTROL_ONLY;

/* unplug.c: no guest lets devices go, not even a played one. */
void devices_nobody_answers(void) CONTROL_ONLY;
/* The machine runs, or was reset: devices that wait for that go. */
void devices_let_go(bool reset) CONTROL_ONLY;

/* By id or path; NULL: none. */
Device *device_find(const char *id_or_path) CONTROL_ONLY;
Device *device_next(Device *device) CONTROL_ONLY;

/* --- bus.c --------------------------------------------------------------- */

Bus *bus_add(char *name, const char *type, Device *owner,
             unsigned places) CONTROL_ONLY; /* takes @name */
/* Those that it brings; NULL: the machine's own. */
void buses_remove_of(const Device *owner) CONTROL_ONLY;
/* For a device of @model: the one called @name, or any of its kind;
 * false with QEMU's text. *@bus is NULL if it needs none. */
bool bus_choose(const DeviceModel *model, const char *name, Bus **bus,
                Error **errp) CONTROL_ONLY;
/* Chooses the place on the bus; @unit is where it has to be, or -1. */
bool bus_place(Device *device, int64_t unit, Error **errp) CONTROL_ONLY;
/* Devices come to it and go from it while the machine is there; else false
 * with QEMU's text. NULL: no bus, which is fine. */
bool bus_check_plug(const Bus *bus, Error **errp) CONTROL_ONLY;
Bus *bus_next(Bus *bus) CONTROL_ONLY;
/* Its bus number @index: "scsi0.0", "scsi.0", "scsi.1"; the caller frees it. */
char *bus_name_for(const Device *owner, unsigned index) CONTROL_ONLY;

/* --- values.c ------------------------------------------------------------ */

/* Whether all of @values are properties of @model with possible values. */
bool device_values_check(const DeviceModel *model, json_object *values,
                         bool strict, Error **errp);
/* What was said, else @otherwise. */
const char *device_text(const Device *device, const char *name,
                        const char *otherwise);
bool device_flag(const Device *device, const char *name);
int64_t device_number(const Device *device, const char *name,
                      int64_t otherwise);

/* --- disk.c -------------------------------------------------------------- */

/* Finds, or makes, the back end that the property `drive` names, and attaches
 * it; true also for devices without disks. */
bool co_device_attach_disk(Device *device,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Puts the node called @name below the device's back end, which has one. */
bool co_device_set_drive(Device *device, const char *name,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Attaches @backend, the device's own for good. */
bool co_device_use_backend(Device *device, Backend *backend,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* The thread that the device's requests come from, or NULL. */
Object *device_thread(const Device *device) CONTROL_ONLY;

#endif
