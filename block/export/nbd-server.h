/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NBD server of this process: its listening socket and its connections.
 * Which exports clients find there is block/export/export.h's business.
 *
 * Invariants:
 * 1. There is at most one server.
 * 2. At most max_connections clients are connected; more wait in the
 *    listening socket's backlog.
 * 3. A client that does not finish its handshake within
 *    handshake-max-seconds is disconnected.
 */
#ifndef BLOCK_EXPORT_NBD_SERVER_H
#define BLOCK_EXPORT_NBD_SERVER_H

#include "qapi/qapi-types.h"
#include "util/reactor/reactor.h"

#define NBD_DEFAULT_MAX_CONNECTIONS 100u
#define NBD_DEFAULT_HANDSHAKE_SECONDS 10u

/* Starts to listen. Control thread, does not yield. Texts: QEMU 7.2's. */
bool nbd_server_start(const NbdServerOptions *options,
                      Error **errp) CONTROL_ONLY;

/*
 * Removes all NBD exports, disconnects every client (also one in the middle of
 * its handshake) and closes the socket; a unix socket's file goes, too. Waits
 * for requests in flight on the disks, never for a client. False if there is
 * no server.
 */
bool co_nbd_server_stop(Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* Removes the file of its socket, for an end in a hurry. */
void nbd_server_unlink(void) CONTROL_ONLY;

/* True from start until stop begins. */
bool nbd_server_running(void);
/* How many clients it takes at once; 0: without limit, or no server. */
unsigned nbd_server_max_connections(void) CONTROL_ONLY;

/* While it is held it lets nobody in: clients wait in the backlog. For who
 * makes exports after it listens. Nothing without a server. */
void nbd_server_hold(bool held) CONTROL_ONLY;

/* @gone hears of each client that went away: whether it had come as far as to
 * use an export, and how many clients there are still. NULL: nobody listens.
 * It must not yield. */
void nbd_server_watch(void (*gone)(void *opaque, bool used, unsigned left),
                      void *opaque) CONTROL_ONLY;

#endif
