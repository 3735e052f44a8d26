/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that clients of a monitor pass along and give names. Control
 * thread.
 */
#ifndef OBJECTS_NAMED_FD_H
#define OBJECTS_NAMED_FD_H

#include "util/annotations.h"
#include "util/error.h"

/* Takes the descriptor that @text names: one of getfd, or an inherited one by
 * its number. -1 with QEMU's text. */
int named_fd_param(const char *text, Error **errp);

/* From now on clients may name descriptors of getfd: this is a machine. */
void named_fds_offer(void) CONTROL_ONLY;
bool named_fds_offered(void) CONTROL_ONLY;
/* Takes what getfd has named, which does not block from now on; its name is
 * free then. -1 with QEMU's text. */
int named_fd_take(const char *name, Error **errp);
/* Takes a socket that getfd has named; its name is free then. -1 with QEMU's
 * text. */
int named_fd_take_socket(const char *name, Error **errp) CONTROL_ONLY;

#endif
