/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processors as objects. Control thread. */
#ifndef DEVICES_CPU_H
#define DEVICES_CPU_H

#include "objects/qom-path.h"
#include "util/annotations.h"

/* True if @path is one's. */
bool cpu_at_path(const char *path, QomPlace *place) CONTROL_ONLY;

#endif
