/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices chose where nothing was said: places, queues, and the paths of
 * the buses they stand on. */
#include "devices/about.h"
#include "devices/board.h"
#include "devices/device-int.h"

/* --- places on a SCSI bus ------------------------------------------------ */

/* A place on a bus. */
typedef struct ScsiPlace {
    int64_t id, lun;
} ScsiPlace;

static bool is_taken(const GArray *taken, ScsiPlace place)
{
    for (guint i = 0; i < taken->len; i++) {
        const ScsiPlace *other = &g_array_index(taken, ScsiPlace, i);

        if (other->id == place.id && other->lun == place.lun) {
            return true;
        }
    }
    return false;
}

/* Not said: the next. */
static int64_t asked(const Device *device, const char *name)
{
    int64_t number = device_number(device, name, -1);

    return number == UINT32_MAX ? -1 : number;
}

static ScsiPlace choose_place(const Device *device, const GArray *taken)
{
    ScsiPlace place = {asked(device, "scsi-id"), asked(device, "lun")};

    if (place.id < 0) {
        place.lun = MAX(place.lun, 0);
        for (place.id = 0; is_taken(taken, place);) {
            place.id++;
        }
    } else if (place.lun < 0) {
        for (place.lun = 0; is_taken(taken, place);) {
            place.lun++;
        }
    }
    return place;
}

void device_scsi_place(const Device *device, int64_t *id, int64_t *lun)
{
    g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(ScsiPlace));
    ScsiPlace place;

    for (Device *d = device_next(NULL); d && d != device; d = device_next(d)) {
        if (d->at == device->at && device_model_property(d->model, "scsi-id")) {
            place = choose_place(d, taken);
            g_array_append_val(taken, place);
        }
    }
    place = choose_place(device, taken);
    *id = place.id;
    *lun = place.lun;
}

/* --- values -------------------------------------------------------------- */

json_object *device_bus_value(const Bus *bus)
{
    const char *pci = board_chosen()->pci_bus;
    g_autofree char *path = NULL;

    if (bus->owner) {
        path =
            g_strconcat(bus->owner->path,
                        bus->owner->model->inner_type ? "/virtio-backend" : "",
                        "/", bus->name, NULL);
    } else if (pci && !strcmp(bus->name, pci)) {
        path = g_strdup_printf("/machine/%s/%s",
                               strcmp(pci, "pci.0") ? "q35" : "i440fx", pci);
    }
    return json_object_new_string(path ? path : bus->name);
}

json_object *device_chosen_value(const Device *device, const char *name)
{
    bool is_id = !strcmp(name, "scsi-id");
    int64_t id, lun;

    if (is_id || !strcmp(name, "lun")) {
        device_scsi_place(device, &id, &lun);
        return json_object_new_int64(is_id ? id : lun);
    }
    if (!strcmp(name, "unit")) {
        return json_object_new_int64(device->unit);
    }
    if (!strcmp(name, "bootindex")) {
        return json_object_new_int64(device_number(device, name, -1));
    }
    if (device->model->inner_type &&
        (!strcmp(name, "num-queues") || !strcmp(name, "num_queues"))) {
        return json_object_new_int64(
            device_number(device, name, MAX(machine_cpus(), 1)));
    }
    return NULL;
}
