/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program's own event loop as an object, `main-loop`, and what it has in
 * common with an iothread: numbers of QEMU's loops that are checked and told
 * back. A reactor hands over in one call all that a turn has come up with, and
 * has no pool of threads.
 * All functions: control thread.
 */
#ifndef OBJECTS_MAIN_LOOP_H
#define OBJECTS_MAIN_LOOP_H

#include "objects/object.h"

/* How many threads QEMU's pool of an event loop may have. */
#define MAIN_LOOP_POOL_MAX 64

extern const ObjectClass object_main_loop;

/* False with QEMU's text: the number called @name is negative. */
bool main_loop_check_number(const char *name, int64_t value, Error **errp);

/* The three numbers of all event loops; the caller has filled in what was not
 * given. */
bool main_loop_check_pool(int64_t batch, int64_t min, int64_t max,
                          Error **errp);

#endif
