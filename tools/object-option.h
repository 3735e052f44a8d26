/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option --object of all programs. */
#ifndef TOOLS_OBJECT_OPTION_H
#define TOOLS_OBJECT_OPTION_H

#include "util/annotations.h"
#include "util/error.h"

/* The object that @text, JSON or key=value, describes, for ObjectOptions_free.
 * "help" prints the kinds of objects, "KIND,help" the options of one; then the
 * result is NULL, too, but *@listed is set. NULL with @errp. */
struct ObjectOptions *object_option_read(const char *text, bool *listed,
                                         Error **errp) CONTROL_ONLY;

/* Reads it and makes the object. Coroutine on control; false with @errp. */
bool co_object_option(const char *text, bool *listed,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* The help alone: 1 if @text asks for it, 0 if not or if it is nonsense, which
 * who makes the object tells, -1 with @errp if there is no such kind. */
int object_option_help(const char *text, Error **errp) CONTROL_ONLY;

#endif
