/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of memory areas that one request reads into or writes from. An Iov
 * does not own the memory it points to; it owns its array.
 */
#ifndef UTIL_IOV_H
#define UTIL_IOV_H

#include "util/common.h"

typedef struct Iov {
    struct iovec *v;
    unsigned n;        /* areas in use */
    unsigned capacity; /* areas allocated; 0 when @v is borrowed */
    size_t bytes;      /* sum of the areas' lengths */
    struct iovec one;  /* storage of a list of one area */
} Iov;

void iov_init(Iov *iov);
/* A list of the one area [@base, @base + @bytes). */
void iov_init_buf(Iov *iov, void *base, size_t bytes);
void iov_add(Iov *iov, void *base, size_t bytes);
/* Makes @dst the part [@offset_bytes, +@bytes) of @src; it must fit. The
 * memory stays the one of @src's areas. @dst is initialised here. */
void iov_init_slice(Iov *dst, const Iov *src, size_t offset_bytes,
                    size_t bytes);
/* Appends the part [@offset_bytes, +@bytes) of @src to @dst. */
void iov_add_slice(Iov *dst, const Iov *src, size_t offset_bytes, size_t bytes);
void iov_free(Iov *iov);

/* Copies out of / into the areas, from @offset_bytes on; the whole of @bytes
 * must fit (asserted). */
void iov_to_buf(const Iov *iov, size_t offset_bytes, void *buf, size_t bytes);
void iov_from_buf(const Iov *iov, size_t offset_bytes, const void *buf,
                  size_t bytes);
void iov_memset(const Iov *iov, size_t offset_bytes, int byte, size_t bytes);
bool iov_is_zero(const Iov *iov, size_t offset_bytes, size_t bytes);
/* Every area's address and length is a multiple of @align (a power of 2). */
bool iov_is_aligned(const Iov *iov, size_t align);

/* True if [@buf, +@bytes) is all zeroes. */
bool buffer_is_zero(const void *buf, size_t bytes);

#endif
