/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues of virtio devices: no guest fills them.
 */
#include "devices/device.h"
#include "monitor/hmp/commands.h"

#define INNER "/virtio-backend"

static bool is_virtio(const Device *device)
{
    return device->model->inner_type &&
           g_str_has_prefix(device->model->inner_type, "virtio-");
}

CONTROL_ONLY
static void co_info_virtio(Hmp *hmp, json_object *args)
{
    bool any = false;

    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        if (is_virtio(d)) {
            g_autofree char *name =
                g_strndup(d->model->inner_type,
                          strlen(d->model->inner_type) - strlen("-device"));

            any = true;
            hmp_printf(hmp, "%s" INNER " [%s]\n", d->path, name);
        }
    }
    if (!any) {
        hmp_printf(hmp, "No VirtIO devices\n");
    }
}

CONTROL_ONLY
static bool is_path_of_virtio(const char *path)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        g_autofree char *inner = g_strconcat(d->path, INNER, NULL);

        if (is_virtio(d) && !strcmp(inner, path)) {
            return true;
        }
    }
    return false;
}

CONTROL_ONLY
static void refuse(Hmp *hmp, json_object *args, const char *what)
{
    const char *path = hmp_str(args, "path");

    if (is_path_of_virtio(path)) {
        hmp_printf(hmp, "Error: %s: no guest uses the device\n", path);
    } else {
        hmp_printf(hmp, "Error: Path %s is not a %s\n", path, what);
    }
}

CONTROL_ONLY
static void co_no_queue(Hmp *hmp, json_object *args)
{
    refuse(hmp, args, "VirtIODevice");
}

CONTROL_ONLY
static void co_no_element(Hmp *hmp, json_object *args)
{
    refuse(hmp, args, "VirtIO device");
}

const HmpCommand hmp_info_virtio = {
    .name = "virtio",
    .params = "",
    .help = "List all available virtio devices",
    .co_run = co_info_virtio,
};

const HmpCommand hmp_info_virtio_queue_element = {
    .name = "virtio-queue-element",
    .args = {{"path", HMP_STRING},
             {"queue", HMP_INT},
             {"index", HMP_INT, true}},
    .params = "path queue [index]",
    .help = "Display element of a given virtio queue",
    .co_run = co_no_element,
};

const HmpCommand hmp_info_virtio_queue_status = {
    .name = "virtio-queue-status",
    .args = {{"path", HMP_STRING}, {"queue", HMP_INT}},
    .params = "path queue",
    .help = "Display status of a given virtio queue",
    .co_run = co_no_queue,
};

const HmpCommand hmp_info_virtio_status = {
    .name = "virtio-status",
    .args = {{"path", HMP_STRING}},
    .params = "path",
    .help = "Display status of a given virtio device",
    .co_run = co_no_queue,
};

const HmpCommand hmp_info_virtio_vhost_queue_status = {
    .name = "virtio-vhost-queue-status",
    .args = {{"path", HMP_STRING}, {"queue", HMP_INT}},
    .params = "path queue",
    .help = "Display status of a given vhost queue",
    .co_run = co_no_queue,
};
