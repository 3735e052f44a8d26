/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the words of options of no effect say, when their form is right: for
 * the files apply*.c only. False with QEMU's text; any thread.
 */
#ifndef TOOLS_MACHINE_APPLY_CHECKS_H
#define TOOLS_MACHINE_APPLY_CHECKS_H

#include "tools/machine/apply.h"
#include "util/opts.h"

bool check_icount(const Opts *opts, Error **errp);
bool check_sandbox(const Opts *opts, Error **errp);
/* @bytes: what the machine begins with. */
bool check_memory(const Opts *opts, uint64_t bytes, Error **errp);
bool apply_seed(Apply *apply, const MachineOption *option, Error **errp);
bool apply_log_file(Apply *apply, const MachineOption *option, Error **errp);

#endif
