/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client that speaks to an NBD server message by message, well or badly, and
 * asserts what every server must do. In a coroutine.
 */
#ifndef TESTS_UNIT_NBD_PEER_H
#define TESTS_UNIT_NBD_PEER_H

#include "util/common.h"

/* Descriptors of connections to the socket @path: only connected; with the
 * flags exchanged; in transmission with the export `disk`. */
int co_peer_connect(const char *path);
int co_peer_hello(const char *path, uint32_t client_flags);
int co_peer_connect_and_go(const char *path, bool structured);

void co_peer_send(int fd, const void *buf, size_t bytes);
void co_peer_recv(int fd, void *buf, size_t bytes);
/* The server has closed; what it still sent is dropped. */
void co_peer_expect_close(int fd);

void co_peer_send_option(int fd, uint32_t option, const void *data,
                         uint32_t bytes);
/* The type of the final reply to the option; others are skipped. */
uint32_t co_peer_option_result(int fd, uint32_t option);
/* Both. */
uint32_t co_peer_option(int fd, uint32_t option, const void *data,
                        uint32_t bytes);
/* Asks for the export `disk`. */
uint32_t co_peer_go(int fd);

void co_peer_request(int fd, uint16_t command, uint16_t flags,
                     uint64_t offset_bytes, uint32_t bytes);
/* The error of a simple reply. */
uint32_t co_peer_simple_result(int fd);

#endif
