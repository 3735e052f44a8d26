/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a device is put together: for device.c and built-in.c only. */
#ifndef DEVICES_DEVICE_INT_H
#define DEVICES_DEVICE_INT_H

#include "devices/device.h"

/* Not listed; @values is borrowed. */
Device *device_new(const DeviceModel *model, json_object *values) CONTROL_ONLY;
/* Not listed, or not any more; its disk has been let go. */
void device_free(Device *device) CONTROL_ONLY;
/* It is complete: others find it, and the bus that it brings. */
void device_enlist(Device *device) CONTROL_ONLY;

#endif
