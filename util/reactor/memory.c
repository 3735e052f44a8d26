/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small transfers of files in memory, through the back end's table. */
#include "util/reactor/memory.h"

#include "util/reactor/backend.h"

#include <limits.h>

bool io_in_memory(int fd)
{
    return reactor_sys()->in_memory(fd);
}

ssize_t io_memory_preadv(int fd, const struct iovec *v, unsigned n,
                         uint64_t offset_bytes)
{
    assert(n <= IOV_MAX && offset_bytes <= INT64_MAX);
    return reactor_sys()->memory_preadv(fd, v, n, offset_bytes);
}

ssize_t io_memory_pwritev(int fd, const struct iovec *v, unsigned n,
                          uint64_t offset_bytes)
{
    assert(n <= IOV_MAX && offset_bytes <= INT64_MAX);
    return reactor_sys()->memory_pwritev(fd, v, n, offset_bytes);
}
