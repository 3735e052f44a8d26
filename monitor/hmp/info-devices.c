/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info qtree: buses and what stands on them. */
#include "devices/device.h"
#include "monitor/hmp/commands.h"

static void show_value(Hmp *hmp, const Device *device, const char *name,
                       json_object *value)
{
    const DeviceProperty *p = device_model_property(device->model, name);
    const char *text = json_object_get_string(value);
    bool quoted = !p || !strcmp(p->type, "str") ||
                  g_str_has_prefix(p->type, "link<") ||
                  g_str_has_prefix(p->type, "OnOff") ||
                  g_str_has_prefix(p->type, "Blockdev");

    hmp_printf(hmp, quoted ? "%s = \"%s\"\n" : "%s = %s\n", name, text);
}

static void show_bus(Hmp *hmp, const Bus *bus, int indent);

CONTROL_ONLY
static void show_device(Hmp *hmp, const Device *device, int indent)
{
    Backend *backend = device->disk.backend;

    hmp_printf(hmp, "%*sdev: %s, id \"%s\"\n", indent, "", device->model->name,
               device->id ? device->id : "");
    if (backend) {
        hmp_printf(hmp, "%*sdrive = \"%s\"\n", indent + 2, "",
                   *backend_name(backend)  ? backend_name(backend)
                   : backend_node(backend) ? node_name(backend_node(backend))
                                           : "");
    }
    json_object_object_foreach(device->values, name, value)
    {
        if (strcmp(name, "drive") && strcmp(name, "id") &&
            strcmp(name, "driver") && strcmp(name, "bus")) {
            hmp_printf(hmp, "%*s", indent + 2, "");
            show_value(hmp, device, name, value);
        }
    }
    if (device->brings) {
        show_bus(hmp, device->brings, indent + 2);
    }
}

CONTROL_ONLY
static void show_bus(Hmp *hmp, const Bus *bus, int indent)
{
    hmp_printf(hmp, "%*sbus: %s\n%*stype %s\n", indent, "", bus->name,
               indent + 2, "", bus->type);
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        if (d->at == bus) {
            show_device(hmp, d, indent + 2);
        }
    }
}

CONTROL_ONLY
static void co_info_qtree(Hmp *hmp, json_object *args)
{
    for (Bus *bus = bus_next(NULL); bus; bus = bus_next(bus)) {
        if (!bus->owner) {
            show_bus(hmp, bus, 0);
        }
    }
}

const HmpCommand hmp_info_qtree = {
    .name = "qtree",
    .params = "",
    .help = "buses, the devices on them, and what was said of these",
    .co_run = co_info_qtree,
};
