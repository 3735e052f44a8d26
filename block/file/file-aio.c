/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option `aio`: which way a request goes into the kernel. io_uring,
 * native and nothing at all mean the reactor's way, which is io_uring where
 * the kernel allows it; threads means a call that waits, in a worker, for
 * kernels and file systems that one does not trust with more.
 */
#include "block/file/file-int.h"

#include <sys/uio.h>
#include <unistd.h>

typedef struct AioWork {
    int fd;
    const struct iovec *v;
    unsigned n;
    uint64_t offset_bytes;
    int flags;
} AioWork;

static int64_t read_work(void *opaque)
{
    const AioWork *w = opaque;
    ssize_t n;

    do {
        n = preadv(w->fd, w->v, (int)w->n, (off_t)w->offset_bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int64_t write_work(void *opaque)
{
    const AioWork *w = opaque;
    ssize_t n;

    do {
        n = pwritev2(w->fd, w->v, (int)w->n, (off_t)w->offset_bytes, w->flags);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int64_t sync_work(void *opaque)
{
    const AioWork *w = opaque;

    return fdatasync(w->fd) < 0 ? -errno : 0;
}

ssize_t co_file_aio_read(const FileState *s, const Iov *iov,
                         uint64_t offset_bytes)
{
    AioWork w = {s->fd, iov->v, iov->n, offset_bytes, 0};

    return s->threads || iov->bytes >= s->bulk_bytes
               ? co_worker_run(read_work, &w)
               : co_io_preadv(s->fd, iov->v, iov->n, offset_bytes);
}

ssize_t co_file_aio_write(const FileState *s, const Iov *iov,
                          uint64_t offset_bytes, bool fua)
{
    AioWork w = {s->fd_write, iov->v, iov->n, offset_bytes,
                 fua ? RWF_DSYNC : 0};

    return s->threads || iov->bytes >= s->bulk_bytes
               ? co_worker_run(write_work, &w)
               : co_io_pwritev(s->fd_write, iov->v, iov->n, offset_bytes, fua);
}

int co_file_aio_sync(const FileState *s, int fd)
{
    AioWork w = {.fd = fd};

    return s->threads ? (int)co_worker_run(sync_work, &w) : co_io_fdatasync(fd);
}
