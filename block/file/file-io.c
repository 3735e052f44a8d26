/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads, writes, flushes and resizes of the `file` driver.
 *
 * Invariants:
 * 1. With O_DIRECT every area handed to the kernel is aligned: others go by
 *    way of a buffer.
 * 2. After a flush of the page cache failed, the kernel may have dropped what
 *    it could not write: every later flush fails too.
 */
#include "block/file/file-int.h"

#include <sys/stat.h>
#include <unistd.h>

#include "block/io/io.h"
#include "util/reactor/memory.h"

static bool at_once(const FileState *s, const Iov *iov)
{
    return s->in_memory && !s->threads &&
           iov->bytes <= MIN(IO_MEMORY_MAX_BYTES, s->bulk_bytes - 1);
}

COROUTINE_ONLY
static ssize_t co_read_some(const FileState *s, const Iov *iov,
                            uint64_t offset_bytes)
{
    return at_once(s, iov)
               ? io_memory_preadv(s->fd, iov->v, iov->n, offset_bytes)
               : co_file_aio_read(s, iov, offset_bytes);
}

COROUTINE_ONLY
static ssize_t co_write_some(const FileState *s, const Iov *iov,
                             uint64_t offset_bytes, bool fua)
{
    return at_once(s, iov)
               ? io_memory_pwritev(s->fd_write, iov->v, iov->n, offset_bytes)
               : co_file_aio_write(s, iov, offset_bytes, fua);
}

/* Reads all of @iov; what lies beyond the end of the file is zeroes. */
COROUTINE_ONLY
static int co_read_all(const FileState *s, Iov *iov, uint64_t offset_bytes)
{
    size_t done = 0;

    while (done < iov->bytes) {
        Iov rest;
        ssize_t n;

        iov_init_slice(&rest, iov, done, iov->bytes - done);
        n = co_read_some(s, &rest, offset_bytes + done);
        iov_free(&rest);
        if (n < 0) {
            return n;
        }
        if (n == 0) {
            iov_memset(iov, done, 0, iov->bytes - done);
            break;
        }
        done += n;
    }
    return 0;
}

COROUTINE_ONLY
static int co_write_all(const FileState *s, Iov *iov, uint64_t offset_bytes,
                        bool fua)
{
    size_t done = 0;

    while (done < iov->bytes) {
        Iov rest;
        ssize_t n;

        iov_init_slice(&rest, iov, done, iov->bytes - done);
        n = co_write_some(s, &rest, offset_bytes + done, fua);
        iov_free(&rest);
        if (n <= 0) {
            return n < 0 ? n : -EIO;
        }
        done += n;
    }
    return 0;
}

/* A short read in the middle of a file (a signal, a bad disk's edge) leaves
 * an unaligned rest: O_DIRECT refuses that with EINVAL, which is an error to
 * tell, not to hide. */
COROUTINE_ONLY
static int co_bounced(const Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, bool write, bool fua)
{
    const FileState *s = node->state;
    void *buf = io_buffer_alloc(node, bytes);
    Iov one;
    int ret;

    if (!buf) {
        return -ENOMEM;
    }
    iov_init_buf(&one, buf, bytes);
    if (write) {
        iov_to_buf(iov, 0, buf, bytes);
        ret = co_write_all(s, &one, offset_bytes, fua);
    } else {
        ret = co_read_all(s, &one, offset_bytes);
        if (ret == 0) {
            iov_from_buf(iov, 0, buf, bytes);
        }
    }
    iov_free(&one);
    io_buffer_free(buf);
    return ret;
}

static bool needs_bounce(const FileState *s, const Iov *iov)
{
    return s->direct && !iov_is_aligned(iov, s->memory_align);
}

int co_file_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags)
{
    const FileState *s = node->state;
    Iov part;
    int ret;

    iov_init_slice(&part, iov, iov_offset, bytes);
    ret = needs_bounce(s, &part)
              ? co_bounced(node, offset_bytes, bytes, &part, false, false)
              : co_read_all(s, &part, offset_bytes);
    iov_free(&part);
    return ret;
}

/* What was empty gets a first block, so that programs that probe the alignment
 * of direct I/O by reading it meet real storage. It is no error if it does
 * not. */
static void fill_first_block(int fd, uint64_t bytes)
{
    static const char zeroes[4096] __attribute__((aligned(4096)));

    while (pwrite(fd, zeroes, MIN(sizeof(zeroes), bytes), 0) < 0 &&
           errno == EINTR) {
        continue;
    }
}

static int64_t truncate_work(void *opaque)
{
    const int64_t *arg = opaque; /* fd, bytes */
    struct stat st;
    bool empty =
        fstat((int)arg[0], &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;

    if (ftruncate((int)arg[0], arg[1]) < 0) {
        return -errno;
    }
    if (empty && arg[1]) {
        fill_first_block((int)arg[0], arg[1]);
    }
    return 0;
}

COROUTINE_ONLY
static int co_set_length(FileState *s, uint64_t bytes)
{
    int64_t arg[2] = {s->fd_write, (int64_t)bytes};
    int ret = co_worker_run(truncate_work, arg);

    file_forget_data(s);
    return ret;
}

/* The file may have grown: within the last sector that is fine, beyond it (a
 * whole block written with O_DIRECT at the end) it is cut again. */
COROUTINE_ONLY
static int co_after_write(Node *node, uint64_t end_bytes)
{
    FileState *s = node->state;

    if (end_bytes > node->size_bytes) {
        end_bytes = node->size_bytes;
        if (co_set_length(s, end_bytes) < 0) {
            return -EIO;
        }
    }
    atomic_max(&s->file_bytes, end_bytes);
    return 0;
}

int co_file_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags)
{
    const FileState *s = node->state;
    bool fua = (flags & REQ_FUA) && !node->cache_no_flush;
    Iov part;
    int ret;

    iov_init_slice(&part, iov, iov_offset, bytes);
    ret = needs_bounce(s, &part)
              ? co_bounced(node, offset_bytes, bytes, &part, true, fua)
              : co_write_all(s, &part, offset_bytes, fua);
    iov_free(&part);
    if (ret == 0 && (flags & REQ_FLUSHED_SOON)) {
        co_file_send_off(node, offset_bytes, bytes);
    }
    return ret ? ret : co_after_write(node, offset_bytes + bytes);
}

int co_file_flush(Node *node)
{
    FileState *s = node->state;
    int ret = __atomic_load_n(&s->flush_error, __ATOMIC_RELAXED);
    int fd = __atomic_load_n(&s->fd_write, __ATOMIC_ACQUIRE);

    if (ret) {
        return ret;
    }
    ret = co_file_aio_sync(s, fd >= 0 ? fd : s->fd);
    if (ret < 0 && !s->direct) {
        __atomic_store_n(&s->flush_error, ret, __ATOMIC_RELAXED);
    }
    return ret;
}

int co_file_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    FileState *s = node->state;
    int ret;

    if (s->fd_write < 0) {
        error_set(errp, "Image is read-only");
        return -EACCES;
    }
    ret = co_set_length(s, size_bytes);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not resize file");
        return ret;
    }
    s->file_bytes = size_bytes;
    return 0;
}
