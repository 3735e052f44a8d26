/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration, as tools see it: a machine that starts as a destination.
 * Invariants: README.md. All: control thread.
 */
#ifndef MIGRATION_MIGRATION_H
#define MIGRATION_MIGRATION_H

#include "util/annotations.h"
#include "util/error.h"
#include "util/reactor/reactor.h"

/*
 * Before the first image is opened: a machine will come, so that images are
 * not ours yet.
 */
void migration_expect(void) CONTROL_ONLY;
/* After all is set up: waits at @uri, or with "defer" for migrate-incoming. */
bool migration_incoming_begin(const char *uri, Error **errp) CONTROL_ONLY;
/* Waits until the machine has gone, or stays; why it stays, to be freed, unless
 * that was asked for. */
char *co_migration_wait(void) COROUTINE_ONLY CONTROL_ONLY;
/* The machine that came could not be loaded: @fn ends the program, with exit
 * code 1. */
void migration_on_failure(void (*fn)(void *opaque), void *opaque) CONTROL_ONLY;
/* The program ends: connections are closed and coroutines over. */
void co_migration_shutdown(void) COROUTINE_ONLY CONTROL_ONLY;

#endif
