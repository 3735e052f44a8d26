/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard output, which commands print to while a monitor may send its
 * answers there, too: what a reader sees is in the order in which it happened.
 */
#ifndef UTIL_STDOUT_H
#define UTIL_STDOUT_H

#include "util/annotations.h"

/* @co_settle waits until all that was to be sent to standard output before is
 * there. Set by who sends, on control. */
void stdout_set_settle(void (*co_settle)(void)) CONTROL_ONLY;
/* Before printing, in a coroutine on control: may yield. */
void co_stdout_settle(void) COROUTINE_ONLY CONTROL_ONLY;

#endif
