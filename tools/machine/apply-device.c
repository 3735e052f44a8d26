/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that make devices; devices for drives. */
#include "devices/device.h"
#include "migration/migration.h"
#include "migration/vm-snapshot.h"
#include "monitor/monitor.h"
#include "tools/machine/apply.h"
#include "util/json/json-parse.h"
#include "util/opts.h"

COROUTINE_ONLY CONTROL_ONLY static bool
co_add_device(const char *text, const char *shown, Error **errp)
{
    bool strict = *text == '{';
    json_object *values;
    Device *device = NULL;
    Opts *opts;

    if (strict) {
        values = json_parse_string(text, errp);
    } else {
        opts = opts_parse(text, "driver", shown);
        values = json_object_new_object();
        for (guint i = 0; i < opts->list->len; i++) {
            const Opt *opt = opts->list->pdata[i];

            json_object_object_add(values, opt->name,
                                   json_object_new_string(opt->value));
        }
        opts_free(opts);
    }
    if (values) {
        device = co_device_add(values, strict, errp);
        json_object_put(values);
    }
    return device != NULL;
}

bool co_apply_device(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_add_device(option->text, option->shown, errp);
}

bool apply_incoming(Apply *apply, const MachineOption *option, Error **errp)
{
    return migration_incoming_begin(option->text, errp);
}

bool co_apply_loadvm(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_vm_snapshot_load(&(VmSnapshot){.tag = option->text}, errp);
}

/* The machine's own device does not get its medium: that is told without the
 * option. */
static bool is_about_medium(const Drive *drive, const Error *err)
{
    return drive->interface != DRIVE_IF_VIRTIO &&
           !g_str_has_prefix(error_text(err), "machine type ");
}

static gint compare_places(gconstpointer a, gconstpointer b)
{
    const Drive *const *x = a, *const *y = b;

    return (*x)->bus != (*y)->bus ? (int)(*x)->bus - (int)(*y)->bus
                                  : (int)(*x)->unit - (int)(*y)->unit;
}

/* The drives of this kind; those that the machine itself has by their place. */
CONTROL_ONLY
static GPtrArray *drives_of(bool virtio, bool floppy)
{
    GPtrArray *drives = g_ptr_array_new();

    for (Drive *d = drive_next(NULL); d; d = drive_next(d)) {
        if ((d->interface == DRIVE_IF_VIRTIO) == virtio &&
            (d->interface == DRIVE_IF_FLOPPY) == floppy) {
            g_ptr_array_add(drives, d);
        }
    }
    if (!virtio) {
        g_ptr_array_sort(drives, compare_places);
    }
    return drives;
}

/* Devices for the drives of this kind that are to have one. */
bool co_drive_devices(bool virtio, bool floppy)
{
    g_autoptr(GPtrArray) drives = drives_of(virtio, floppy);

    for (guint i = 0; i < drives->len; i++) {
        const Drive *d = drives->pdata[i];
        Error *err = NULL;

        if (!co_device_for_drive(drives->pdata[i], &err)) {
            if (d->shown && !is_about_medium(d, err)) {
                error_prepend(&err, "%s: ", d->shown);
            }
            monitors_greet_in_vain();
            error_report_err(err);
            return false;
        }
    }
    return true;
}
