/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Models of devices: what can be plugged in, where, and which properties it
 * has. Names and properties are QEMU's.
 */
#ifndef DEVICES_MODEL_H
#define DEVICES_MODEL_H

#include <glib.h>

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
    DEVICE_SOUND,
    DEVICE_MISC,
    DEVICE_WATCHDOG,
    DEVICE_OTHER,
    DEVICE_CATEGORY__MAX,
} DeviceCategory;

#define DEVICE_SETS_MAX 8

typedef struct DeviceModel {
    const char *name, *alias, *text;
    DeviceCategory category;
    const char *bus; /* the kind of bus that it needs; NULL: none */
    DeviceUse use;
    /* The kind of bus that it brings, what its name is if the device has no
     * id, how many devices fit (0: any number), and how many such buses there
     * are (0: one). */
    const char *brings, *bus_name;
    unsigned bus_places, buses;
    unsigned scsi_id_max, scsi_lun_max; /* on the bus that it brings */
    /* Its properties, in sets that end with one without a name. */
    const DeviceProperty *sets[DEVICE_SETS_MAX];
    bool open_sets; /* there are others: what is said of these is not checked */
    bool only_asked; /* it can be asked about, and not be plugged in */
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
/* All of its properties, by name; the caller frees the array only. */
GPtrArray *device_model_properties(const DeviceModel *model);
/* The name of the type that has the property, for texts. */
const char *device_model_owner(const DeviceModel *model, const char *property);
/* `-device help`, `-device MODEL,help`; for the caller to free. */
GString *device_models_text(void);
GString *device_model_properties_text(const DeviceModel *model);

/* The tables of models; a row without a name ends. */
extern const DeviceModel device_models_disk[], device_models_asked[],
    device_models_plain[];

/* The sets of properties. */
extern const DeviceProperty device_set_pci[], device_set_virtio_pci[],
    device_set_virtio[], device_set_usb[], device_set_block[],
    device_set_geometry[], device_set_scsi[], device_set_ide[],
    device_set_virtio_blk[], device_set_virtio_blk_pci[],
    device_set_virtio_scsi_pci[], device_set_scsi_hd[], device_set_scsi_cd[],
    device_set_ide_hd[], device_set_floppy[], device_set_usb_storage[],
    device_set_nvme[], device_set_virtio_net_pci[], device_set_vfio_pci[],
    device_set_piix4_pm[], device_set_usb_redir[], device_set_kvm_pit[],
    device_set_vmport[], device_set_vga[], device_set_vmware_svga[],
    device_set_qxl[], device_set_virtio_gpu_pci[],
    device_set_virtio_gpu_device[], device_set_ich9_lpc[],
    device_set_virtio_balloon_pci[], device_set_virtio_balloon_device[],
    device_set_intel_iommu[], device_set_mch[], device_set_nvdimm[],
    device_set_pcie_root_port[], device_set_usb_host[],
    device_set_vhost_user_fs_device[], device_set_virtio_mem_pci[],
    device_set_virtio_iommu_pci[];

#endif
