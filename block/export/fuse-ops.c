/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The callbacks of libfuse: each makes a request of its arguments and starts
 * it, or refuses it. They run inside of fuse_session_process_buf, on the
 * export's reactor, and do not yield. The file is the only inode.
 */
#include "block/export/fuse-int.h"
#include "block/io/io.h"

static FuseRequest request_of(fuse_req_t req, void (*co_run)(FuseRequest *r))
{
    return (FuseRequest){
        .e = fuse_req_userdata(req),
        .req = req,
        .co_run = co_run,
    };
}

/* Gives @r a buffer of its length; else refuses it. */
static bool take_buffer(FuseRequest *r)
{
    if (r->bytes > FUSE_MAX_PAYLOAD) {
        fuse_reply_err(r->req, EINVAL);
        return false;
    }
    r->buf = io_buffer_alloc_aligned(r->e->memory_align, MAX(1, r->bytes));
    if (!r->buf) {
        fuse_reply_err(r->req, ENOMEM);
        return false;
    }
    return true;
}

/* libfuse wants to hear it twice: here, and as an option of the mount. */
static void op_init(void *opaque, struct fuse_conn_info *conn)
{
    conn->max_read = FUSE_MAX_PAYLOAD;
}

static void op_getattr(fuse_req_t req, fuse_ino_t inode,
                       struct fuse_file_info *fi)
{
    FuseRequest r = request_of(req, co_fuse_getattr);

    fuse_request_start(&r);
}

static void op_setattr(fuse_req_t req, fuse_ino_t inode, struct stat *attr,
                       int to_set, struct fuse_file_info *fi)
{
    FuseRequest r = request_of(req, co_fuse_setattr);

    r.attr = *attr;
    r.mode = to_set;
    fuse_request_start(&r);
}

static void op_read(fuse_req_t req, fuse_ino_t inode, size_t bytes,
                    off_t offset_bytes, struct fuse_file_info *fi)
{
    FuseRequest r = request_of(req, co_fuse_read);

    r.offset_bytes = offset_bytes;
    r.bytes = bytes;
    if (take_buffer(&r)) {
        fuse_request_start(&r);
    }
}

static void op_write(fuse_req_t req, fuse_ino_t inode, const char *buf,
                     size_t bytes, off_t offset_bytes,
                     struct fuse_file_info *fi)
{
    FuseRequest r = request_of(req, co_fuse_write);

    if (!r.e->exp->writable) {
        fuse_reply_err(req, EACCES);
        return;
    }
    r.offset_bytes = offset_bytes;
    r.bytes = bytes;
    if (take_buffer(&r)) {
        memcpy(r.buf, buf, bytes);
        fuse_request_start(&r);
    }
}

static void op_flush(fuse_req_t req, fuse_ino_t inode,
                     struct fuse_file_info *fi)
{
    FuseRequest r = request_of(req, co_fuse_flush);

    fuse_request_start(&r);
}

static void op_fsync(fuse_req_t req, fuse_ino_t inode, int datasync,
                     struct fuse_file_info *fi)
{
    op_flush(req, inode, fi);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t inode, int mode,
                         off_t offset_bytes, off_t bytes,
                         struct fuse_file_info *fi)
{
    FuseRequest r = request_of(req, co_fuse_fallocate);

    if (!r.e->exp->writable) {
        fuse_reply_err(req, EACCES);
        return;
    }
    r.offset_bytes = offset_bytes;
    r.bytes = bytes;
    r.mode = mode;
    fuse_request_start(&r);
}

static void op_lseek(fuse_req_t req, fuse_ino_t inode, off_t offset_bytes,
                     int whence, struct fuse_file_info *fi)
{
    FuseRequest r = request_of(req, co_fuse_lseek);

    r.offset_bytes = offset_bytes;
    r.mode = whence;
    fuse_request_start(&r);
}

const struct fuse_lowlevel_ops fuse_export_ops = {
    .init = op_init,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .fsync = op_fsync,
    .fallocate = op_fallocate,
    .lseek = op_lseek,
};
