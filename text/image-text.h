/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of an image, as people read it. Any thread. */
#ifndef TEXT_IMAGE_TEXT_H
#define TEXT_IMAGE_TEXT_H

#include "qapi/qapi-types.h"

/* The lines of `info`. */
void image_text(GString *text, const ImageInfo *info);
/* The lines below "Format specific information:", that one included; nothing
 * if the format has nothing to tell. */
void image_text_specific(GString *text, const ImageInfoSpecific *specific);

#endif
