/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `info` prints for people. */
#ifndef TOOLS_IMG_INFO_TEXT_H
#define TOOLS_IMG_INFO_TEXT_H

struct ImageInfo;

void img_print_info(const struct ImageInfo *info);

#endif
