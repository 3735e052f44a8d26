/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making an image of any format: see make.h. */
#include "tools/img/make.h"

#include <stdlib.h>

#include "block/file/file-create.h"
#include "util/opts.h"

const NodeDriver *img_make_driver(const char *format, Error **errp)
{
    const NodeDriver *driver = driver_find(format);

    if (!driver || !driver->co_open) {
        error_set(errp, "Unknown file format '%s'", format);
        return NULL;
    }
    if (!img_format_table(driver)) {
        error_set(errp, "Format driver '%s' does not support image creation",
                  format);
        return NULL;
    }
    return driver;
}

/* The file as its options want it, empty. */
COROUTINE_ONLY
static bool co_make_file(const char *filename, json_object *words, Error **errp)
{
    const char *no_cow = img_word(words, "nocow");
    const char *extent = img_word(words, "extent_size_hint");
    FileHints hints = {
        .no_cow = no_cow && opts_bool_value(no_cow) > 0,
        .has_extent_size = extent,
        .extent_size = extent ? g_ascii_strtoull(extent, NULL, 10) : 0,
    };

    if (co_file_create(filename, 0, FILE_PREALLOC_OFF, errp) < 0) {
        return false;
    }
    return (!hints.no_cow && !extent) ||
           co_file_set_hints(filename, &hints, errp);
}

COROUTINE_ONLY
static bool co_make_raw(const char *filename, json_object *words, Error **errp)
{
    uint64_t size_bytes = g_ascii_strtoull(img_word(words, "size"), NULL, 10);
    const char *word = img_word(words, "preallocation");
    FilePreallocation preallocation = FILE_PREALLOC_OFF;
    Error *err = NULL;
    int ret;

    /* That "metadata" will not do is seen when the file is there. */
    if (word && strcmp(word, "metadata") &&
        !file_preallocation_parse(word, &preallocation, errp)) {
        return false;
    }
    if (!co_make_file(filename, words, errp) ||
        (word && !file_preallocation_parse(word, &preallocation, errp))) {
        return false;
    }
    ret = co_file_create(filename, size_bytes, preallocation, &err);
    if (ret == -EFBIG) {
        error_set(errp, "The image size is too large for file format 'raw'");
        error_free(err);
    } else if (ret < 0) {
        error_propagate(errp, err);
    }
    return ret == 0;
}

const FormatOption *img_make_table(const NodeDriver *driver,
                                   const ImgTarget *target)
{
    return img_create_table(driver, !target->path);
}

bool co_img_make(const NodeDriver *driver, const ImgTarget *target,
                 const char *filename, json_object *words, Error **errp)
{
    const char *size = driver->format ? "0" : img_word(words, "size");

    if (!target->path) {
        if (!co_img_target_open(
                target, filename, g_ascii_strtoull(size, NULL, 10),
                driver->format ? NULL : img_word(words, "preallocation"),
                errp)) {
            return false;
        }
        return !driver->format ||
               driver->format->co_create_file(filename, words, errp);
    }
    if (!driver->format) {
        return co_make_raw(target->path, words, errp);
    }
    if (!co_make_file(target->path, words, errp)) {
        return false;
    }
    if (!driver->format->co_create_file(filename, words, errp)) {
        /* Half an image is of no use. */
        io_unlink(target->path);
        return false;
    }
    return true;
}
