/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making files for images: see file-create.h.
 *
 * Invariant: a file that another program uses is not touched.
 */
#include "block/file/file-create.h"

#include <fcntl.h>
#include <unistd.h>

#include "block/file/file-lock.h"
#include "objects/fd-set.h"

#define FIRST_BLOCK_BYTES 4096

bool file_preallocation_parse(const char *word, FilePreallocation *value,
                              Error **errp)
{
    static const char *const words[] = {
        [FILE_PREALLOC_OFF] = "off",
        [FILE_PREALLOC_FALLOC] = "falloc",
        [FILE_PREALLOC_FULL] = "full",
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i], word)) {
            *value = i;
            return true;
        }
    }
    if (!strcmp(word, "metadata")) {
        error_set(errp, "Unsupported preallocation mode: %s", word);
    } else {
        error_set(errp, "invalid parameter value: %s", word);
    }
    return false;
}

/* On a worker thread: gives the file its space. */
typedef struct Allocate {
    int fd;
    bool empty; /* first */
    uint64_t from_bytes, to_bytes;
    FilePreallocation preallocation;
} Allocate;

static int write_zeroes(int fd, uint64_t from, uint64_t to)
{
    static const char zeroes[64 * 1024];
    uint64_t at;

    for (at = from; at < to;) {
        ssize_t n = pwrite(fd, zeroes, MIN(sizeof(zeroes), to - at), at);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        at += MAX(n, 0);
    }
    return 0;
}

static int fill(const Allocate *a)
{
    int ret;

    switch (a->preallocation) {
    case FILE_PREALLOC_FALLOC:
        return -posix_fallocate(a->fd, a->from_bytes,
                                a->to_bytes - a->from_bytes);
    case FILE_PREALLOC_FULL:
        ret = write_zeroes(a->fd, a->from_bytes, a->to_bytes);
        return ret < 0 ? ret : fsync(a->fd) < 0 ? -errno : 0;
    default:
        return 0;
    }
}

static int64_t allocate(void *opaque)
{
    const Allocate *a = opaque;
    int ret = 0;

    if ((a->empty && ftruncate(a->fd, 0) < 0) ||
        ftruncate(a->fd, a->to_bytes) < 0) {
        return -errno;
    }
    if (a->to_bytes > a->from_bytes) {
        ret = fill(a);
    }
    /* The first block is always there, so that programs that probe the
     * alignment of direct I/O by reading it meet real storage. */
    return ret < 0 || !a->empty
               ? ret
               : write_zeroes(a->fd, 0, MIN(a->to_bytes, FIRST_BLOCK_BYTES));
}

COROUTINE_ONLY
static int co_allocate(Allocate *work, Error **errp)
{
    int ret = co_worker_run(allocate, work);

    if (ret < 0) {
        error_set(errp, "Could not resize file: %s", strerror(-ret));
    }
    return ret;
}

static int open_new(const char *filename, Error **errp)
{
    int fd;

    if (fd_set_is_path(filename)) {
        return fd_set_open(filename, O_RDWR | O_CREAT, errp);
    }
    fd = io_open(filename, O_RDWR | O_CREAT, 0644);
    if (fd < 0) {
        error_set(errp, "Could not create '%s': %s", filename, strerror(-fd));
    }
    return fd;
}

int co_file_create(const char *filename, uint64_t size_bytes,
                   FilePreallocation preallocation, Error **errp)
{
    return co_file_create_exact(filename, ROUND_UP(size_bytes, 512),
                                preallocation, errp);
}

int co_file_create_exact(const char *filename, uint64_t size_bytes,
                         FilePreallocation preallocation, Error **errp)
{
    int fd = open_new(filename, errp);
    Allocate work = {fd, true, 0, size_bytes, preallocation};
    int ret = -EAGAIN;

    if (fd < 0) {
        return fd;
    }
    if (file_lock_for_create(fd, filename, errp)) {
        ret = co_allocate(&work, errp);
    }
    fd_set_close(fd);
    return ret;
}

int co_file_preallocate(const char *filename, uint64_t from_bytes,
                        uint64_t to_bytes, FilePreallocation preallocation,
                        Error **errp)
{
    int fd = fd_set_is_path(filename) ? fd_set_open(filename, O_RDWR, errp)
                                      : io_open(filename, O_RDWR, 0);
    Allocate work = {fd, false, from_bytes, to_bytes, preallocation};
    int ret;

    if (fd < 0) {
        if (!fd_set_is_path(filename)) {
            error_set(errp, "Could not open '%s': %s", filename, strerror(-fd));
        }
        return fd;
    }
    ret = co_allocate(&work, errp);
    fd_set_close(fd);
    return ret;
}
