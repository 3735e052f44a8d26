/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that clients of a monitor pass along and give names. Control
 * thread.
 */
#ifndef OBJECTS_NAMED_FD_H
#define OBJECTS_NAMED_FD_H

#include "util/annotations.h"
#include "util/error.h"

/* A client has sent @fd beside a command; the next getfd takes it, or the end
 * of the client closes it. */
void named_fd_received(int fd) CONTROL_ONLY;
/* Those that no command took are closed. */
void named_fd_drop_received(void) CONTROL_ONLY;
/* Takes the descriptor that @text names: one of getfd, or an inherited one by
 * its number. -1 with QEMU's text. */
int named_fd_param(const char *text, Error **errp);

#endif
