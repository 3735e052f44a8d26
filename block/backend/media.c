/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removable media: trays, and what is put into devices. A device without a
 * tray takes and gives media at any time; one without a device, too.
 */
#include "block/backend/drive-int.h"

#include "block/backend/backend-int.h"
#include "block/graph/device.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-events.h"

static bool is_removable(const Backend *backend)
{
    return !backend->device || backend->device->removable;
}

static bool has_tray(const Backend *backend)
{
    return backend->device && backend->device->has_tray;
}

static void (*eject_fn)(const Backend *backend); /* CONTROL */
static void (*co_after_eject_fn)(void);          /* CONTROL */

void backends_on_eject(void (*fn)(const Backend *backend),
                       void (*co_after)(void))
{
    eject_fn = fn;
    co_after_eject_fn = co_after;
}

void backend_tell_eject(const Backend *backend)
{
    if (eject_fn) {
        eject_fn(backend);
    }
}

void co_backends_ejected(void)
{
    if (co_after_eject_fn) {
        co_after_eject_fn();
    }
}

static bool tray_is_open(const Backend *backend)
{
    return has_tray(backend) && backend->device->tray_open;
}

CONTROL_ONLY
static void move_tray(Backend *backend, bool open)
{
    g_autofree char *id = backend_device_path(backend);
    QapiEventDeviceTrayMoved data = {
        .device = (char *)backend_name(backend),
        .id = id,
        .tray_open = open,
    };

    if (!has_tray(backend) || backend->device->tray_open == open) {
        return;
    }
    backend->device->tray_open = open;
    qapi_event_device_tray_moved(&data);
}

/* What texts call it: what the user did. */
static const char *called(const char *device, const char *id)
{
    return device ? device : id;
}

bool backend_node_allows(const Backend *backend, NodeOp op, Error **errp)
{
    const Node *node = backend_node(backend);

    return !node || node_op_allowed(node, op, errp);
}

CONTROL_ONLY
static bool open_tray(Backend *backend, const char *name, bool force,
                      Error **errp)
{
    if (!is_removable(backend)) {
        error_set(errp, "Device '%s' is not removable", name);
        return false;
    }
    if (backend->device && backend->device->locked && !force) {
        error_set(errp,
                  "Device '%s' is locked and force was not specified, wait "
                  "for tray to open and try again",
                  name);
        return false;
    }
    move_tray(backend, true);
    return true;
}

/* Under the graph lock. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_remove(Backend *backend, const char *name, Error **errp)
{
    if (!is_removable(backend)) {
        error_set(errp, "Device '%s' is not removable", name);
        return false;
    }
    if (has_tray(backend) && !tray_is_open(backend)) {
        error_set(errp, "Tray of device '%s' is not open", name);
        return false;
    }
    if (!backend_node_allows(backend, NODE_OP_EJECT, errp)) {
        return false;
    }
    co_backend_eject(backend);
    return true;
}

/* Under the graph lock. */
CONTROL_ONLY
static bool insert(Backend *backend, const char *name, Node *node, Error **errp)
{
    if (!is_removable(backend)) {
        error_set(errp, "Device is not removable");
        return false;
    }
    if (has_tray(backend) && !tray_is_open(backend)) {
        error_set(errp, "Tray of the device is not open");
        return false;
    }
    if (backend_node(backend)) {
        error_set(errp, "There already is a medium in the device");
        return false;
    }
    return backend_insert(backend, node, errp);
}

/* --- commands ------------------------------------------------------------ */

bool qmp_blockdev_open_tray(const QmpBlockdevOpenTrayArgs *args, Error **errp)
{
    Backend *backend = backend_lookup(args->device, args->id, errp);

    return backend && open_tray(backend, called(args->device, args->id),
                                args->has_force && args->force, errp);
}

bool qmp_blockdev_close_tray(const QmpBlockdevCloseTrayArgs *args, Error **errp)
{
    Backend *backend = backend_lookup(args->device, args->id, errp);

    if (!backend) {
        return false;
    }
    if (!is_removable(backend)) {
        error_set(errp, "Device '%s' is not removable",
                  called(args->device, args->id));
        return false;
    }
    move_tray(backend, false);
    return true;
}

bool qmp_blockdev_remove_medium(const QmpBlockdevRemoveMediumArgs *args,
                                Error **errp)
{
    Backend *backend;
    bool ok;

    co_graph_lock();
    backend = backend_lookup(NULL, args->id, errp);
    ok = backend && co_remove(backend, args->id, errp);
    graph_unlock();
    co_backends_ejected();
    return ok;
}

