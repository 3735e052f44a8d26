/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that lie in memory (tmpfs, ramfs). Their data is there, so a small
 * transfer is done where it is asked for. The ring would hand it to a kernel
 * thread, since these file systems do not say that they never wait: that
 * costs ten times the copy.
 */
#ifndef UTIL_REACTOR_MEMORY_H
#define UTIL_REACTOR_MEMORY_H

#include "util/reactor/reactor.h"

/* Longer transfers are worth a thread of their own: they do not hold up
 * others, and several are copied at a time. */
#define IO_MEMORY_MAX_BYTES (64 * KiB)

/* Any thread. */
bool io_in_memory(int fd);

/* As co_io_preadv and co_io_pwritev, but they do not yield. Only where
 * io_in_memory is true. */
ssize_t io_memory_preadv(int fd, const struct iovec *v, unsigned n,
                         uint64_t offset_bytes);
ssize_t io_memory_pwritev(int fd, const struct iovec *v, unsigned n,
                          uint64_t offset_bytes);

#endif
