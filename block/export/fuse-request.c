/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of FUSE clients, done through the export's root. What each
 * answers where is what QEMU 7.2 was seen to do.
 *
 * Offsets are the kernel's and lie in [0, INT64_MAX]; lengths are bounded by
 * the buffer, or by the kernel to the same range.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include "block/export/fuse-int.h"

/* How long clients may rely upon attributes, in seconds: as QEMU. */
#define ATTR_SECONDS 1.0
#define DEFAULT_BLOCK_BYTES 512

uint64_t fuse_size_bytes(const FuseExport *e)
{
    return __atomic_load_n(&e->exp->size_bytes, __ATOMIC_RELAXED);
}

static ReqFlags write_flags(const FuseExport *e)
{
    return e->exp->writethrough ? REQ_FUA : 0;
}

/* --- attributes ---------------------------------------------------------- */

COROUTINE_ONLY static void co_reply_attr(FuseRequest *r)
{
    FuseExport *e = r->e;
    int64_t allocated_bytes = co_fuse_allocated_bytes(e);
    time_t now = reactor_wall_clock_us() / 1000000;
    struct stat st = {
        .st_ino = FUSE_ROOT_ID,
        .st_mode = e->mode,
        .st_nlink = 1,
        .st_uid = e->uid,
        .st_gid = e->gid,
        .st_size = fuse_size_bytes(e),
        .st_blksize = 1,
        .st_atime = now,
        .st_mtime = now,
        .st_ctime = now,
    };

    /* Where the storage does not say, or takes none, all of it counts. */
    if (allocated_bytes <= 0) {
        allocated_bytes = st.st_size;
    }
    st.st_blocks = DIV_ROUND_UP(allocated_bytes, DEFAULT_BLOCK_BYTES);
    fuse_reply_attr(r->req, &st, ATTR_SECONDS);
}

void co_fuse_getattr(FuseRequest *r)
{
    co_reply_attr(r);
}

/* Whether @mode may be set. */
static int check_mode(const FuseExport *e, mode_t mode)
{
    if (!e->allow_other && (mode & (S_IRWXG | S_IRWXO))) {
        return -EPERM; /* others cannot get there anyway */
    }
    if (!e->exp->writable && (mode & (S_IWUSR | S_IWGRP | S_IWOTH))) {
        return -EROFS;
    }
    return 0;
}

static int check_setattr(const FuseExport *e, int to_set, mode_t mode)
{
    int owner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;

    if ((to_set & ~(FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MODE | owner)) ||
        ((to_set & owner) && !e->allow_other)) {
        return -EOPNOTSUPP;
    }
    if ((to_set & FUSE_SET_ATTR_SIZE) && !e->exp->writable) {
        return -EACCES;
    }
    return to_set & FUSE_SET_ATTR_MODE ? check_mode(e, mode) : 0;
}

void co_fuse_setattr(FuseRequest *r)
{
    FuseExport *e = r->e;
    int ret = check_setattr(e, r->mode, r->attr.st_mode);

    if (ret == 0 && (r->mode & FUSE_SET_ATTR_SIZE)) {
        ret = co_fuse_resize(e, r->attr.st_size, FUSE_RESIZE_EXACT);
    }
    if (ret < 0) {
        fuse_reply_err(r->req, -ret);
        return;
    }
    if (r->mode & FUSE_SET_ATTR_MODE) {
        e->mode = S_IFREG | (r->attr.st_mode & 07777);
    }
    if (r->mode & FUSE_SET_ATTR_UID) {
        e->uid = r->attr.st_uid;
    }
    if (r->mode & FUSE_SET_ATTR_GID) {
        e->gid = r->attr.st_gid;
    }
    co_reply_attr(r);
}

/* --- data ---------------------------------------------------------------- */

/* How much of @bytes from @offset_bytes on lies on the disk. */
static uint64_t clip(const FuseExport *e, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t size_bytes = fuse_size_bytes(e);

    return offset_bytes >= size_bytes ? 0
                                      : MIN(bytes, size_bytes - offset_bytes);
}

void co_fuse_read(FuseRequest *r)
{
    uint64_t bytes = clip(r->e, r->offset_bytes, r->bytes);
    int ret =
        bytes ? co_root_pread(r->e->exp->root, r->offset_bytes, bytes, r->buf)
              : 0;

    if (ret < 0) {
        fuse_reply_err(r->req, -ret);
    } else {
        fuse_reply_buf(r->req, r->buf, bytes);
    }
}

