/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back ends by what commands call them. */
#include "block/backend/backend-int.h"

/* Where the objects of devices that have an id stand. */
#define PERIPHERAL "/machine/peripheral/"

/* Whether @asked means the object at @path: of "/machine/peripheral/a/b" also
 * "a/b". */
static bool same_place(const char *path, const char *asked)
{
    g_autofree char *full =
        *path == '/' ? g_strdup(path) : g_strconcat(PERIPHERAL, path, NULL);
    g_autofree char *wanted =
        *asked == '/' ? g_strdup(asked) : g_strconcat(PERIPHERAL, asked, NULL);

    return !strcmp(full, wanted);
}

Backend *backend_by_device(const char *id_or_path)
{
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        g_autofree char *path = backend_device_path(b);

        if (path && same_place(path, id_or_path)) {
            return b;
        }
    }
    return NULL;
}

/* Whether a part of it has a back end, which it has not itself. */
CONTROL_ONLY
static bool part_has_one(const char *id_or_path)
{
    g_autofree char *part = g_strconcat(id_or_path, "/virtio-backend", NULL);

    return backend_by_device(part);
}

Backend *backend_lookup(const char *device, const char *id, Error **errp)
{
    Backend *backend;

    if (!device == !id) {
        error_set(errp, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    backend = id ? backend_by_device(id) : backend_by_name(device);
    if (!backend && id && part_has_one(id)) {
        error_set(errp, "Device does not have a block device backend");
    } else if (!backend) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", id ? id : device);
    }
    return backend;
}
