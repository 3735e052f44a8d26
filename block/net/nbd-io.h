/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The I/O functions of the driver `nbd`, as driver.h describes them. */
#ifndef BLOCK_NET_NBD_IO_H
#define BLOCK_NET_NBD_IO_H

#include "block/net/nbd-client.h"

/* The most that one block status, zeroes or trim asks for, in bytes: with
 * plain headers, and with extended ones. */
#define NBD_MAX_EFFECT_BYTES (UINT64_C(1) << 30)
#define NBD_MAX_EXT_EFFECT_BYTES (UINT64_C(1) << 40)

/* That of this client: a multiple of the server's smallest block. */
uint64_t nbd_max_effect_bytes(const NbdClient *c);

int co_nbd_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                  size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_nbd_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_nbd_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         ReqFlags flags) COROUTINE_ONLY;
int co_nbd_pdiscard(Node *node, uint64_t offset_bytes,
                    uint64_t bytes) COROUTINE_ONLY;
int co_nbd_flush(Node *node) COROUTINE_ONLY;
int co_nbd_block_status(Node *node, bool want_zero, uint64_t offset_bytes,
                        uint64_t bytes, BlockStatus *status) COROUTINE_ONLY;

#endif
