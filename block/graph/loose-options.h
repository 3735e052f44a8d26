/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of nodes as people write them, in option strings, in "json:" names
 * and as plain file names: numbers and booleans may be strings, dots may nest
 * ("file.filename"), the driver may be left out below a format.
 *
 * Any thread; nothing yields. Source of the texts: QEMU 7.2.
 */
#ifndef BLOCK_GRAPH_LOOSE_OPTIONS_H
#define BLOCK_GRAPH_LOOSE_OPTIONS_H

#include <json-c/json.h>

#include "util/error.h"

struct BlockdevOptions;

/* What stands behind "json:" in @name, as loose options that the caller owns;
 * NULL if it is no JSON object. */
json_object *loose_options_of_json_name(const char *name, Error **errp);

/* Loose options of the file that @name means: a path, or PROTOCOL:REST of a
 * driver here. The caller owns them; NULL for an unknown protocol. */
json_object *loose_options_of_filename(const char *name, Error **errp);

/* The same for a file that is said to be opened by @driver, or NULL: nothing
 * was said. */
json_object *loose_options_of_name_for(const char *driver, const char *name,
                                       Error **errp);

/* Loose options (borrowed) in one form: scalars are strings, dots have become
 * objects, and objects whose names are 0, 1, 2... arrays. The caller owns the
 * result; NULL with @errp. */
json_object *loose_options_plain(json_object *loose, Error **errp);

/* Whether values in @plain options of a node of @driver are such as the driver
 * takes; sizes lose their suffixes. */
bool loose_options_values_ok(json_object *plain, const char *driver,
                             Error **errp);

/* Warns of every empty name of an image behind another, which null replaced. */
void loose_options_warn(json_object *loose);

/* Reads loose options (borrowed). @format: the driver where only "file" is
 * given. The caller frees the result; NULL if they make no sense. */
struct BlockdevOptions *loose_options_read(json_object *loose,
                                           const char *format, Error **errp);

#endif
