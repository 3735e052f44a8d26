/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The place of a drive in the machine: if=, index=, bus=, unit=, media=. */
#include "block/backend/drive-int.h"

static const struct {
    const char *name;
    unsigned max_devs; /* of a bus; 0: there is one bus */
    bool named_by_bus;
} interfaces[DRIVE_IF__MAX] = {
    [DRIVE_IF_NONE] = {"none", 0, false},
    [DRIVE_IF_IDE] = {"ide", 2, true},
    [DRIVE_IF_SCSI] = {"scsi", 7, true},
    [DRIVE_IF_FLOPPY] = {"floppy", 0, false},
    [DRIVE_IF_PFLASH] = {"pflash", 0, false},
    [DRIVE_IF_MTD] = {"mtd", 0, false},
    [DRIVE_IF_SD] = {"sd", 0, false},
    [DRIVE_IF_VIRTIO] = {"virtio", 0, false},
    [DRIVE_IF_XEN] = {"xen", 0, false},
};

const char *drive_interface_name(DriveInterface interface)
{
    return interfaces[interface].name;
}

CONTROL_ONLY
static const Drive *drive_at(DriveInterface interface, unsigned bus,
                             unsigned unit)
{
    for (const Drive *d = drive_next(NULL); d; d = drive_next((Drive *)d)) {
        if (d->interface == interface && d->bus == bus && d->unit == unit) {
            return d;
        }
    }
    return NULL;
}

static bool take_interface(Drive *drive, Opts *opts, Error **errp)
{
    g_autofree char *name = opts_take(opts, "if");
    unsigned i = 0;

    if (!name) {
        return true;
    }
    while (i < DRIVE_IF__MAX && strcmp(interfaces[i].name, name)) {
        i++;
    }
    if (i == DRIVE_IF__MAX) {
        error_set(errp, "unsupported bus type '%s'", name);
        return false;
    }
    drive->interface = i;
    return true;
}

static bool take_media(Drive *drive, Opts *opts, Error **errp)
{
    g_autofree char *media = opts_take(opts, "media");

    drive->cdrom = media && !strcmp(media, "cdrom");
    if (media && !drive->cdrom && strcmp(media, "disk")) {
        error_set(errp, "'%s' invalid media", media);
        return false;
    }
    return true;
}

/* The first place that is free, from unit 0 of @drive->bus on. */
CONTROL_ONLY
static void next_free(Drive *drive, unsigned max)
{
    drive->unit = 0;
    while (drive_at(drive->interface, drive->bus, drive->unit)) {
        drive->unit++;
        if (max && drive->unit >= max) {
            drive->unit -= max;
            drive->bus++;
        }
    }
}

static unsigned units_of(DriveInterface interface,
                         const DriveDefaults *defaults)
{
    return interface == DRIVE_IF_IDE && defaults->ide_units
               ? defaults->ide_units
               : interfaces[interface].max_devs;
}

CONTROL_ONLY
static bool take_numbers(Drive *drive, Opts *opts,
                         const DriveDefaults *defaults, Error **errp)
{
    unsigned max = units_of(drive->interface, defaults);
    uint64_t index = UINT64_MAX, bus = 0, unit = UINT64_MAX;
    bool has_index, has_unit;

    if (!opts_take_number(opts, "index", false, &index, errp) ||
        !opts_take_number(opts, "bus", false, &bus, errp) ||
        !opts_take_number(opts, "unit", false, &unit, errp)) {
        return false;
    }
    has_index = index != UINT64_MAX;
    has_unit = unit != UINT64_MAX;
    if (has_index && (bus || has_unit)) {
        error_set(errp, "index cannot be used with bus and unit");
        return false;
    }
    if (max && has_unit && unit >= max) {
        error_set(errp, "unit %" PRIu64 " too big (max is %u)", unit, max - 1);
        return false;
    }
    drive->bus = has_index ? (max ? index / max : 0) : bus;
    drive->unit = has_index ? (max ? index % max : index) : unit;
    if (!has_index && !has_unit) {
        next_free(drive, max);
    }
    return true;
}

bool drive_take_place(Drive *drive, Opts *opts, const DriveDefaults *defaults,
                      Error **errp)
{
    unsigned max;

    drive->interface = defaults->interface;
    if (!take_media(drive, opts, errp) || !take_interface(drive, opts, errp) ||
        !take_numbers(drive, opts, defaults, errp)) {
        return false;
    }
    if (!drive_at(drive->interface, drive->bus, drive->unit)) {
        return true;
    }
    max = units_of(drive->interface, defaults);
    error_set(errp, "drive with bus=%u, unit=%u (index=%u) exists", drive->bus,
              drive->unit, max ? drive->bus * max + drive->unit : drive->unit);
    return false;
}

char *drive_default_id(const Drive *drive)
{
    const char *name = interfaces[drive->interface].name;
    const char *kind = "";

    if (drive->interface == DRIVE_IF_IDE || drive->interface == DRIVE_IF_SCSI) {
        kind = drive->cdrom ? "-cd" : "-hd";
    }
    return interfaces[drive->interface].named_by_bus
               ? g_strdup_printf("%s%u%s%u", name, drive->bus, kind,
                                 drive->unit)
               : g_strdup_printf("%s%s%u", name, kind, drive->unit);
}
