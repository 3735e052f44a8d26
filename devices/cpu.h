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
/* cpu-features.c: the features as properties of a type. */
void cpu_features_add(ObjectPropertyInfoList *list);
/* All that is on or off in an object. */
void cpu_switches_add(ObjectPropertyInfoList *list);
bool cpu_switch_get(const char *name, bool *value);

#endif
