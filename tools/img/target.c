/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an image shall be made: see target.h. Files are made; exports of
 * servers and devices are there or not, and are only opened.
 */
#include "tools/img/target.h"

#include "block/graph/loose-options.h"
#include "block/io/io.h"
#include "block/net/nbd-uri.h"
#include "tools/image-open.h"

/* Drivers whose places are used as they are. */
static const char *const opened[] = {"nbd", "host_device"};

static bool is_nbd_name(const char *filename)
{
    g_autofree char *protocol = g_strndup(filename, strcspn(filename, ":"));

    return strchr(filename, ':') && nbd_uri_protocol(protocol);
}

bool img_target_find(ImgTarget *target, const char *filename, Error **errp)
{
    json_object *options, *value;
    const char *driver = "nbd";

    *target = (ImgTarget){0};
    if (is_nbd_name(filename)) {
        /* What is wrong with the rest is said where it is opened. */
    } else if (!(options = loose_options_of_filename(filename, errp))) {
        return false;
    } else {
        json_object_object_get_ex(options, "driver", &value);
        driver = g_intern_string(json_object_get_string(value));
        if (!strcmp(driver, "file")) {
            json_object_object_get_ex(options, "filename", &value);
            target->path = g_strdup(json_object_get_string(value));
        }
        json_object_put(options);
    }
    for (size_t i = 0; i < ARRAY_SIZE(opened); i++) {
        if (!strcmp(driver, opened[i])) {
            target->driver = opened[i];
        }
    }
    if (!target->path && !target->driver) {
        error_set(errp, "Protocol driver '%s' does not support image creation",
                  driver);
    }
    return target->path || target->driver;
}

void img_target_clear(ImgTarget *target)
{
    g_clear_pointer(&target->path, g_free);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_fit(Root *root, uint64_t size_bytes,
                                               Error **errp)
{
    uint64_t old = root_size_bytes(root);
    bool ok = size_bytes <= old ||
              co_root_truncate(root, size_bytes, false, errp) == 0;
    uint64_t head = MIN(512, root_size_bytes(root));
    int ret;

    if (!ok || !head) {
        return ok;
    }
    ret = co_root_pwrite_zeroes(root, 0, head, REQ_MAY_UNMAP);
    if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Failed to clear the new image's first "
                        "sector");
    }
    return ret == 0;
}

bool co_img_target_open(const ImgTarget *target, const char *filename,
                        uint64_t size_bytes, const char *preallocation,
                        Error **errp)
{
    ImageOpen open = {.filename = filename,
                      .format = target->driver,
                      .writable = true,
                      .resize = true};
    Root *root;
    bool ok;

    if (preallocation && strcmp(preallocation, "off")) {
        error_set(errp, "Unsupported preallocation mode '%s'", preallocation);
        return false;
    }
    root = co_image_open(&open, errp);
    if (!root) {
        error_prepend(errp,
                      "Protocol driver '%s' does not support image creation, "
                      "and opening the image failed: ",
                      target->driver);
        return false;
    }
    ok = co_fit(root, size_bytes, errp);
    co_image_close(root);
    return ok;
}
