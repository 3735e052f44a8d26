/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hints for the file system of a new image's file: see file-create.h. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "block/file/file-create.h"

typedef struct Hinting {
    int fd;
    const FileHints *hints;
    int extent_error; /* -errno of the size of extents */
} Hinting;

/* File systems that cannot leave it do not. */
static void stop_cow(int fd)
{
    int flags;

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_NOCOW_FL;
        ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

static int set_extent_size(int fd, uint32_t bytes)
{
    struct fsxattr attr;

    if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0) {
        return -errno;
    }
    if (bytes) {
        attr.fsx_xflags |= FS_XFLAG_EXTSIZE;
    } else {
        attr.fsx_xflags &= ~FS_XFLAG_EXTSIZE;
    }
    attr.fsx_extsize = bytes;
    return ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0 ? -errno : 0;
}

/* On a worker thread. */
static int64_t give_hints(void *opaque)
{
    Hinting *h = opaque;

    if (h->hints->no_cow) {
        stop_cow(h->fd);
    }
    if (h->hints->has_extent_size) {
        h->extent_error = set_extent_size(h->fd, h->hints->extent_size);
    }
    return 0;
}

bool co_file_set_hints(const char *filename, const FileHints *hints,
                       Error **errp)
{
    Hinting h = {.hints = hints};

    if (hints->has_extent_size && hints->extent_size > UINT32_MAX) {
        error_set(errp, "Extent size hint is too large");
        return false;
    }
    h.fd = io_open(filename, O_RDWR, 0);
    if (h.fd < 0) {
        error_set_errno(errp, -h.fd, "Could not open '%s'", filename);
        return false;
    }
    co_worker_run(give_hints, &h);
    io_close(h.fd);
    if (h.extent_error < 0) {
        warn_report("Failed to set extent size hint: %s",
                    strerror(-h.extent_error));
    }
    return true;
}
