/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of devices: see device.h. */
#include "devices/device-int.h"

#include "block/job/block-job.h"
#include "block/job/verbs.h"
#include "devices/netdev.h"
#include "objects/iothread.h"
#include "qapi/qapi-events.h"
#include "util/id.h"

#define PERIPHERAL "/machine/peripheral/"

/* CONTROL */
static ListLink devices = LIST_INIT(devices);
static unsigned anonymous;
static bool running; /* the command line has been dealt with */

/* --- finding ------------------------------------------------------------- */

Device *device_next(Device *device)
{
    ListLink *next = device ? device->link.next : devices.next;

    return next == &devices ? NULL : LIST_ENTRY(next, Device, link);
}

Device *device_find(const char *id_or_path)
{
    LIST_FOREACH(device, &devices, Device, link) {
        if ((device->id && !strcmp(device->id, id_or_path)) ||
            !strcmp(device->path, id_or_path)) {
            return device;
        }
    }
    return NULL;
}

/* --- what the back end knows of it --------------------------------------- */

static char *disk_path(const BackendDevice *disk)
{
    const Device *device = container_of(disk, Device, disk);

    if (device->model->inner_type) {
        return g_strconcat(device->path, "/virtio-backend", NULL);
    }
    if (!strcmp(device->model->name, "usb-storage")) {
        return g_strconcat(device->path, "/", device->id ? device->id : "scsi",
                           ".0/legacy[0]", NULL);
    }
    return g_strdup(device->id ? device->id : device->path);
}

static const BackendDeviceOps disk_ops = {.path = disk_path};

static void init_disk(Device *device)
{
    const DeviceModel *model = device->model;
    bool removable_disk =
        model->use == DEVICE_USES_DISK && device_flag(device, "removable");

    device->disk.ops = &disk_ops;
    device->disk.removable = model->use != DEVICE_USES_DISK || removable_disk;
    device->disk.has_tray = model->use == DEVICE_USES_CD || removable_disk;
    device->disk.counts_status = model->counts_status;
}

/* --- making -------------------------------------------------------------- */

