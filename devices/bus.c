/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buses: names, and who fits where. */
#include "devices/device.h"

/* CONTROL */
static ListLink buses = LIST_INIT(buses);

Bus *bus_add(char *name, const char *type, Device *owner, unsigned places)
{
    Bus *bus = g_new0(Bus, 1);

    bus->name = name;
    bus->type = type;
    bus->owner = owner;
    bus->places = places;
    list_append(&buses, &bus->link);
    return bus;
}

Bus *bus_next(Bus *bus)
{
    ListLink *next = bus ? bus->link.next : buses.next;

    return next == &buses ? NULL : LIST_ENTRY(next, Bus, link);
}

void buses_remove_of(const Device *owner)
{
    Bus *bus = bus_next(NULL), *next;

    for (; bus; bus = next) {
        next = bus_next(bus);
        if (bus->owner == owner) {
            list_remove(&bus->link);
            g_free(bus->name);
            g_free(bus);
        }
    }
}

CONTROL_ONLY
static Bus *bus_find(const char *name)
{
    LIST_FOREACH(bus, &buses, Bus, link) {
        if (!strcmp(bus->name, name)) {
            return bus;
        }
    }
    return NULL;
}

char *bus_name_for(const Device *owner, unsigned index)
{
    char *name;

    if (owner->id && !strcmp(owner->model->brings, "PCI")) {
        return g_strdup(owner->id);
    }
    if (owner->id) {
        return g_strdup_printf("%s.%u", owner->id, index);
    }
    name = g_strdup_printf("%s.0", owner->model->bus_name);
    for (unsigned i = 1; bus_find(name); i++) {
        g_free(name);
        name = g_strdup_printf("%s.%u", owner->model->bus_name, i);
    }
    return name;
}

/* The machine's own PCI bus, else the newest of its kind: QEMU looks into the
 * newest device first. */
CONTROL_ONLY
static Bus *any_of(const char *type)
{
    bool first = !strcmp(type, "PCI");
    Bus *found = NULL;

    LIST_FOREACH(bus, &buses, Bus, link) {
        if (!strcmp(bus->type, type) && (!found || !first)) {
            found = bus;
        }
    }
    return found;
}

bool bus_choose(const DeviceModel *model, const char *name, Bus **bus,
                Error **errp)
{
    *bus = NULL;
    if (!model->bus) {
        return true;
    }
    *bus = name ? bus_find(name) : any_of(model->bus);
    if (!*bus && name) {
        error_set(errp, "Bus '%s' not found", name);
    } else if (!*bus) {
        error_set(errp, "No '%s' bus found for device '%s'", model->bus,
                  model->name);
    } else if (strcmp((*bus)->type, model->bus)) {
        error_set(errp, "Device '%s' can't go on %s bus", model->name,
                  (*bus)->type);
        *bus = NULL;
    }
    return *bus != NULL;
}

CONTROL_ONLY
static bool place_taken(const Bus *bus, unsigned unit)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        if (d->at == bus && d->unit == unit) {
            return true;
        }
    }
    return false;
}

bool bus_place(Device *device, int64_t unit, Error **errp)
{
    const Bus *bus = device->at;
    const char *kind;

    if (!bus) {
        return true;
    }
    kind = strcmp(bus->type, "IDE") ? "floppy" : "IDE";
    device->unit = unit < 0 ? 0 : unit;
    while (unit < 0 && place_taken(bus, device->unit)) {
        device->unit++;
        if (!strcmp(kind, "IDE")) {
            break; /* it has two at most */
        }
    }
    if (!bus->places) {
        return true;
    }
    if (device->unit >= bus->places) {
        error_set(errp, "Can't create %s unit %u, bus supports only %u units",
                  kind, device->unit, bus->places);
        return false;
    }
    if (place_taken(bus, device->unit)) {
        error_set(errp, "%s unit %u is in use",
                  strcmp(kind, "IDE") ? "Floppy" : kind, device->unit);
        return false;
    }
    return true;
}

bool bus_check_plug(const Bus *bus, Error **errp)
{
    static const char *const fixed[] = {"IDE", "ISA", "System", "floppy-bus",
                                        NULL};

    /* On pcie.0 stand ports, and on these what comes and goes. */
    if (bus && (g_strv_contains(fixed, bus->type) ||
                (!bus->owner && !strcmp(bus->name, "pcie.0")))) {
        error_set(errp, "Bus '%s' does not support hotplugging", bus->name);
        return false;
    }
    return true;
}
