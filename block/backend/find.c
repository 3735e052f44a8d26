/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back ends by what commands call them. */
#include "block/backend/backend-int.h"
#include "objects/qom-path.h"

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

/* Why @id_or_path has no back end. */
CONTROL_ONLY
static void tell_none(const char *id_or_path, Error **errp)
{
    g_autofree char *path = *id_or_path == '/'
                                ? g_strdup(id_or_path)
                                : g_strconcat(PERIPHERAL, id_or_path, NULL);
    QomPlace place;
    unsigned found = qom_path_resolve(path, &place);

    if (!found) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", id_or_path);
    } else if (g_str_has_prefix(path, PERIPHERAL) ||
               strchr(path, '[')) { /* one without an id */
        error_set(errp, "Device does not have a block device backend");
    } else {
        error_set(errp, "%s is not a hotpluggable device", id_or_path);
    }
}

Backend *backend_lookup(const char *device, const char *id, Error **errp)
{
    Backend *backend;

    if (!device == !id) {
        error_set(errp, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    backend = id ? backend_by_device(id) : backend_by_name(device);
    if (!backend && id) {
        tell_none(id, errp);
    } else if (!backend) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", device);
    }
    return backend;
}
