/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a program's output comes first where both streams go to one place:
 * reports are written at once, standard output is buffered.
 */
#ifndef UTIL_REPORT_ORDER_H
#define UTIL_REPORT_ORDER_H

/* Reports may overtake what was printed before: scripts of qemu-io expect them
 * in front, unless their output is a terminal. Once, at the start. */
void report_may_overtake(void);
/* Puts out what was printed, unless reports may overtake it. */
void report_settle_output(void);

#endif
