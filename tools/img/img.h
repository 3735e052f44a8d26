/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sub-commands of `tidemark img` share. */
#ifndef TOOLS_IMG_IMG_H
#define TOOLS_IMG_IMG_H

#include "tools/image-open.h"

/* Each runs in a coroutine on control; @argv[0] is the sub-command's name.
 * They return the exit status. */
int co_img_create(int argc, char **argv) COROUTINE_ONLY;
int co_img_info(int argc, char **argv) COROUTINE_ONLY;
int co_img_map(int argc, char **argv) COROUTINE_ONLY;
int co_img_compare(int argc, char **argv) COROUTINE_ONLY;

/* Prints the error, and where to find help; returns 1. */
int img_usage_error(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* For getopt's ':' and '?' answers. */
int img_option_error(int answer, char **argv);
void img_help(void);

/* `--output=human|json`; false, reported, for another word. */
bool img_parse_output(const char *word, bool *json);

/* False, reported, if both a format and --image-opts were given. */
bool img_check_format(const ImageOpen *open);

/* Reports a size that could not be read; @what: "image size". Returns 1. */
int img_size_error(const char *what);

/* co_image_open with the tools' report (`Could not open 'F': ...`). */
Root *co_img_open(const ImageOpen *open, Error **errp) COROUTINE_ONLY;

#endif
