/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON as QEMU writes it: members in QEMU's order, ASCII only.
 *
 * QEMU keeps an object in a hash table of 512 buckets and prints it bucket by
 * bucket, the newest member of a bucket first; tests compare that text, so the
 * order is part of the interface.
 */
#ifndef UTIL_JSON_PRINT_H
#define UTIL_JSON_PRINT_H

#include <json-c/json.h>

#include "util/common.h"

/* The text of @value (NULL is null), without a newline at the end; with @pretty
 * one member a line, indented by 4. The caller frees the result. Any thread,
 * does not yield. */
GString *json_print(json_object *value, bool pretty);

/* The bucket of a key, 0 to 511. */
unsigned json_key_bucket(const char *key);

/* The keys of @object in that order. They are the object's; the caller frees
 * the array. Any thread. */
GPtrArray *json_ordered_keys(json_object *object);

#endif
