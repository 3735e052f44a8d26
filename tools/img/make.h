/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making an image of any format: for create, convert and dd. */
#ifndef TOOLS_IMG_MAKE_H
#define TOOLS_IMG_MAKE_H

#include "tools/img/words.h"

/* The driver of a format that images can be made with; NULL with QEMU's
 * text. */
const NodeDriver *img_make_driver(const char *format, Error **errp);

/* Makes it. @words: checked against img_create_table(); "size" is there. An
 * existing file is emptied first, unless another program uses it. */
bool co_img_make(const NodeDriver *driver, const char *filename,
                 json_object *words, Error **errp) COROUTINE_ONLY;

#endif
