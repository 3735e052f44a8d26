/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of back ends, their media and permissions: see backend.h. */
#include "block/backend/backend-int.h"
#include "block/backend/drive.h"

#include "block/backend/io-limits.h"
#include "block/graph/device.h"
#include "block/graph/quiesce.h"

/* CONTROL */
static ListLink backends = LIST_INIT(backends);

/* --- what the graph knows of it ------------------------------------------ */

static const char *root_device(const Root *root)
{
    const Backend *backend = root_opaque(root);

    return backend->name;
}

/* A name, else the device's place. NULL: neither. */
static char *name_or_path(const Backend *backend)
{
    return backend->name ? g_strdup(backend->name)
                         : backend_device_path(backend);
}

static char *describe(const Root *root)
{
    g_autofree char *name = name_or_path(root_opaque(root));

    return name ? g_strdup_printf("block device '%s'", name)
                : g_strdup("an unnamed block device");
}

static char *picture_name(const Root *root)
{
    char *name = name_or_path(root_opaque(root));

    return name ? name : g_strdup("");
}

/* CONTROL: nobody is held back any more, or for a while */
static bool released, all_hurried;

static bool is_hurried(void *opaque)
{
    const Backend *backend = opaque;

    return released || all_hurried || backend->hurried;
}

COROUTINE_ONLY
static void co_admit(Root *root, bool is_write, uint64_t bytes)
{
    Backend *backend = root_opaque(root);

    if (UNLIKELY(backend->limits.group)) {
        co_throttle_admit(&backend->limits,
                          is_write ? THROTTLE_WRITE : THROTTLE_READ, bytes);
    }
}

static const RootOps root_ops = {
    .co_admit = co_admit,
    .request_failed = backend_request_failed,
    .of_guest = true,
    .describe = describe,
    .device = root_device,
    .path = picture_name,
};

CONTROL_ONLY
static Root *find_root(const char *name)
{
    Backend *backend = backend_by_name(name);

    return backend ? backend->root : NULL;
}

void backends_init(void)
{
    devices_set_find(find_root);
}

/* --- life ---------------------------------------------------------------- */

CONTROL_ONLY
static bool name_free(const char *name, Error **errp)
{
    if (backend_by_name(name)) {
        error_set(errp, "Device with id '%s' already exists", name);
        return false;
    }
    if (node_find(name)) {
        error_set(errp, "Device name '%s' conflicts with an existing node name",
                  name);
        return false;
    }
    return true;
}

Backend *backend_new(const char *name, Error **errp)
{
    Backend *backend;

    if (name && !name_free(name, errp)) {
        return NULL;
    }
    backend = g_new0(Backend, 1);
    backend->name = g_strdup(name);
    backend->refs = 1;
    backend->root = root_new("root", &root_ops, backend);
    backend->shared = PERM_ALL;
    backend_set_errors(backend, BLOCKDEV_ON_ERROR_REPORT,
                       BLOCKDEV_ON_ERROR_ENOSPC);
    throttle_member_init(&backend->limits, is_hurried, backend);
    account_init(&backend->account);
    list_append(&backends, &backend->link);
    return backend;
}

void backend_ref(Backend *backend)
{
    backend->refs++;
}

void co_backend_unref(Backend *backend)
{
    if (!backend || --backend->refs > 0) {
        return;
    }
    assert(!backend->device);
    list_remove(&backend->link);
    backend->hurried = true;
    throttle_member_hurry(&backend->limits);
    co_root_detach(backend->root);
    backend_limits_drop(backend);
    account_free(&backend->account);
    root_free(backend->root);
    g_free(backend->name);
    g_free(backend);
}

void co_backends_shutdown(void)
{
    LIST_FOREACH_SAFE(backend, &backends, Backend, link) {
        if (backend->device) {
            co_backend_detach_device(backend->device);
        }
    }
    while (!list_empty(&backends)) {
        co_backend_unref(LIST_ENTRY(list_first(&backends), Backend, link));
    }
}

/* --- finding ------------------------------------------------------------- */

Backend *backend_by_name(const char *name)
{
    LIST_FOREACH(backend, &backends, Backend, link) {
        if (backend->name && !strcmp(backend->name, name)) {
            return backend;
        }
    }
    return NULL;
}

Backend *backend_of_node(const Node *node)
{
    LIST_FOREACH(backend, &backends, Backend, link) {
        if (backend_node(backend) == node) {
            return backend;
        }
    }
    return NULL;
}

Backend *backend_next(Backend *backend)
{
    ListLink *next = backend ? backend->link.next : backends.next;

    return next == &backends ? NULL : LIST_ENTRY(next, Backend, link);
}

/* --- small questions ----------------------------------------------------- */

const char *backend_name(const Backend *backend)
{
    return backend->name ? backend->name : "";
}

Root *backend_root(const Backend *backend)
{
    return backend->root;
}

