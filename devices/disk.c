/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices as users of back ends.
 *
 * What a guest may do at any time, its device is allowed to do all the time:
 * to read and, unless the disk is read-only, to write; and nobody else may
 * write meanwhile (share-rw=on lifts that).
 */
#include "block/graph/activity.h"
#include "devices/device.h"
#include "devices/run-state.h"

#include "block/graph/op-blocker.h"

/* --- threads ------------------------------------------------------------- */

Object *device_thread(const Device *device)
{
    const Bus *bus = device->at;

    return bus && bus->owner && !device->iothread ? bus->owner->iothread
                                                  : device->iothread;
}

static bool overlap(const Node *a, const Node *b)
{
    return node_leads_to(a, b) || node_leads_to(b, a);
}

/* From where it uses its disk: the thread of a virtio-blk device is its guest
 * driver's to start. */
CONTROL_ONLY
static const Object *thread_in_use(const Device *device)
{
    return device->model->inner_type ? NULL : device_thread(device);
}

/* All disks on a node are used from one thread. */
CONTROL_ONLY
static bool thread_ok(const Device *device, const Node *node, Error **errp)
{
    if (!node) {
        return true;
    }
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        const Node *other =
            d->disk.backend ? backend_node(d->disk.backend) : NULL;

        if (d != device && other && overlap(node, other) &&
            thread_in_use(d) != thread_in_use(device)) {
            error_set(errp, "Cannot change iothread of active block backend");
            return false;
        }
    }
    return true;
}

/* virtio-scsi takes what is on it to its thread, even if it has none of its
 * own: nobody who works on the node may mind. */
CONTROL_ONLY
static bool may_share(const Device *device, const Node *node, Error **errp)
{
    const Bus *bus = device->at;

    return !node || !bus || !bus->owner ||
           !g_str_has_prefix(bus->owner->model->name, "virtio-scsi") ||
           node_op_allowed(node, NODE_OP_SHARE, errp);
}

/* --- permissions --------------------------------------------------------- */

/* Some devices bear a disk that cannot be written to. */
static bool takes_read_only(const Device *device)
{
    return strcmp(device->model->bus, "IDE") ||
           device->model->use == DEVICE_USES_CD;
}

static Perms wanted_perm(const Device *device, const Backend *backend)
{
    const Node *node = backend_node(backend);
    bool read_only =
        node ? node_is_read_only(node) : backend_read_only(backend);

    if (device->model->use == DEVICE_USES_CD ||
        (read_only && takes_read_only(device))) {
        return PERM_CONSISTENT_READ;
    }
    return PERM_CONSISTENT_READ | PERM_WRITE;
}

static Perms shared_perm(const Device *device)
{
    Perms shared = PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED;

    shared |= device->model->shares_resize ? PERM_RESIZE : 0;
    shared |= device_flag(device, "share-rw") ? PERM_WRITE : 0;
    return shared;
}

/* --- the back end -------------------------------------------------------- */

static BlockdevOnError action_of(const Device *device, const char *name)
{
    const char *text = device_text(device, name, "auto");
    BlockdevOnError action = BLOCKDEV_ON_ERROR_AUTO;

    BlockdevOnError_parse(text, &action);
    return action;
}

static bool needs_medium(const Device *device)
{
    return device->model->use == DEVICE_USES_DISK;
}

/* Floppies cannot act upon errors. */
static bool floppy_errors_ok(const Device *device, const Backend *backend,
                             Error **errp)
{
    const char *asked = backend_errors_asked(backend);

    if (device->model->use != DEVICE_USES_FLOPPY || !asked) {
        return true;
    }
    error_set(errp, "fdc doesn't support drive option %s", asked);
    return false;
}

static void set_write_cache(const Device *device, Backend *backend)
{
    const char *text = device_text(device, "write-cache", "auto");

    if (strcmp(text, "auto")) {
        backend_set_writethrough(backend, !strcmp(text, "off"));
    }
}

/* Devices that are there when a machine comes wait for their images; one that
 * is plugged in needs its image at once. */
