/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option strings `value,key=value,flag,noflag` as lists of names and values,
 * flat and in order: what `-drive` and `-device` take. A comma in a value is
 * written twice. A flag alone is NAME=on, or NAME=off with "no" in front,
 * which is told to be deprecated.
 *
 * Any thread; nothing yields. Texts are QEMU's.
 */
#ifndef UTIL_OPTS_H
#define UTIL_OPTS_H

#include "util/common.h"
#include "util/error.h"

typedef struct Opt {
    char *name, *value;
} Opt;

typedef struct Opts {
    GPtrArray *list; /* Opt *, in the order given */
} Opts;

/* A first item without `=` is the value of @implied, where that is not
 * NULL. @where: the option that has it, for the warning of flags, or ""; NULL:
 * they are nothing unusual. */
Opts *opts_parse(const char *text, const char *implied, const char *where);
void opts_free(Opts *opts); /* NULL is fine */

void opts_add(Opts *opts, const char *name, const char *value);
/* The last value of @name, or NULL. */
const char *opts_get(const Opts *opts, const char *name);
/* The same, out of the list; the caller frees it. */
char *opts_take(Opts *opts, const char *name);
/* Takes @name as on or off; @value stays if it is not given. */
bool opts_take_bool(Opts *opts, const char *name, bool *value, Error **errp);
/* As a number, with @suffixes one of k, M, G, T may follow it. */
bool opts_take_number(Opts *opts, const char *name, bool suffixes,
                      uint64_t *value, Error **errp);
/* "on", "yes", "true", "y" and their opposites; 1, 0, or -1. */
int opts_bool_value(const char *value);

#endif
