/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the drivers file and host_device share: their state, and
 * their functions for the tables in file.c and host-device.c.
 */
#ifndef BLOCK_FILE_FILE_INT_H
#define BLOCK_FILE_FILE_INT_H

#include "block/file/file-lock.h"
#include "block/graph/driver.h"
#include "util/short-lock.h"

typedef struct FileState {
    /* CONST; flags, direct and alignments change in a reopen, when no request
     * is in flight */
    char *path;
    int open_flags;        /* for opening it a second time; no access mode */
    int fd;                /* reads; writes too unless fd_write is another */
    bool direct;           /* O_DIRECT */
    bool device;           /* host_device */
    bool threads;          /* aio=threads: blocking calls, in workers */
    uint64_t bulk_bytes;   /* requests from this size on go that way, too */
    bool never_writable;   /* a read-only device */
    uint32_t sector_bytes; /* of a block device; else 1 */
    bool in_memory;        /* no device below: tmpfs */
    uint32_t block_bytes;  /* request_align with O_DIRECT, else 1 */
    uint32_t memory_align;
    /* CONTROL */
    FileLocks locks;
    /* ATOMIC */
    int fd_write;        /* -1 while nobody may write, else it stays */
    bool no_punch;       /* the file system cannot make holes */
    bool no_discard;     /* the device takes no discards */
    bool no_zero_range;  /* ... or zero a range */
    bool no_holes;       /* ... or tell where they are */
    int flush_error;     /* -errno of a failed flush; sticky */
    uint64_t file_bytes; /* its length, not rounded up to sectors */
    /* SHORT */
    ShortLock data_lock;
    uint64_t data_start, data_end; /* known to be data, since last asked */
    /* has its space, as far as never written; file-space.c */
    uint64_t space_start, space_end;
    /* Written, not sent off to the disk yet, and its sum; file-writeback.c */
    uint64_t dirty_start, dirty_end, dirty_bytes;
    /* Held by a worker that asks: one at a time, the others find its answer. */
    pthread_mutex_t seek_lock;
    uint64_t holes_made; /* how often that was forgotten */
} FileState;

/* --- file.c --------------------------------------------------------------- */

struct BlockdevOptionsFile;

/* Opens what the options name, a regular file or, with @device, a device. */
bool co_file_open_kind(Node *node, const struct BlockdevOptionsFile *o,
                       bool device, Error **errp) COROUTINE_ONLY;
void co_file_close(Node *node) COROUTINE_ONLY;
bool file_prepare_perm(Node *node, Perms perm, Perms shared, Error **errp);
void file_commit_perm(Node *node, Perms perm, Perms shared);
void file_abort_perm(Node *node);
void file_refresh_limits(Node *node);
int64_t co_file_allocated_bytes(Node *node) COROUTINE_ONLY;
uint32_t file_cluster_bytes(const Node *node);
bool file_zeroes_unmap(const Node *node);
bool file_options_check(const Node *node, const struct BlockdevOptionsFile *o,
                        Error **errp);
/* The file once more; -errno with @errp set. */
int file_open_fd(const FileState *s, bool writable, Error **errp);

/* --- file-space.c -------------------------------------------------------- */

/* Space for [@offset_bytes, +@bytes), which was never written: no data is
 * changed. 0, -ENOTSUP or -errno. */
int co_file_take_space(Node *node, uint64_t offset_bytes,
                       uint64_t bytes) COROUTINE_ONLY;

/* --- file-writeback.c ---------------------------------------------------- */

/* [@offset_bytes, +@bytes) was written, with REQ_FLUSHED_SOON: sends it to the
 * disk when enough has come together. A hint: it cannot fail. */
void co_file_send_off(Node *node, uint64_t offset_bytes,
                      uint64_t bytes) COROUTINE_ONLY;

/* --- file-probe.c -------------------------------------------------------- */

/* What an open file is. */
typedef struct FileFacts {
    bool regular, device; /* a device: block or character */
    bool read_only;       /* a block device that nobody may write to */
    int size_error;       /* -errno when the length cannot be told */
    uint64_t bytes;
    int64_t allocated_bytes;
    uint32_t sector_bytes; /* of a block device; else 1 */
} FileFacts;

/* Asks in a worker. 0 or -errno. */
int co_file_stat(int fd, FileFacts *facts) COROUTINE_ONLY;
/* What O_DIRECT wants of offsets and addresses: what the kernel says, else
 * what reads show. */
void co_file_probe_align(int fd, uint32_t *block_bytes,
                         uint32_t *memory_align) COROUTINE_ONLY;

/* --- file-holes.c -------------------------------------------------------- */

/* There may be holes now where data was. Any reactor. */
void file_forget_data(FileState *s);
/* Whether -errno says that the file system has no such call. */
bool file_unsupported(int ret);

/* --- file-reopen.c ------------------------------------------------------- */

bool co_file_reopen(NodeReopen *reopen, Txn *txn, Error **errp) COROUTINE_ONLY;
extern const char *const file_reopen_options[];

/* --- file-io.c ----------------------------------------------------------- */

int co_file_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_file_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_file_flush(Node *node) COROUTINE_ONLY;
int co_file_truncate(Node *node, uint64_t size_bytes, bool exact,
                     Error **errp) COROUTINE_ONLY;

/* --- file-aio.c ---------------------------------------------------------- */

/* One read or write at most, as co_io_preadv and co_io_pwritev. */
ssize_t co_file_aio_read(const FileState *s, const Iov *iov,
                         uint64_t offset_bytes) COROUTINE_ONLY;
ssize_t co_file_aio_write(const FileState *s, const Iov *iov,
                          uint64_t offset_bytes, bool fua) COROUTINE_ONLY;
int co_file_aio_sync(const FileState *s, int fd) COROUTINE_ONLY;

/* --- file-holes.c -------------------------------------------------------- */

int co_file_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags) COROUTINE_ONLY;
int co_file_pdiscard(Node *node, uint64_t offset_bytes,
                     uint64_t bytes) COROUTINE_ONLY;
int co_file_block_status(Node *node, bool want_zero, uint64_t offset_bytes,
                         uint64_t bytes, BlockStatus *status) COROUTINE_ONLY;

#endif