static const char *string_of(json_object *values, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(values, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

CONTROL_ONLY
static bool id_ok(const char *id, Error **errp)
{
    if (!id_check(id, errp)) {
        return false;
    }
    if (device_find(id)) {
        error_set(errp,
                  running ? "Duplicate device ID '%s'"
                          : "Duplicate ID '%s' for device",
                  id);
        return false;
    }
    return true;
}

Device *device_new(const DeviceModel *model, json_object *values)
{
    Device *device = g_new0(Device, 1);

    device->model = model;
    device->values = json_object_get(values);
    device->hotplugged = running;
    init_disk(device);
    return device;
}

void device_free(Device *device)
{
    buses_remove_of(device);
    if (device->iothread) {
        co_object_release(device->iothread);
    }
    json_object_put(device->values);
    g_free(device->id);
    g_free(device->path);
    g_free(device);
}

CONTROL_ONLY
static bool take_iothread(Device *device, Error **errp)
{
    const char *name = device_text(device, "iothread", NULL);
    Object *object = name ? object_find(name) : NULL;

    if (!name || !*name) {
        return true;
    }
    if (!object || object->class != &object_iothread) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", name);
        return false;
    }
    device->iothread = object;
    object_hold(object);
    return true;
}

CONTROL_ONLY
static bool bootindex_ok(const Device *device, Error **errp)
{
    int64_t index = device_number(device, "bootindex", -1);

    LIST_FOREACH(other, &devices, Device, link) {
        if (index >= 0 && device_number(other, "bootindex", -1) == index) {
            error_set(errp, "The bootindex %" PRId64 " has already been used",
                      index);
            return false;
        }
    }
    return true;
}

static char *path_of(const Device *device)
{
    return device->id ? g_strconcat(PERIPHERAL, device->id, NULL)
                      : g_strdup_printf("/machine/peripheral-anon/device[%u]",
                                        anonymous++);
}

/* What is left when it has its model, bus and id. */
COROUTINE_ONLY CONTROL_ONLY static bool co_complete(Device *device, bool strict,
                                                    Error **errp)
{
    return device_values_check(device->model, device->values, strict, errp) &&
           netdev_fits(device, errp) && take_iothread(device, errp) &&
           bootindex_ok(device, errp) && device_scsi_place_ok(device, errp) &&
           bus_place(device, device_number(device, "unit", -1), errp) &&
           co_device_attach_disk(device, errp);
}

void device_enlist(Device *device)
{
    const DeviceModel *model = device->model;

    for (unsigned i = 0; model->brings && i < MAX(model->buses, 1); i++) {
        bus_add(bus_name_for(device, i), model->brings, device,
                model->bus_places);
    }
    list_append(&devices, &device->link);
}

static const DeviceModel *find_model(json_object *values, Error **errp)
{
    const char *driver = string_of(values, "driver");
    const DeviceModel *model = driver ? device_model_find(driver) : NULL;

    if (!driver) {
        error_set(errp, "Parameter 'driver' is missing");
    } else if (!model) {
        error_set(errp, "'%s' is not a valid device model name", driver);
    } else if (model->only_asked) {
        error_set(errp, "Parameter 'driver' expects a pluggable device type");
        model = NULL;
    }
    return model;
}

Device *co_device_add(json_object *values, bool strict, Error **errp)
{
    const DeviceModel *model = find_model(values, errp);
    const char *id = string_of(values, "id");
    Device *device;
    unsigned number = anonymous;
    Bus *bus;

    if (!model || !bus_choose(model, string_of(values, "bus"), &bus, errp) ||
        (running && !bus_check_plug(bus, errp)) || (id && !id_ok(id, errp))) {
        return NULL;
    }
    device = device_new(model, values);
    device->id = g_strdup(id);
    device->at = bus;
    device->path = path_of(device);
    if (!co_complete(device, strict, errp)) {
        anonymous = number;
        device_free(device);
        return NULL;
    }
    device_enlist(device);
    return device;
}

void devices_set_running(void)
{
    running = true;
}

/* --- removing ------------------------------------------------------------ */

/* What has gone. */
typedef struct Gone {
    GPtrArray *events; /* QapiEventDeviceDeleted */
    GPtrArray *disks;  /* Node, with a reference: what it used */
} Gone;

static void add_event(Gone *gone, const char *id, const char *path)
{
    QapiEventDeviceDeleted *data = g_new0(QapiEventDeviceDeleted, 1);

    data->device = g_strdup(id);
    data->path = g_strdup(path);
    g_ptr_array_add(gone->events, data);
}

CONTROL_ONLY
static void tell_events(const Gone *gone)
{
    for (guint i = 0; i < gone->events->len; i++) {
        QapiEventDeviceDeleted *data = gone->events->pdata[i];

        qapi_event_device_deleted(data);
        g_free(data->device);
        g_free(data->path);
        g_free(data);
    }
}

/* The events come after the answer, as from a guest that lets it go. */
COROUTINE_ONLY CONTROL_ONLY static void co_tell_gone(void *opaque)
{
    Gone *gone = opaque;

    co_reschedule();
    co_graph_lock();
    for (guint i = 0; i < gone->disks->len; i++) {
        jobs_show_detach(gone->disks->pdata[i]);
        co_node_unref(gone->disks->pdata[i]);
    }
    graph_unlock();
    tell_events(gone);
    g_ptr_array_free(gone->events, TRUE);
    g_ptr_array_free(gone->disks, TRUE);
    g_free(gone);
}

/* A device that stands on the bus that @owner brings, or NULL. */
CONTROL_ONLY
static Device *device_on(const Device *owner)
{
    LIST_FOREACH(device, &devices, Device, link) {
        if (device->at && device->at->owner == owner) {
            return device;
        }
    }
    return NULL;
}

/* A drive that was made for a device goes with it. */
COROUTINE_ONLY CONTROL_ONLY static void co_let_disk_go(Device *device)
{
    Backend *backend = device->disk.backend;
    Drive *drive = backend ? drive_of_backend(backend) : NULL;

    co_backend_detach_device(&device->disk);
    if (drive) {
        co_drive_free(drive);
    }
}

/* Jobs of its disk see it go, or end with it. */
COROUTINE_ONLY CONTROL_ONLY static void co_settle_jobs(const Device *device,
                                                       Gone *gone)
{
    Backend *backend = device->disk.backend;
    Node *disk = backend ? backend_node(backend) : NULL;
    g_autoptr(GPtrArray) disks = g_ptr_array_new();

    if (!disk) {
        return;
    }
    g_ptr_array_add(disks, disk);
    jobs_show_pause_of_users(disks);
    node_ref(disk);
    g_ptr_array_add(gone->disks, disk);
    if (drive_of_backend(backend)) {
        co_jobs_disk_goes(disk);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_take_out(Device *device, Gone *gone)
{
    Device *child;

    while ((child = device_on(device))) {
        co_take_out(child, gone);
    }
    list_remove(&device->link);
    if (gone) {
        co_settle_jobs(device, gone);
    }
    co_graph_lock();
    co_let_disk_go(device);
    graph_unlock();
    if (gone && device->model->inner_type) {
        g_autofree char *inner =
            g_strconcat(device->path, "/virtio-backend", NULL);

        add_event(gone, NULL, inner);
    }
    if (gone) {
        add_event(gone, device->id, device->path);
    }
    device_free(device);
}

void co_device_remove(Device *device)
{
    Gone *gone = g_new(Gone, 1);

    *gone = (Gone){g_ptr_array_new(), g_ptr_array_new()};
    co_take_out(device, gone);
    coroutine_start(co_tell_gone, gone);
}

void co_devices_shutdown(void)
{
    Drive *drive;

    while (!list_empty(&devices)) {
        co_take_out(LIST_ENTRY(list_first(&devices), Device, link), NULL);
    }
    buses_remove_of(NULL);
    co_graph_lock();
    while ((drive = drive_next(NULL))) {
        co_drive_free(drive);
    }
    co_backends_shutdown();
    graph_unlock();
}
