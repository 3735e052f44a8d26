/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making an image of any format: for create, convert and dd. */
#ifndef TOOLS_IMG_MAKE_H
#define TOOLS_IMG_MAKE_H

#include "tools/img/target.h"
#include "tools/img/words.h"

/* The driver of a format that images can be made with; NULL with QEMU's
 * text. */
const NodeDriver *img_make_driver(const char *format, Error **errp);

/* What an image in @target can be made with. */
const FormatOption *img_make_table(const NodeDriver *driver,
                                   const ImgTarget *target);

/* Makes it. @words: checked against img_make_table(); "size" is there. An
 * existing file is emptied first, unless another program uses it. */
bool co_img_make(const NodeDriver *driver, const ImgTarget *target,
                 const char *filename, json_object *words,
                 Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
