/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices as objects: what qom-list, qom-get and qom-set find below /machine.
 *
 *     /machine/peripheral/ID, /machine/peripheral-anon/device[N],
 *     /machine/unattached/device[N], and below some "virtio-backend"
 */
#include "devices/board.h"
#include "devices/cpu.h"
#include "devices/device-int.h"
#include "objects/qom-path.h"
#include "objects/qom-types.h"
#include "qapi/qapi-types.h"

/* Of balloons. */
#define POLLING "guest-stats-polling-interval"

#define MACHINE "/machine"
#define INNER "/virtio-backend"

static const char *const containers[] = {
    "peripheral",
    "peripheral-anon",
    "unattached",
};

/* --- the machine and its containers -------------------------------------- */

CONTROL_ONLY
static const char *machine_type(const void *opaque)
{
    return board_chosen()->type;
}

static void list_machine(const void *opaque, ObjectPropertyInfoList *list)
{
    for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
        qom_info_add(list, containers[i], "child<container>");
    }
}

static json_object *get_machine(const void *opaque, const char *name,
                                Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
        if (!strcmp(containers[i], name)) {
            g_autofree char *path = g_strconcat(MACHINE "/", name, NULL);

            return json_object_new_string(path);
        }
    }
    return NULL;
}

static const QomNodeOps machine_ops = {
    .type = machine_type,
    .list = list_machine,
    .get = get_machine,
};

static const char *container_type(const void *opaque)
{
    return "container";
}

/* The name of @device in the container called @opaque; NULL: not there. */
static const char *name_in(const Device *device, const char *container)
{
    g_autofree char *head = g_strconcat(MACHINE "/", container, "/", NULL);

    return g_str_has_prefix(device->path, head) ? device->path + strlen(head)
                                                : NULL;
}

CONTROL_ONLY
static void list_container(const void *opaque, ObjectPropertyInfoList *list)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        const char *name = name_in(d, opaque);
        g_autofree char *type = g_strdup_printf("child<%s>", d->model->name);

        if (name) {
            qom_info_add(list, name, type);
        }
    }
}

CONTROL_ONLY
static json_object *get_container(const void *opaque, const char *name,
                                  Error **errp)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        const char *here = name_in(d, opaque);

        if (here && !strcmp(here, name)) {
            return json_object_new_string(d->path);
        }
    }
    return NULL;
}

static const QomNodeOps container_ops = {
    .type = container_type,
    .list = list_container,
    .get = get_container,
};

/* --- devices ------------------------------------------------------------- */

static const char *device_type(const void *opaque)
{
    return ((const Device *)opaque)->model->name;
}

static const char *inner_type(const void *opaque)
{
    return ((const Device *)opaque)->model->inner_type;
}

static void list_device(const void *opaque, ObjectPropertyInfoList *list)
{
    const Device *device = opaque;
    g_autoptr(GPtrArray) all = device_model_properties(device->model);

    qom_info_add(list, "parent_bus", "link<bus>");
    qom_info_add(list, "realized", "bool");
    qom_info_add(list, "hotplugged", "bool");
    qom_info_add(list, "hotpluggable", "bool");
    for (guint i = 0; i < all->len; i++) {
        const DeviceProperty *p = all->pdata[i];

        qom_info_add(list, p->name, p->type);
    }
}

/* The drive as users call it. */
static json_object *drive_value(const Device *device)
{
    const Backend *backend = device->disk.backend;
    const Node *node = backend ? backend_node(backend) : NULL;
    const char *name = backend ? backend_name(backend) : "";

    return json_object_new_string(*name ? name : node ? node_name(node) : "");
}

static json_object *typed_value(const DeviceProperty *p, const char *text)
{
    if (!text) {
        return json_object_new_string("");
    }
    if (!strcmp(p->type, "bool")) {
        return json_object_new_boolean(!strcmp(text, "true") ||
                                       !strcmp(text, "on"));
    }
    if (g_str_has_prefix(p->type, "uint") || g_str_has_prefix(p->type, "int") ||
        !strcmp(p->type, "size")) {
        return json_object_new_int64(g_ascii_strtoll(text, NULL, 0));
    }
    if (*text == '"') {
        g_autofree char *bare = g_strndup(text + 1, strlen(text) - 2);

        return json_object_new_string(bare);
    }
    return json_object_new_string(text);
}

static json_object *block_size_value(const Device *device, const char *name)
{
    int64_t size = device_number(device, name, 0);

    return json_object_new_int64(size ? size : 512);
}

/* What a balloon tells of its guest's memory: nothing. */
static json_object *guest_stats(void)
{
    static const char *const names[] = {
        "stat-swap-in",          "stat-swap-out",    "stat-major-faults",
        "stat-minor-faults",     "stat-free-memory", "stat-total-memory",
        "stat-available-memory", "stat-disk-caches", "stat-htlb-pgalloc",
        "stat-htlb-pgfail"};
    json_object *all = json_object_new_object();
    json_object *stats = json_object_new_object();

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        json_object_object_add(stats, names[i],
                               json_object_new_uint64(UINT64_MAX));
    }
    json_object_object_add(all, "stats", stats);
    json_object_object_add(all, "last-update", json_object_new_int64(0));
    return all;
}

