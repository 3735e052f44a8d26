/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of descriptors that a client or the command line gave: one set is one
 * file, opened in several ways, and /dev/fdset/N its name.
 *
 * Opening such a name takes a duplicate of the descriptor whose access mode is
 * the one wanted. All of it on the control thread. What is removed from a set
 * stays until the duplicates are closed; sets that nobody uses go with the last
 * client.
 */
#ifndef OBJECTS_FD_SET_H
#define OBJECTS_FD_SET_H

#include "util/annotations.h"
#include "util/error.h"

/* From now on this process may have sets, /dev/fdset/N is ENOSYS before; what
 * the command line named is taken over and closed. */
void fd_sets_begin(void) CONTROL_ONLY;

/* Whether @path is a name below /dev/fdset/. */
bool fd_set_is_path(const char *path);

/* Opens /dev/fdset/N. -errno with QEMU's text in @errp; the result is closed
 * by fd_set_close. */
int fd_set_open(const char *path, int flags, Error **errp);
/* Closes any descriptor, also one that came from elsewhere. */
void fd_set_close(int fd);

/* Gives a duplicate of the inherited descriptor @fd to the set @id. */
bool fd_set_inherit(int fd, int64_t id, const char *opaque,
                    Error **errp) CONTROL_ONLY;

/* A client of a monitor comes or goes. */
void fd_sets_client_came(void) CONTROL_ONLY;
void fd_sets_client_left(void) CONTROL_ONLY;
/* While the machine is stopped everything stays: who takes it over may need
 * what was removed. */
void fd_sets_machine_runs(bool runs) CONTROL_ONLY;

#endif
