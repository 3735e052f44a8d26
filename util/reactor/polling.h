/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a reactor that has nothing to do looks for work before it sleeps:
 * to be woken up costs more than the work of a small request, above all in a
 * virtual machine, where an idle CPU belongs to the host.
 *
 * Invariant: 0 <= limit_ns <= set.max_ns. The limit grows only while work
 * comes within max_ns; one longer wait ends the looking, so a program that is
 * asked for little never spins.
 */
#ifndef UTIL_REACTOR_POLLING_H
#define UTIL_REACTOR_POLLING_H

#include "util/reactor/reactor.h"

/* HOME */
typedef struct Polling {
    ReactorPolling set;
    int64_t limit_ns;
} Polling;

/* What a new reactor has: REACTOR_POLL_MAX_NS, or what the environment says.
 * Fails with a text that names the variable. */
bool polling_init(Polling *p, Error **errp);
/* Sets what a user asked for; on a single CPU nobody polls, since nobody could
 * bring work meanwhile. */
void polling_set(Polling *p, const ReactorPolling *set);
/* How long to look now, when the next timer is due in @timeout_ns (-1: there
 * is none). */
int64_t polling_limit_ns(const Polling *p, int64_t timeout_ns);
/* Work came after @idle_ns of looking and sleeping. */
void polling_learn(Polling *p, int64_t idle_ns);

#endif
