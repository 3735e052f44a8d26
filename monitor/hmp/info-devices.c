/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info qtree: buses and what stands on them, the newest first. Of devices it
 * shows what was said of them, of floppy drives all that they have: there the
 * kind of drive follows from the medium. The chips of a machine are only named:
 * nothing is behind them.
 */
#include "devices/board.h"
#include "devices/device.h"
#include "monitor/hmp/commands.h"
#include "monitor/hmp/qtree.h"
#include "text/size-text.h"

/* --- values -------------------------------------------------------------- */

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

CONTROL_ONLY
static void show_drive(Hmp *hmp, const Device *device, int indent)
{
    Backend *backend = device->disk.backend;

    hmp_printf(hmp, "%*sdrive = \"%s\"\n", indent, "",
               *backend_name(backend)  ? backend_name(backend)
               : backend_node(backend) ? node_name(backend_node(backend))
                                       : "");
}

CONTROL_ONLY
static void show_said(Hmp *hmp, const Device *device, int indent)
{
    if (device->disk.backend) {
        show_drive(hmp, device, indent);
    }
    json_object_object_foreach(device->values, name, value)
    {
        if (strcmp(name, "drive") && strcmp(name, "id") &&
            strcmp(name, "driver") && strcmp(name, "bus")) {
            hmp_printf(hmp, "%*s", indent, "");
            show_value(hmp, device, name, value);
        }
    }
}

/* --- floppy drives ------------------------------------------------------- */

static const char *said(const Device *device, const char *name,
                        const char *missing)
{
    json_object *value;

    return json_object_object_get_ex(device->values, name, &value)
               ? json_object_get_string(value)
               : missing;
}

static void show_text(Hmp *hmp, const Device *device, int indent,
                      const char *name)
{
    hmp_printf(hmp, "%*s%s = \"%s\"\n", indent, "", name,
               said(device, name, "auto"));
}

static void show_size(Hmp *hmp, const Device *device, int indent,
                      const char *name, uint64_t missing)
{
    const char *text = said(device, name, NULL);
    g_autofree char *shown = NULL;
    uint64_t bytes = missing;

    if (text) {
        size_text_parse(text, &bytes);
    }
    shown = size_text_short(bytes);
    hmp_printf(hmp, "%*s%s = %" PRIu64 " (%s)\n", indent, "", name, bytes,
               shown);
}

/* What drive takes a disk of that size, as QEMU's controller finds it. */
static const char *drive_type(uint64_t bytes)
{
    static const struct {
        const char *type;
        unsigned kib[12];
    } types[] = {
        {"144", {720, 800, 820, 830, 1040, 1120, 1440, 1600, 1680, 1760}},
        {"120", {160, 180, 320, 360, 410, 1200, 1476}},
    };

    for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
        for (const unsigned *kib = types[t].kib; *kib; kib++) {
            if (*kib * KiB == bytes) {
                return types[t].type;
            }
        }
    }
    return "288";
}

CONTROL_ONLY
static void show_floppy(Hmp *hmp, const Device *device, int indent)
{
    const Node *node = backend_node(device->disk.backend);
    const char *type = said(device, "drive-type", "auto");
    const char *shares = said(device, "share-rw", "false");
    bool share = !strcmp(shares, "on") || !strcmp(shares, "true");

    if (!strcmp(type, "auto")) {
        type = drive_type(node ? node->size_bytes : 0);
    }
    hmp_printf(hmp, "%*sunit = %u (0x%x)\n", indent, "", device->unit,
               device->unit);
    show_drive(hmp, device, indent);
    show_text(hmp, device, indent, "backend_defaults");
    show_size(hmp, device, indent, "logical_block_size", 512);
    show_size(hmp, device, indent, "physical_block_size", 512);
    show_size(hmp, device, indent, "min_io_size", 0);
    show_size(hmp, device, indent, "opt_io_size", 0);
    show_size(hmp, device, indent, "discard_granularity", UINT32_MAX);
    show_text(hmp, device, indent, "write-cache");
    hmp_printf(hmp, "%*sshare-rw = %s\n", indent, "", share ? "true" : "false");
    show_text(hmp, device, indent, "account-invalid");
    show_text(hmp, device, indent, "account-failed");
    hmp_printf(hmp, "%*sdrive-type = \"%s\"\n", indent, "", type);
}

/* --- devices and buses --------------------------------------------------- */

CONTROL_ONLY
static void show_bus(Hmp *hmp, const Bus *bus, int indent);

/* The newest first. */
CONTROL_ONLY
static void show_buses_of(Hmp *hmp, const Device *owner, int indent)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    for (Bus *bus = bus_next(NULL); bus; bus = bus_next(bus)) {
        if (bus->owner == owner) {
            g_ptr_array_add(all, bus);
        }
    }
    for (guint i = all->len; i > 0; i--) {
        show_bus(hmp, all->pdata[i - 1], indent);
    }
}

CONTROL_ONLY
static void show_device(Hmp *hmp, const Device *device, int indent)
{
    hmp_printf(hmp, "%*sdev: %s, id \"%s\"\n", indent, "", device->model->name,
               device->id ? device->id : "");
    if (device->model->use == DEVICE_USES_FLOPPY && device->disk.backend) {
        show_floppy(hmp, device, indent + 2);
    } else {
        show_said(hmp, device, indent + 2);
    }
    show_buses_of(hmp, device, indent + 2);
}

CONTROL_ONLY
static void show_bus(Hmp *hmp, const Bus *bus, int indent)
{
    g_autoptr(GPtrArray) here = g_ptr_array_new();

    hmp_printf(hmp, "%*sbus: %s\n%*stype %s\n", indent, "", bus->name,
               indent + 2, "", bus->type);
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        if (d->at == bus) {
            g_ptr_array_add(here, d);
        }
    }
    for (guint i = here->len; i > 0; i--) {
        show_device(hmp, here->pdata[i - 1], indent + 2);
    }
}

CONTROL_ONLY
static Bus *own_bus(const char *name)
{
    for (Bus *bus = bus_next(NULL); bus; bus = bus_next(bus)) {
        if (!bus->owner && !strcmp(bus->name, name)) {
            return bus;
        }
    }
    return NULL;
}

/* One that is not there is the bus of a chip, with chips only. */
CONTROL_ONLY
static void show_chip(Hmp *hmp, const QtreeChip *chip)
{
    int indent = 2 * chip->depth;
    Bus *bus = chip->type ? own_bus(chip->name) : NULL;

    if (!chip->type) {
        hmp_printf(hmp, "%*sdev: %s, id \"\"\n", indent, "", chip->name);
    } else if (bus) {
        show_bus(hmp, bus, indent);
    } else {
        hmp_printf(hmp, "%*sbus: %s\n%*stype %s\n", indent, "", chip->name,
                   indent + 2, "", chip->type);
    }
}

CONTROL_ONLY
static void co_info_qtree(Hmp *hmp, json_object *args)
{
    const QtreeChip *chip = qtree_chips(board_chosen());

    for (Bus *bus = chip ? NULL : bus_next(NULL); bus; bus = bus_next(bus)) {
        if (!bus->owner) {
            show_bus(hmp, bus, 0);
        }
    }
    for (; chip && chip->name; chip++) {
        if (!chip->needs || own_bus(chip->needs)) {
            show_chip(hmp, chip);
        }
    }
}

const HmpCommand hmp_info_qtree = {
    .name = "qtree",
    .params = "",
    .help = "show device tree",
    .co_run = co_info_qtree,
};
