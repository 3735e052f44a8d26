/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Models of devices: what can be plugged in, where, and which properties it
 * has. Names and properties are QEMU's.
 */
#ifndef DEVICES_MODEL_H
#define DEVICES_MODEL_H

#include "util/common.h"

typedef struct DeviceProperty {
    const char *name, *type;
    const char *text;  /* what is printed of it, or NULL */
    const char *value; /* if nothing is said, or NULL */
} DeviceProperty;

/* What a device is to a back end. */
typedef enum DeviceUse {
    DEVICE_USES_NOTHING, /* it has no disk */
    DEVICE_USES_DISK,
    DEVICE_USES_CD,
    DEVICE_USES_FLOPPY,
} DeviceUse;

typedef enum DeviceCategory {
    DEVICE_BRIDGE,
    DEVICE_USB,
    DEVICE_STORAGE,
    DEVICE_NETWORK,
    DEVICE_INPUT,
    DEVICE_DISPLAY,
    DEVICE_MISC,
    DEVICE_CATEGORY__MAX,
} DeviceCategory;

typedef struct DeviceModel {
    const char *name, *alias, *text;
    DeviceCategory category;
    const char *bus; /* the kind of bus that it needs; NULL: none */
    DeviceUse use;
    /* The kind of bus that it brings, what its name is if the device has no
     * id, and how many devices fit (0: any number). */
    const char *brings, *bus_name;
    unsigned bus_places;
    const DeviceProperty *properties; /* NULL: what is said is not checked */
    /* Its disk is the part "virtio-backend", of this type. */
    const char *inner_type;
    bool shares_resize; /* its disk may change its size */
    bool counts_status; /* query-block shows how its requests went */
    bool needs_serial;
} DeviceModel;

/* The entry at @index of the table; NULL ends. */
const DeviceModel *device_model_at(unsigned index);
/* By name or alias; NULL: none. */
const DeviceModel *device_model_find(const char *name);
const DeviceProperty *device_model_property(const DeviceModel *model,
                                            const char *name);
/* The name of the type that has the property, for texts. */
const char *device_model_owner(const DeviceModel *model, const char *property);
/* `-device help`, `-device MODEL,help`. */
void device_models_print(void);
void device_model_print_properties(const DeviceModel *model);

extern const DeviceProperty device_properties_virtio_blk_pci[],
    device_properties_virtio_blk_device[], device_properties_virtio_scsi_pci[],
    device_properties_scsi_hd[], device_properties_scsi_cd[],
    device_properties_ide_hd[], device_properties_ide_cd[],
    device_properties_floppy[], device_properties_usb_storage[],
    device_properties_nvme[];

#endif
