/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands and events of the schema that a program does not have: one schema
 * serves all programs. Set once, before the first session.
 */
#ifndef QAPI_HIDDEN_H
#define QAPI_HIDDEN_H

#include <stdbool.h>

/* @names ends with NULL and lives as long as the program. */
void qapi_hide(const char *const *names);
bool qapi_is_hidden(const char *name);

#endif
