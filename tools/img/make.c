/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making an image of any format: see make.h. */
#include "tools/img/make.h"

#include <stdlib.h>

#include "block/file/file-create.h"

const NodeDriver *img_make_driver(const char *format, Error **errp)
{
    const NodeDriver *driver = driver_find(format);

    if (!driver || !driver->co_open) {
        error_set(errp, "Unknown file format '%s'", format);
        return NULL;
    }
    if (!img_create_table(driver)) {
        error_set(errp, "Format driver '%s' does not support image creation",
                  format);
        return NULL;
    }
    return driver;
}

COROUTINE_ONLY
static bool co_make_raw(const char *filename, json_object *words, Error **errp)
{
    uint64_t size_bytes = g_ascii_strtoull(img_word(words, "size"), NULL, 10);
    const char *word = img_word(words, "preallocation");
    FilePreallocation preallocation = FILE_PREALLOC_OFF;
    Error *err = NULL;
    int ret;

    if (word && !file_preallocation_parse(word, &preallocation, errp)) {
        return false;
    }
    ret = co_file_create(filename, size_bytes, preallocation, &err);
    if (ret == -EFBIG) {
        error_set(errp,
                  "The image size is too large for file format 'raw'");
        error_free(err);
    } else if (ret < 0) {
        error_propagate(errp, err);
    }
    return ret == 0;
}

bool co_img_make(const NodeDriver *driver, const char *filename,
                 json_object *words, Error **errp)
{
    if (!driver->format) {
        return co_make_raw(filename, words, errp);
    }
    return co_file_create(filename, 0, FILE_PREALLOC_OFF, errp) == 0 &&
           driver->format->co_create_file(filename, words, errp);
}
