/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How reports stand among a program's other words: what comes first where both
 * streams go to one place (reports are written at once, standard output is
 * buffered), and what bears its name.
 */
#ifndef UTIL_REPORT_ORDER_H
#define UTIL_REPORT_ORDER_H

#include "util/coroutine/coroutine.h"

/* Reports may overtake what was printed before: scripts of qemu-io expect them
 * in front, unless their output is a terminal. Once, at the start. */
void report_may_overtake(void);
/* Puts out what was printed, unless reports may overtake it. */
void report_settle_output(void);

/* @co runs a command of QMP from now on (NULL: none does): what it reports
 * bears no time and no name of the program, as with QEMU. Control thread;
 * borrowed. */
void report_commanded_by(const Coroutine *co);

#endif
