/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reopening a file: read-only or not, through the host's cache or around it.
 *
 * The descriptors stay what they are, because the locks hang on them:
 * O_DIRECT is switched on the open file. Only the one for writing is opened
 * when it becomes needed and closed when nobody may write any more.
 */
#include "block/file/file-int.h"

#include <fcntl.h>

#include "objects/fd-set.h"
#include "qapi/qapi-types.h"

const char *const file_reopen_options[] = {"drop-cache", NULL};

static int set_direct(int fd, bool direct)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0) {
        return -errno;
    }
    flags = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
    return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

typedef struct FileUndo {
    Node *node;
    bool direct;
    int open_flags;
    uint32_t block_bytes, memory_align;
    bool opened_write;
} FileUndo;

/* Both descriptors; what it did before an error is undone by the undo. */
static int set_direct_all(const FileState *s, bool direct)
{
    int ret = set_direct(s->fd, direct);

    if (ret == 0 && s->fd_write >= 0 && s->fd_write != s->fd) {
        ret = set_direct(s->fd_write, direct);
    }
    return ret;
}

static void close_writer(FileState *s)
{
    if (s->fd_write >= 0 && s->fd_write != s->fd) {
        fd_set_close(s->fd_write);
        s->fd_write = -1;
    }
}

static void file_reopen_abort(void *opaque)
{
    FileUndo *undo = opaque;
    FileState *s = undo->node->state;

    if (undo->opened_write) {
        close_writer(s);
    }
    if (s->direct != undo->direct) {
        /* The flag was as it is to be again before: this cannot fail. */
        set_direct_all(s, undo->direct);
    }
    s->direct = undo->direct;
    s->open_flags = undo->open_flags;
    s->block_bytes = undo->block_bytes;
    s->memory_align = undo->memory_align;
}

static void file_reopen_commit(void *opaque)
{
    FileUndo *undo = opaque;

    /* One that was opened for reading and writing at once stays so. */
    if (undo->node->read_only) {
        close_writer(undo->node->state);
    }
}

static const TxnOps file_reopen_ops = {
    .commit = file_reopen_commit,
    .abort = file_reopen_abort,
    .clean = g_free,
};

COROUTINE_ONLY
static bool co_switch_direct(Node *node, Error **errp)
{
    FileState *s = node->state;
    int ret;

    s->direct = node->cache_direct;
    s->open_flags = s->direct ? O_DIRECT : 0;
    s->block_bytes = 1;
    s->memory_align = 1;
    ret = set_direct_all(s, s->direct);
    if (ret == -EINVAL) {
        error_set(errp,
                  "Could not open '%s': filesystem does not support O_DIRECT",
                  s->path);
        return false;
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not reopen file");
        return false;
    }
    if (s->direct) {
        co_file_probe_align(s->fd, &s->block_bytes, &s->memory_align);
    }
    return true;
}

bool co_file_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    Node *node = reopen->node;
    FileState *s = node->state;
    FileUndo *undo;

    if (!file_options_check(node, &reopen->options->u.file, errp)) {
        return false;
    }
    undo = g_new(FileUndo, 1);
    *undo = (FileUndo){node,           s->direct,       s->open_flags,
                       s->block_bytes, s->memory_align, false};
    txn_add(txn, &file_reopen_ops, undo);
    if (node->cache_direct != s->direct && !co_switch_direct(node, errp)) {
        return false;
    }
    if (!node->read_only && !node->auto_read_only && s->fd_write < 0) {
        s->fd_write = file_open_fd(s, true, errp);
        undo->opened_write = s->fd_write >= 0;
        return undo->opened_write;
    }
    return true;
}