CONTROL_ONLY
static json_object *get_device(const void *opaque, const char *name,
                               Error **errp)
{
    const Device *device = opaque;
    const DeviceProperty *p = device_model_property(device->model, name);
    json_object *value;

    if (!strcmp(name, "realized") || !strcmp(name, "hotpluggable")) {
        return json_object_new_boolean(true);
    }
    if (!strcmp(name, "hotplugged")) {
        return json_object_new_boolean(device->hotplugged);
    }
    if (!strcmp(name, "parent_bus") && device->at) {
        return device_bus_value(device->at);
    }
    if (p && (value = device_chosen_value(device, name))) {
        return value;
    }
    if (!strcmp(name, "drive") && device->disk.backend) {
        return drive_value(device);
    }
    if (g_str_has_suffix(name, "_block_size")) {
        return block_size_value(device, name);
    }
    if (p && !strcmp(name, INNER + 1)) {
        g_autofree char *inner = g_strconcat(device->path, INNER, NULL);

        return json_object_new_string(inner);
    }
    if (p && !strcmp(name, "guest-stats")) {
        return guest_stats();
    }
    if (p && !strcmp(name, POLLING)) {
        return json_object_new_int64(device_number(device, name, 0));
    }
    return p ? typed_value(p, device_text(device, name, p->value)) : NULL;
}

/* Where nobody tells anything, asking more often brings no more; but management
 * programs say how often at each start. */
static bool set_polling(Device *device, json_object *value, Error **errp)
{
    int64_t seconds;

    if (!json_object_is_type(value, json_type_int)) {
        error_set(errp, "Invalid parameter type for '%s', expected: integer",
                  POLLING);
        return false;
    }
    seconds = json_object_get_int64(value);
    if (seconds < 0 || seconds > UINT32_MAX) {
        error_set(errp, "timer value %s",
                  seconds < 0 ? "must be greater than zero" : "is too big");
        return false;
    }
    json_object_object_add(device->values, POLLING, json_object_get(value));
    return true;
}

/* Some properties are those of an inner device, which has no id. */
static void tell_realized(const Device *device, const char *name, Error **errp)
{
    const DeviceModel *model = device->model;
    const DeviceModel *inner =
        model->inner_type ? device_model_find(model->inner_type) : NULL;

    if (!strcmp(name, "hotplugged") || !strcmp(name, "hotpluggable") ||
        !strcmp(name, "parent_bus") || !strcmp(name, "virtio-backend")) {
        error_set(errp, "Property '%s.%s' is not writable", model->name, name);
    } else if (inner && device_model_property(inner, name)) {
        error_set(errp,
                  "Attempt to set property '%s' on anonymous device (type "
                  "'%s') after it was realized",
                  name, inner->name);
    } else if (device->id) {
        error_set(errp,
                  "Attempt to set property '%s' on device '%s' (type '%s') "
                  "after it was realized",
                  name, device->id, model->name);
    } else {
        error_set(errp,
                  "Attempt to set property '%s' on anonymous device (type "
                  "'%s') after it was realized",
                  name, model->name);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_set_device(void *opaque, const char *name, json_object *value, Error **errp)
{
    Device *device = opaque;

    if (!strcmp(name, "drive") && device->disk.backend) {
        if (!json_object_is_type(value, json_type_string)) {
            error_set(errp,
                      "Invalid parameter type for 'drive', expected: string");
            return false;
        }
        return co_device_set_drive(device, json_object_get_string(value), errp);
    }
    if (!strcmp(name, POLLING) && device_model_property(device->model, name)) {
        return set_polling(device, value, errp);
    }
    tell_realized(device, name, errp);
    return false;
}

static bool has_device(const void *opaque, const char *name)
{
    const Device *device = opaque;

    return device_model_property(device->model, name) ||
           !strcmp(name, "realized") || !strcmp(name, "hotplugged") ||
           !strcmp(name, "hotpluggable") || !strcmp(name, "parent_bus");
}

static const QomNodeOps device_ops = {
    .type = device_type,
    .list = list_device,
    .get = get_device,
    .has = has_device,
    .co_set = co_set_device,
};

static const QomNodeOps inner_ops = {
    .type = inner_type,
    .list = list_device,
    .get = get_device,
    .has = has_device,
    .co_set = co_set_device,
};

/* --- paths --------------------------------------------------------------- */

static bool place_of_device(Device *device, const char *rest, QomPlace *place)
{
    if (!*rest) {
        *place = (QomPlace){QOM_NODE, NULL, &device_ops, device};
        return true;
    }
    if (!strcmp(rest, INNER) && device->model->inner_type) {
        *place = (QomPlace){QOM_NODE, NULL, &inner_ops, device};
        return true;
    }
    return false;
}

CONTROL_ONLY
static bool absolute(const char *path, QomPlace *place)
{
    if (!strcmp(path, MACHINE)) {
        *place = (QomPlace){QOM_NODE, NULL, &machine_ops, NULL};
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
        if (g_str_has_prefix(path, MACHINE "/") &&
            !strcmp(path + strlen(MACHINE "/"), containers[i])) {
            *place = (QomPlace){QOM_NODE, NULL, &container_ops,
                                (void *)containers[i]};
            return true;
        }
    }
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        if (g_str_has_prefix(path, d->path) &&
            place_of_device(d, path + strlen(d->path), place)) {
            return true;
        }
    }
    return cpu_at_path(path, place);
}

/* The end of a path is enough if it means one thing only. */
CONTROL_ONLY
static unsigned resolve(const char *path, QomPlace *place)
{
    static const char *const heads[] = {"", "/machine/peripheral",
                                        "/machine/peripheral-anon",
                                        "/machine/unattached", "/machine"};
    unsigned found = 0;

    if (*path == '/') {
        return absolute(path, place);
    }
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        g_autofree char *whole = g_strconcat(heads[i], "/", path, NULL);

        found += absolute(whole, place);
    }
    return found;
}

void devices_init_qom(void)
{
    qom_set_resolver(resolve, "machine");
    devices_init_types();
}
