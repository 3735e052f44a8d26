/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does what the daemon's options ask for. */
#ifndef TOOLS_DAEMON_APPLY_H
#define TOOLS_DAEMON_APPLY_H

#include "tools/daemon-options.h"
#include "util/annotations.h"

/* Applies all options of @options in the order of their kinds, and in the
 * order given within a kind. False: the reason was printed; what was made
 * before stays. *@done: nothing is left to do (an option asked for a list);
 * the result is true then. Coroutine on control. */
bool co_daemon_apply(const DaemonOptions *options, bool *done) COROUTINE_ONLY;

/* Once, first: commands that only a machine has are not known. */
void daemon_hide_commands(void);

#endif