Node *backend_node(const Backend *backend)
{
    return root_node(backend->root);
}

BackendDevice *backend_device(const Backend *backend)
{
    return backend->device;
}

char *backend_device_path(const Backend *backend)
{
    return backend->device ? backend->device->ops->path(backend->device) : NULL;
}

Perms backend_perm(const Backend *backend)
{
    return backend->perm;
}

Perms backend_shared(const Backend *backend)
{
    return backend->shared;
}

void backend_set_read_only(Backend *backend, bool read_only)
{
    backend->read_only = read_only;
}

bool backend_read_only(const Backend *backend)
{
    return backend->read_only;
}

void backend_set_errors(Backend *backend, BlockdevOnError on_read,
                        BlockdevOnError on_write)
{
    backend->on_read_error = on_read;
    backend->on_write_error = on_write;
}

void backend_set_writethrough(Backend *backend, bool on)
{
    backend->writethrough = on;
}

bool backend_writethrough(const Backend *backend)
{
    return backend->writethrough;
}

void backend_override_errors(Backend *backend, BlockdevOnError on_read,
                             BlockdevOnError on_write)
{
    if (on_read != BLOCKDEV_ON_ERROR_AUTO) {
        backend->on_read_error = on_read;
    }
    if (on_write != BLOCKDEV_ON_ERROR_AUTO) {
        backend->on_write_error = on_write;
    }
}

void backends_hurry(bool hurry)
{
    all_hurried = hurry;
    LIST_FOREACH(backend, &backends, Backend, link) {
        throttle_member_hurry(&backend->limits);
    }
}

void backends_release(void)
{
    released = true;
    LIST_FOREACH(backend, &backends, Backend, link) {
        throttle_member_hurry(&backend->limits);
    }
}

Account *backend_account(Backend *backend)
{
    return &backend->account;
}

void backends_forget_errors(void)
{
    LIST_FOREACH(backend, &backends, Backend, link) {
        backend->io_status = BLOCK_DEVICE_IO_STATUS_OK;
    }
}

/* --- media and permissions ----------------------------------------------- */

static void tell_device(Backend *backend, bool loaded)
{
    BackendDevice *device = backend->device;

    if (device && device->ops->medium_changed) {
        device->ops->medium_changed(device, loaded);
    }
}

/* Who takes media of all kinds bears one that cannot be written to. */
static Perms perm_for(const Backend *backend, const Node *node)
{
    bool any_medium = !backend->device || backend->device->removable;

    return any_medium && node->read_only ? backend->perm & ~PERM_WRITE
                                         : backend->perm;
}

bool backend_insert(Backend *backend, Node *node, Error **errp)
{
    if (!root_attach(backend->root, node, perm_for(backend, node),
                     backend->shared, errp)) {
        return false;
    }
    tell_device(backend, true);
    return true;
}

void co_backend_eject(Backend *backend)
{
    if (backend_node(backend)) {
        backend_remember_medium(backend);
        backend_tell_eject(backend);
        tell_device(backend, false);
        backend->hurried = true;
        throttle_member_hurry(&backend->limits);
        co_root_detach(backend->root);
        backend->hurried = false;
    }
}

bool co_backend_change(Backend *backend, Node *node, Error **errp)
{
    Node *old = backend_node(backend);
    bool ok;

    if (!old) {
        return !node || backend_insert(backend, node, errp);
    }
    if (!node) {
        co_backend_eject(backend);
        return true;
    }
    if (old == node) {
        return true;
    }
    ok = co_root_move(backend->root, node, errp);
    if (ok) {
        tell_device(backend, true);
    }
    return ok;
}

bool backend_set_perms(Backend *backend, Perms perm, Perms shared, Error **errp)
{
    if (backend_node(backend) &&
        !root_set_perms(backend->root, perm, shared, errp)) {
        return false;
    }
    backend->perm = perm;
    backend->shared = shared;
    return true;
}

/* --- devices ------------------------------------------------------------- */

bool backend_attach_device(Backend *backend, BackendDevice *device,
                           Error **errp)
{
    if (backend->device) {
        const Drive *drive = drive_of_backend(backend);
        bool automatic = drive && drive->interface != DRIVE_IF_NONE;

        error_set(errp, "Drive '%s' is already in use %s",
                  backend_name(backend),
                  automatic ? "because it has been automatically connected to "
                              "another device (did you need 'if=none' in the "
                              "drive options?)"
                            : "by another device");
        return false;
    }
    backend_ref(backend);
    backend->device = device;
    device->backend = backend;
    return true;
}

void co_backend_detach_device(BackendDevice *device)
{
    Backend *backend = device->backend;

    if (!backend) {
        return;
    }
    backend->device = NULL;
    device->backend = NULL;
    /* To do less is no conflict with anybody. */
    backend_set_perms(backend, 0, PERM_ALL, NULL);
    co_backend_unref(backend);
}