/* Makes room for it, or cuts what does not fit: *@bytes is what to write. */
COROUTINE_ONLY static int co_fit_write(FuseRequest *r, uint64_t *bytes)
{
    FuseExport *e = r->e;

    *bytes = clip(e, r->offset_bytes, r->bytes);
    if (*bytes == r->bytes) {
        return 0;
    }
    if (!e->growable) {
        return *bytes ? 0 : -EIO;
    }
    if (r->offset_bytes > INT64_MAX - r->bytes) {
        return -EFBIG;
    }
    *bytes = r->bytes;
    return co_fuse_resize(e, r->offset_bytes + r->bytes, FUSE_RESIZE_GROW);
}

void co_fuse_write(FuseRequest *r)
{
    uint64_t bytes;
    int ret = co_fit_write(r, &bytes);

    if (ret == 0) {
        ret = co_root_pwrite(r->e->exp->root, r->offset_bytes, bytes, r->buf,
                             write_flags(r->e));
    }
    if (ret < 0) {
        fuse_reply_err(r->req, -ret);
    } else {
        fuse_reply_write(r->req, bytes);
    }
}

void co_fuse_flush(FuseRequest *r)
{
    fuse_reply_err(r->req, -co_root_flush(r->e->exp->root));
}

/* --- space --------------------------------------------------------------- */

/* What lies behind the end needs nothing done. */
COROUTINE_ONLY static int co_zero(FuseRequest *r, ReqFlags flags)
{
    uint64_t bytes = clip(r->e, r->offset_bytes, r->bytes);

    if (r->offset_bytes > fuse_size_bytes(r->e)) {
        return -EIO;
    }
    return bytes ? co_root_pwrite_zeroes(r->e->exp->root, r->offset_bytes,
                                         bytes, flags | write_flags(r->e))
                 : 0;
}

/* Space behind the end, which others than this would have to be asked for by
 * writing it. */
COROUTINE_ONLY static int co_allocate_behind(FuseRequest *r)
{
    int ret;

    if (r->offset_bytes < fuse_size_bytes(r->e)) {
        return -EOPNOTSUPP;
    }
    ret = co_fuse_resize(r->e, r->offset_bytes, FUSE_RESIZE_GROW);
    return ret < 0 ? ret
                   : co_fuse_resize(r->e, r->offset_bytes + r->bytes,
                                    FUSE_RESIZE_GROW_ALLOCATED);
}

COROUTINE_ONLY static int co_fallocate(FuseRequest *r)
{
    uint64_t end_bytes = r->offset_bytes + r->bytes;
    int ret = 0;

    if (end_bytes > INT64_MAX) {
        return -EFBIG;
    }
    switch (r->mode) {
    case 0:
        return co_allocate_behind(r);
    case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
        return co_zero(r, REQ_MAY_UNMAP);
    case FALLOC_FL_ZERO_RANGE:
        if (end_bytes > fuse_size_bytes(r->e)) {
            ret = co_fuse_resize(r->e, end_bytes, FUSE_RESIZE_GROW);
        }
        return ret < 0 ? ret : co_zero(r, 0);
    case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
        return co_zero(r, 0);
    default:
        return -EOPNOTSUPP;
    }
}

void co_fuse_fallocate(FuseRequest *r)
{
    fuse_reply_err(r->req, -co_fallocate(r));
}

/* --- holes --------------------------------------------------------------- */

/* The next data or hole from *@at on; at the end a hole is, and no data. */
COROUTINE_ONLY static int co_find(const FuseExport *e, bool data, uint64_t *at)
{
    for (;;) {
        uint64_t size_bytes = fuse_size_bytes(e);
        BlockStatus status;
        int ret;

        if (*at > size_bytes || (*at == size_bytes && data)) {
            return -ENXIO;
        }
        if (*at == size_bytes) {
            return 0;
        }
        ret =
            co_root_block_status(e->exp->root, *at, size_bytes - *at, &status);
        if (ret < 0) {
            return ret;
        }
        if (status.bytes && !!(status.flags & STATUS_DATA) == data) {
            return 0;
        }
        if (!status.bytes) {
            return -ENXIO; /* it has become shorter just now */
        }
        *at += status.bytes;
        co_reschedule();
    }
}

void co_fuse_lseek(FuseRequest *r)
{
    uint64_t at = r->offset_bytes;
    int ret = r->mode == SEEK_HOLE || r->mode == SEEK_DATA
                  ? co_find(r->e, r->mode == SEEK_DATA, &at)
                  : -EINVAL;

    if (ret < 0) {
        fuse_reply_err(r->req, -ret);
    } else {
        fuse_reply_lseek(r->req, MIN(at, fuse_size_bytes(r->e)));
    }
}
