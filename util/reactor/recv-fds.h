/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of a socket with the descriptors that came along. */
#ifndef UTIL_REACTOR_RECV_FDS_H
#define UTIL_REACTOR_RECV_FDS_H

#include "util/reactor/reactor.h"

/* As co_io_recv; @got is called for each descriptor (CLOEXEC), which is its
 * own from then on. */
ssize_t co_io_recv_fds(int fd, void *buf, size_t bytes,
                       void (*got)(int fd)) COROUTINE_ONLY;

#endif
