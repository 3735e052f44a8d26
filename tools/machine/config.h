/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -set and -readconfig: see config.c. */
#ifndef TOOLS_MACHINE_CONFIG_H
#define TOOLS_MACHINE_CONFIG_H

#include "tools/machine/options.h"
#include "util/error.h"

/* "GROUP.ID.KEY=VALUE": says it of an option that stands in @list
 * (MachineOption *). False with QEMU's text. */
bool config_set(const GPtrArray *list, const char *text, Error **errp);

/* The option @name with @text, from @place: "FILE:LINE". */
typedef bool ConfigAdd(void *opaque, const char *name, const char *text,
                       const char *place, Error **errp);

/* Calls @add for each group of a file; false with the text. */
bool config_read(const char *file, ConfigAdd *add, void *opaque, Error **errp);

#endif
