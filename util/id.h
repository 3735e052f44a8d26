/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's rule for the names that users give to things. */
#ifndef UTIL_ID_H
#define UTIL_ID_H

#include "util/error.h"

/* A letter, then letters, digits, '-', '.' and '_'. Any thread. */
bool id_well_formed(const char *id);
/* The same, with QEMU's text and its hint. */
bool id_check(const char *id, Error **errp);

#endif
