/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of QMP as people type them. */
#ifndef TOOLS_MONITOR_REQUEST_H
#define TOOLS_MONITOR_REQUEST_H

#include <json-c/json.h>

#include "util/error.h"

/*
 * A request as JSON, or `COMMAND KEY=VALUE...`: dots in a key nest objects; a
 * value that is JSON is that (7, true, [..], "7"), any other is a string. NULL
 * with @errp.
 */
json_object *request_parse(const char *line, Error **errp);

#endif
