/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option -T/--trace of all tools. */
#ifndef TOOLS_TRACE_OPTION_H
#define TOOLS_TRACE_OPTION_H

#include "util/annotations.h"

/*
 * Takes `[enable=]PATTERN,events=FILE,file=FILE`, or `help`. This version has
 * no trace events: a name is one that does not exist, which is a warning, and
 * a pattern matches none. @where: the option, to begin texts with; NULL: none.
 * -1: go on; else the exit status, and what is wrong has been told. Any thread.
 */
int trace_option_take(const char *text, const char *where);

#endif
