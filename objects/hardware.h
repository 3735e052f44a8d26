/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that describe parts of a machine which are not there. */
#ifndef OBJECTS_HARDWARE_H
#define OBJECTS_HARDWARE_H

#include "objects/object.h"

extern const ObjectClass object_memory_backend_ram, object_memory_backend_file,
    object_memory_backend_memfd, object_rng_builtin, object_rng_random;

#endif
