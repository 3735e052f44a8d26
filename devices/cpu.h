/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processors: as objects, and their models. */
#ifndef DEVICES_CPU_H
#define DEVICES_CPU_H

#include "objects/qom-path.h"
#include "util/annotations.h"

/* True if @path is one's. */
bool cpu_at_path(const char *path, QomPlace *place) CONTROL_ONLY;
/* cpu-models.c. Any thread. */
bool cpu_model_exists(const char *name);
/* "qemu64-x86_64-cpu": the type of the model at @index; NULL ends. */
const char *cpu_type_at(unsigned index);
/* cpu-features.c: all that is on or off in an object or a type. */
void cpu_switches_add(ObjectPropertyInfoList *list);
/* "max" or "host", as a model or a type. */
bool cpu_is_largest(const char *name);
bool cpu_switch_get(const char *name, bool *value);

#endif
