/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back ends by what commands call them. */
#include "block/backend/backend-int.h"

/* Where the objects of devices that have an id stand. */
#define PERIPHERAL "/machine/peripheral/"

/* Whether @asked means the object at @path, or a part of it, or what it is a
 * part of: of "/machine/peripheral/a/virtio-backend" also
 * "/machine/peripheral/a", "a/virtio-backend" and "a". */
static bool same_place(const char *path, const char *asked)
{
    g_autofree char *full =
        *path == '/' ? g_strdup(path) : g_strconcat(PERIPHERAL, path, NULL);
    g_autofree char *wanted =
        *asked == '/' ? g_strdup(asked) : g_strconcat(PERIPHERAL, asked, NULL);
    size_t length = strlen(wanted);

    return g_str_has_prefix(full, wanted) &&
           (!full[length] || !strcmp(full + length, "/virtio-backend"));
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

Backend *backend_lookup(const char *device, const char *id, Error **errp)
{
    Backend *backend;

    if (!device == !id) {
        error_set(errp, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    backend = id ? backend_by_device(id) : backend_by_name(device);
    if (!backend) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", id ? id : device);
    }
    return backend;
}
