/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an image shall be made: a file, or what is there before. */
#ifndef TOOLS_IMG_TARGET_H
#define TOOLS_IMG_TARGET_H

#include <json-c/json.h>

#include "util/annotations.h"
#include "util/common.h"
#include "util/error.h"

typedef struct ImgTarget {
    char *path;         /* of the file that is made, or NULL: */
    const char *driver; /* what opens the place, which is there or is not */
} ImgTarget;

/* Understands @filename; false, with QEMU's text, if nothing can be made
 * there. */
bool img_target_find(ImgTarget *target, const char *filename, Error **errp);
void img_target_clear(ImgTarget *target);

/* Makes a place that is only opened (no file) ready: it must be there, take
 * @size_bytes, and looks like no image any more. */
bool co_img_target_open(const ImgTarget *target, const char *filename,
                        uint64_t size_bytes, const char *preallocation,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
