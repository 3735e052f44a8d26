/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of files in other files: how images name those that belong to them. */
#ifndef BLOCK_GRAPH_FILENAME_H
#define BLOCK_GRAPH_FILENAME_H

#include "util/error.h"

/*
 * What @name means in the file @own: itself if it is absolute or begins with
 * a protocol, else relative to the folder of @own. The caller owns it; NULL,
 * with QEMU's text, if @own has no folder (no name, or "json:"). Any thread.
 */
char *filename_beside(const char *own, const char *name, Error **errp);

#endif
