/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the `file` driver share: its state, and its functions for
 * the driver table in file.c.
 */
#ifndef BLOCK_FILE_FILE_INT_H
#define BLOCK_FILE_FILE_INT_H

#include "block/file/file-lock.h"
#include "block/graph/driver.h"

typedef struct FileState {
    /* CONST; flags, direct and alignments change in a reopen, when no request
     * is in flight */
    char *path;
    int open_flags;       /* for opening it a second time; no access mode */
    int fd;               /* reads; writes too unless fd_write is another */
    bool direct;          /* O_DIRECT */
    uint32_t block_bytes; /* request_align with O_DIRECT, else 1 */
    uint32_t memory_align;
    /* CONTROL */
    FileLocks locks;
    /* HOME */
    int fd_write;        /* -1 while nobody may write */
    bool no_punch;       /* the file system cannot make holes */
    bool no_zero_range;  /* ... or zero a range */
    bool no_holes;       /* ... or tell where they are */
    int flush_error;     /* -errno of a failed flush; sticky */
    uint64_t file_bytes; /* its length, not rounded up to sectors */
} FileState;

/* --- file-probe.c -------------------------------------------------------- */

/* Length and kind of an open file, asked in a worker. 0 or -errno. */
int co_file_stat(int fd, bool *regular, uint64_t *bytes,
                 int64_t *allocated_bytes);
/* What O_DIRECT wants of offsets and addresses. */
void co_file_probe_align(int fd, uint32_t *block_bytes, uint32_t *memory_align);

/* --- file.c -------------------------------------------------------------- */

struct BlockdevOptionsFile;
bool file_options_check(const Node *node, const struct BlockdevOptionsFile *o,
                        Error **errp);
/* The file once more; -errno with @errp set. */
int file_open_fd(const FileState *s, bool writable, Error **errp);

/* --- file-reopen.c ------------------------------------------------------- */

bool co_file_reopen(NodeReopen *reopen, Txn *txn, Error **errp);
extern const char *const file_reopen_options[];

/* --- file-io.c ----------------------------------------------------------- */

int co_file_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags);
int co_file_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags);
int co_file_flush(Node *node);
int co_file_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp);

/* --- file-holes.c -------------------------------------------------------- */

int co_file_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags);
int co_file_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes);
int co_file_block_status(Node *node, bool want_zero, uint64_t offset_bytes,
                         uint64_t bytes, BlockStatus *status);

#endif