CONTROL_ONLY
static bool insert_by_name(const QmpBlockdevInsertMediumArgs *args,
                           Error **errp)
{
    Node *node = node_find(args->node_name);
    Backend *backend = backend_lookup(NULL, args->id, errp);

    if (!backend) {
        return false;
    }
    if (!node) {
        error_set(errp, "Node '%s' not found", args->node_name);
        return false;
    }
    if (node_has_device(node)) {
        error_set(errp, "Node '%s' is already in use", args->node_name);
        return false;
    }
    return insert(backend, args->id, node, errp);
}

bool qmp_blockdev_insert_medium(const QmpBlockdevInsertMediumArgs *args,
                                Error **errp)
{
    bool ok;

    co_graph_lock();
    ok = insert_by_name(args, errp);
    graph_unlock();
    return ok;
}

bool qmp_eject(const QmpEjectArgs *args, Error **errp)
{
    const char *name = called(args->device, args->id);
    Backend *backend;
    bool ok;

    co_graph_lock();
    backend = backend_lookup(args->device, args->id, errp);
    ok = backend &&
         open_tray(backend, name, args->has_force && args->force, errp) &&
         co_remove(backend, name, errp);
    graph_unlock();
    co_backends_ejected();
    return ok;
}

/* --- another image ------------------------------------------------------- */

void backend_remember_medium(Backend *backend)
{
    const Node *node = backend_node(backend);

    if (node) {
        backend->read_only = node->read_only;
        backend->direct = node->cache_direct;
        backend->no_flush = node->cache_no_flush;
        backend->detect_zeroes = node->detect_zeroes;
    }
}

static bool new_read_only(const Backend *backend,
                          const QmpBlockdevChangeMediumArgs *args)
{
    if (!args->has_read_only_mode) {
        return backend->read_only;
    }
    switch (args->read_only_mode) {
    case BLOCKDEV_CHANGE_READ_ONLY_MODE_READ_ONLY:
        return true;
    case BLOCKDEV_CHANGE_READ_ONLY_MODE_READ_WRITE:
        return false;
    default:
        return backend->read_only;
    }
}

static const char *zeroes_word(DetectZeroes value)
{
    static const char *const words[] = {
        [DETECT_ZEROES_OFF] = "off",
        [DETECT_ZEROES_ON] = "on",
        [DETECT_ZEROES_UNMAP] = "unmap",
    };

    return words[value];
}

/* The new image, opened as the last one was where nothing else is asked. */
COROUTINE_ONLY CONTROL_ONLY static Node *
co_open_new(Backend *backend, const QmpBlockdevChangeMediumArgs *args,
            Error **errp)
{
    g_autofree char *zeroes = NULL;
    DriveMedium medium = {.file = args->filename, .format = args->format};
    Node *node;

    backend_remember_medium(backend);
    zeroes = g_strdup(zeroes_word(backend->detect_zeroes));
    medium.read_only = new_read_only(backend, args);
    medium.direct = backend->direct;
    medium.no_flush = backend->no_flush;
    medium.detect_zeroes = zeroes;
    medium.rest = opts_parse("", NULL, NULL);
    node = co_drive_open(&medium, errp);
    opts_free(medium.rest);
    if (node) {
        node->detect_zeroes = backend->detect_zeroes;
    }
    return node;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_exchange(Backend *backend, const QmpBlockdevChangeMediumArgs *args,
            Node *node, Error **errp)
{
    const char *name = called(args->device, args->id);

    if (!open_tray(backend, name, args->has_force && args->force, errp) ||
        !co_remove(backend, name, errp) || !insert(backend, name, node, errp)) {
        return false;
    }
    move_tray(backend, false);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_change(const QmpBlockdevChangeMediumArgs *args, Error **errp)
{
    Backend *backend = backend_lookup(args->device, args->id, errp);
    Node *node;
    bool ok;

    if (!backend) {
        return false;
    }
    node = co_open_new(backend, args, errp);
    ok = node && co_exchange(backend, args, node, errp);
    co_node_unref(node);
    return ok;
}

bool qmp_blockdev_change_medium(const QmpBlockdevChangeMediumArgs *args,
                                Error **errp)
{
    bool ok;

    co_graph_lock();
    ok = co_change(args, errp);
    graph_unlock();
    co_backends_ejected();
    return ok;
}
