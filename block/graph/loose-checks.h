/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of loose options, made what the schema reads; see loose-options.h. */
#ifndef BLOCK_GRAPH_LOOSE_CHECKS_H
#define BLOCK_GRAPH_LOOSE_CHECKS_H

#include <json-c/json.h>

#include "qapi/qapi-types.h"
#include "util/error.h"

/* The member of a struct with that name, or NULL; @type may be. */
const QapiMember *loose_member_of(const QapiType *type, const char *name);
/* Changes values of a node's @options whose driver has @own to what the schema
 * knows; false where it would tell in other words than QEMU that it cannot. */
bool loose_check_values(json_object *options, const QapiType *own,
                        Error **errp);

/* Checks a node's options (in the form of loose_options_plain()) and those of
 * its children, and adds to them what goes without saying. */
bool loose_check_node(json_object *options, Error **errp);

#endif
