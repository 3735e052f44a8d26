/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager that started the program: what it wants to be told
 * (sd_notify(3)) and the sockets that it passes (sd_listen_fds(3)), by hand.
 *
 * Invariants:
 * 1. Without the variables in the environment nothing is sent or passed.
 * 2. A passed socket is found by its name until it is taken: its owner closes
 *    it, and then its number may be somebody else's.
 */
#ifndef UTIL_REACTOR_SERVICE_H
#define UTIL_REACTOR_SERVICE_H

#include "util/annotations.h"
#include "util/error.h"

/* Tells who listens on $NOTIFY_SOCKET the @state, "READY=1" for example. True
 * if that is said, or nobody wants to know. Waits for a crowded listener, for
 * a second at most. */
bool co_service_notify(const char *state, Error **errp) COROUTINE_ONLY;

/* Takes note of the passed sockets; false if what the environment says of them
 * makes no sense. Before any fork or thread, and before other descriptors are
 * opened. */
bool service_sockets_init(Error **errp);
/* Whether any was passed, and how many. They are numbered from
 * SERVICE_FIRST_FD. */
#define SERVICE_FIRST_FD 3
bool service_has_sockets(void);
unsigned service_socket_count(void);
/* The descriptor of the passed socket called @name; -1 with @errp. Control
 * thread, as the next. */
int service_find_socket(const char *name, Error **errp);
/* @fd, if it was passed, has an owner now, who will close it. */
void service_socket_taken(int fd);

#endif
