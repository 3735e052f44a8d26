/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a tool's image is opened with. */
#ifndef TOOLS_IMAGE_OPTIONS_H
#define TOOLS_IMAGE_OPTIONS_H

#include "qapi/qapi-types.h"
#include "tools/image-open.h"

/* What blockdev-add would get; the format raw, where none is given. The caller
 * frees it, and has the graph locked. */
BlockdevOptions *co_image_options(const ImageOpen *open,
                                  Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* The options of a file that is named as people do, and of the format above
 * it; the caller's. CONTROL. */
struct json_object *image_file_options(const ImageOpen *open, Error **errp);
/* Whether the name is an option string or json:{}, not that of a file. */
bool image_options_given(const ImageOpen *open);
/* The node that was opened with them is shown with their spelling. */
void image_options_spell(const ImageOpen *open, Node *node) CONTROL_ONLY;
/* Such may leave open what the image is, where they say what file. */
bool image_options_name_driver(const ImageOpen *open);

/* `NAME=VALUE,...` as members by names with dots; see opts_parse. The caller's.
 */
struct json_object *image_options_of_text(const char *text, const char *implied,
                                          const char *where);

#endif
