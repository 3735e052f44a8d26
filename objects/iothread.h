/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that users make by name, for exports to run on: each a reactor of
 * its own.
 *
 * Invariant: while somebody counts in object->users the thread runs; who does
 * has nothing pending there when it stops counting.
 * All functions: control thread.
 */
#ifndef OBJECTS_IOTHREAD_H
#define OBJECTS_IOTHREAD_H

#include "objects/object.h"
#include "util/reactor/reactor.h"

extern const ObjectClass object_iothread;

/* NULL with QEMU's text if there is none called @id. */
Object *iothread_find(const char *id, Error **errp);
Reactor *iothread_reactor(const Object *iothread);

#endif
