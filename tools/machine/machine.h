/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: what its files share.
 *
 * Order of what the options ask for: descriptors, objects, chardevs, qtest,
 * nodes and drives, monitors, devices. Each may refer to those before it.
 */
#ifndef TOOLS_MACHINE_MACHINE_H
#define TOOLS_MACHINE_MACHINE_H

#include "monitor/chardev.h"
#include "tools/machine/options.h"
#include "util/coroutine/sync.h"

/* Prints what an option asks for (help, lists) and says that nothing else is
 * to be done: 0 or 1 is the exit code, -1: go on. Before anything exists. */
int machine_probe(const GPtrArray *options) CONTROL_ONLY;

/* Does what the options ask for; false: the reason was printed. */
bool co_machine_apply(const GPtrArray *options) COROUTINE_ONLY CONTROL_ONLY;

/* A channel for -qmp, -monitor, -qtest, -serial: "stdio", "tcp:HOST:PORT",
 * "unix:PATH,server=on", "file:PATH", "pty", "vc", "null", or "none" (*@chr is
 * NULL then). @id: its name. */
bool co_machine_channel(const char *text, const char *id, Chardev **chr,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* Speaks the test protocol on @chr until the other side leaves. */
void machine_qtest_start(Chardev *chr) CONTROL_ONLY;
void co_machine_qtest_stop(void) COROUTINE_ONLY CONTROL_ONLY;

#endif
