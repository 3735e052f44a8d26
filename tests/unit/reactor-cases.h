/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the reactor, each run on every back end. */
#ifndef TESTS_UNIT_REACTOR_CASES_H
#define TESTS_UNIT_REACTOR_CASES_H

#include "util/reactor/reactor.h"

typedef struct ReactorCase {
    const char *name;
    CoroutineEntry *entry; /* on the control reactor, with NULL */
} ReactorCase;

/* Adds the @n tests @cases as /@group/BACKEND/NAME. @polling: once more on a
 * reactor that never sleeps. */
void reactor_cases_add(const char *group, const ReactorCase *cases, size_t n,
                       bool polling);

#endif