CONTROL_ONLY static bool image_is_ours(const Device *device,
                                       const Backend *backend, Error **errp)
{
    const Node *node = backend_node(backend);

    if (node && node->inactive && run_state_get() != RUN_STATE_INMIGRATE &&
        (wanted_perm(device, backend) & PERM_WRITE)) {
        error_set(errp, "Block node is read-only");
        return false;
    }
    return true;
}

bool co_device_use_backend(Device *device, Backend *backend, Error **errp)
{
    bool ok;

    if (needs_medium(device) && !backend_node(backend) &&
        !backend_device(backend)) {
        error_set(errp, device->model->needs_serial
                            ? "could not get blockdev size: No medium found"
                            : "Device needs media, but drive is empty");
        return false;
    }
    if (!floppy_errors_ok(device, backend, errp) ||
        !backend_attach_device(backend, &device->disk, errp)) {
        return false;
    }
    set_write_cache(device, backend);
    backend_override_errors(backend, action_of(device, "rerror"),
                            action_of(device, "werror"));
    ok = thread_ok(device, backend_node(backend), errp) &&
         image_is_ours(device, backend, errp) &&
         backend_set_perms(backend, wanted_perm(device, backend),
                           shared_perm(device), errp) &&
         may_share(device, backend_node(backend), errp);
    if (!ok) {
        co_backend_detach_device(&device->disk);
    }
    return ok;
}

/* A back end of its own for the node called @name. */
COROUTINE_ONLY CONTROL_ONLY static Backend *co_backend_for_node(Node *node,
                                                                Error **errp)
{
    Backend *backend = backend_new(NULL, errp);

    if (backend && !backend_insert(backend, node, errp)) {
        co_backend_unref(backend);
        return NULL;
    }
    return backend;
}

COROUTINE_ONLY CONTROL_ONLY static Backend *
co_find_backend(Device *device, const char *name, Error **errp)
{
    Backend *backend = backend_by_name(name);
    Node *node = node_find(name);

    if (backend) {
        backend_ref(backend);
        return backend;
    }
    if (!node) {
        error_set(errp, "Property '%s.drive' can't find value '%s'",
                  device_model_owner(device->model, "drive"), name);
        return NULL;
    }
    return co_backend_for_node(node, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_attach(Device *device, const char *name, Error **errp)
{
    Backend *backend = co_find_backend(device, name, errp);
    Drive *drive;
    bool ok;

    if (!backend) {
        return false;
    }
    drive = drive_of_backend(backend);
    ok = co_device_use_backend(device, backend, errp);
    if (ok && drive) {
        drive->claimed = true;
    }
    co_backend_unref(backend);
    return ok;
}

/* A drive without disk: a removable medium that may come later. */
COROUTINE_ONLY CONTROL_ONLY static bool co_attach_empty(Device *device,
                                                        Error **errp)
{
    Backend *backend;
    bool ok;

    if (needs_medium(device)) {
        error_set(errp, !strcmp(device->model->bus, "IDE")
                            ? "No drive specified"
                            : "drive property not set");
        return false;
    }
    backend = backend_new(NULL, errp);
    ok = backend && co_device_use_backend(device, backend, errp);
    if (ok) {
        backend_set_read_only(backend, true); /* as its first medium will be */
    }
    co_backend_unref(backend);
    return ok;
}

bool co_device_attach_disk(Device *device, Error **errp)
{
    const char *name = device_text(device, "drive", NULL);
    bool ok;

    if (device->model->use == DEVICE_USES_NOTHING) {
        return true;
    }
    if (device->model->needs_serial && !device_text(device, "serial", NULL)) {
        error_set(errp, "serial property not set");
        return false;
    }
    if (device->model->needs_serial && !name) {
        return true; /* a controller, for disks that stand on it */
    }
    co_graph_lock();
    ok = name && *name ? co_attach(device, name, errp)
                       : co_attach_empty(device, errp);
    graph_unlock();
    return ok;
}

bool co_device_set_drive(Device *device, const char *name, Error **errp)
{
    Backend *backend = device->disk.backend;
    Node *node;
    bool ok = false;

    co_graph_lock();
    node = node_lookup(NULL, name, errp);
    if (node && thread_ok(device, node, errp)) {
        ok = co_backend_change(backend, node, errp);
    }
    graph_unlock();
    return ok;
}
