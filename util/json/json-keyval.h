/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option strings `key=value,key.sub=value,...` as JSON: dots nest objects, keys
 * that are all numbers 0..n-1 make an array, all scalars are strings. A comma
 * in a value is written twice. A key that is given twice has its last value.
 *
 * Any thread; nothing yields. The texts of the errors are QEMU's.
 */
#ifndef UTIL_JSON_KEYVAL_H
#define UTIL_JSON_KEYVAL_H

#include <json-c/json.h>

#include "util/common.h"
#include "util/error.h"

/* Parses @text. A first item without `=` is the value of @implied_key, where
 * that is not NULL. With @help not NULL, the words `help` and `?` as an item
 * set *@help (false otherwise); without, they are items like others. Returns
 * an object that the caller owns, or NULL. */
json_object *json_keyval_parse(const char *text, const char *implied_key,
                               bool *help, Error **errp);

/* Parses @text as JSON if it begins with `{`, else as an option string;
 * *@is_json says which, so that the caller takes T_from_json() or
 * T_from_keyval(). */
json_object *json_options_parse(const char *text, const char *implied_key,
                                bool *is_json, Error **errp);
/* The same for an option with help: *@help as json_keyval_parse. (Of others
 * asking for it is an error.) */
json_object *json_options_parse_help(const char *text, const char *implied_key,
                                     bool *is_json, bool *help, Error **errp);

#endif
