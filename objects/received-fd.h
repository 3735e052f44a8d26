/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that clients of a monitor have passed along and that no command
 * has taken yet. Control thread.
 */
#ifndef OBJECTS_RECEIVED_FD_H
#define OBJECTS_RECEIVED_FD_H

#include "util/annotations.h"

/* A client has sent @fd beside a command; the next getfd takes it, or the end
 * of the client closes it. Too many are closed at once. */
void received_fd_add(int fd) CONTROL_ONLY;
/* Those that no command took are closed. */
void received_fds_drop(void) CONTROL_ONLY;
/* The oldest one, which is the caller's now; -1: there is none. */
int received_fd_take(void) CONTROL_ONLY;

#endif
