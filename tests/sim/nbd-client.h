/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simple NBD client: one request at a time, simple replies. All functions
 * return 0, the server's error as -errno, or -EPIPE when the connection is of
 * no use any more.
 */
#ifndef TESTS_SIM_NBD_CLIENT_H
#define TESTS_SIM_NBD_CLIENT_H

#include "sim.h"

/* Connects to the unix socket @path and opens the export; a descriptor or
 * -errno. */
int co_sim_nbd_open(const char *path, const char *export) COROUTINE_ONLY;
int co_sim_nbd_read(int fd, uint64_t offset_bytes, void *buf,
                    uint32_t bytes) COROUTINE_ONLY;
int co_sim_nbd_write(int fd, uint64_t offset_bytes, const void *buf,
                     uint32_t bytes, bool fua) COROUTINE_ONLY;
int co_sim_nbd_flush(int fd) COROUTINE_ONLY;
/* Says good-bye, or does not, and closes. */
void co_sim_nbd_close(int fd, bool polite) COROUTINE_ONLY;

#endif
