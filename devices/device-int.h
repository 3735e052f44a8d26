/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a device is put together: for device.c and built-in.c only. */
#ifndef DEVICES_DEVICE_INT_H
#define DEVICES_DEVICE_INT_H

#include "devices/device.h"

/* Not listed; @values is borrowed. */
Device *device_new(const DeviceModel *model, json_object *values) CONTROL_ONLY;
/* Not listed, or not any more; its disk has been let go. */
void device_free(Device *device) COROUTINE_ONLY CONTROL_ONLY;
/* It is complete: others find it, and the bus that it brings. */
void device_enlist(Device *device) CONTROL_ONLY;

/* --- values.c ------------------------------------------------------------ */

#define DEVICE_BLOCK_MIN 512

/* A value as in an option string. */
const char *device_json_text(json_object *value);
/* @name is for nothing but texts. */
bool device_parse_size(const char *name, const char *text, uint64_t *size);

/* --- limits.c ------------------------------------------------------------ */

/* Values that are right one by one, together. */
bool device_limits_check(const DeviceModel *model, json_object *values,
                         Error **errp);
/* Whether a SCSI device has a place of its own; true for all others. */
bool device_scsi_place_ok(const Device *device, Error **errp) CONTROL_ONLY;

/* --- chosen.c; the caller owns what these return ------------------------- */

/* Where a SCSI device stands, or would stand next to those that are listed. */
void device_scsi_place(const Device *device, int64_t *id,
                       int64_t *lun) CONTROL_ONLY;

/* The path of a bus, as far as it is known where that is. */
json_object *device_bus_value(const Bus *bus) CONTROL_ONLY;
/* What @name is after the device has chosen, or NULL: that is no matter of
 * choice. */
json_object *device_chosen_value(const Device *device,
                                 const char *name) CONTROL_ONLY;

#endif
