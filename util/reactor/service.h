/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager that started the program: what it wants to be told
 * (sd_notify(3), by hand).
 *
 * Invariant: without the variable in the environment nothing is sent.
 */
#ifndef UTIL_REACTOR_SERVICE_H
#define UTIL_REACTOR_SERVICE_H

#include "util/annotations.h"
#include "util/error.h"

/* Tells who listens on $NOTIFY_SOCKET the @state, "READY=1" for example. True
 * if that is said, or nobody wants to know. Waits for a crowded listener, for
 * a second at most. */
bool co_service_notify(const char *state, Error **errp) COROUTINE_ONLY;

#endif
