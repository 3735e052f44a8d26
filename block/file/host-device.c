/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_device: a block or character device of the host. A file in all but its
 * kind, its fixed size, and what becomes of discards and zeroes: the kernel
 * takes zeroes for devices as it does for files (fallocate), but a discard
 * that need not leave zeroes behind has a call of its own.
 *
 * A device does not tell what it holds: all of it is data.
 */
#include "block/file/file-int.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "qapi/qapi-types.h"

COROUTINE_ONLY
static bool co_host_device_open(Node *node, const BlockdevOptions *options,
                                Error **errp)
{
    return co_file_open_kind(node, &options->u.host_device, true, errp);
}

static int co_host_device_block_status(Node *node, bool want_zero,
                                       uint64_t offset_bytes, uint64_t bytes,
                                       BlockStatus *status)
{
    *status = (BlockStatus){
        .flags = STATUS_DATA | STATUS_OFFSET,
        .bytes = bytes,
        .map = offset_bytes,
        .file = node,
    };
    return 0;
}

typedef struct DiscardWork {
    int fd;
    uint64_t range[2]; /* offset and length in bytes, as the kernel wants it */
} DiscardWork;

static int64_t discard_work(void *opaque)
{
    DiscardWork *w = opaque;

    return ioctl(w->fd, BLKDISCARD, w->range) < 0 ? -errno : 0;
}

COROUTINE_ONLY
static int co_host_device_pdiscard(Node *node, uint64_t offset_bytes,
                                   uint64_t bytes)
{
    FileState *s = node->state;
    DiscardWork w = {.fd = s->fd_write, .range = {offset_bytes, bytes}};
    int ret;

    if (__atomic_load_n(&s->no_discard, __ATOMIC_RELAXED) ||
        (offset_bytes | bytes) % s->sector_bytes != 0) {
        return -ENOTSUP;
    }
    ret = co_worker_run(discard_work, &w);
    if (ret == -EOPNOTSUPP || ret == -ENOTTY || ret == -ENOSYS) {
        __atomic_store_n(&s->no_discard, true, __ATOMIC_RELAXED);
        return -ENOTSUP;
    }
    return ret;
}

/* A device has the size it has. (QEMU lets block_resize ask for less, and
 * changes nothing.) */
static int co_host_device_truncate(Node *node, uint64_t size_bytes, bool exact,
                                   Error **errp)
{
    if (size_bytes == node->size_bytes) {
        return 0;
    }
    if (!exact && size_bytes < node->size_bytes) {
        return TRUNCATE_KEPT;
    }
    error_set(errp, exact ? "Cannot resize device files"
                          : "Cannot grow device files");
    return -ENOTSUP;
}

static const char *const host_device_identity[] = {"filename", NULL};

const NodeDriver driver_host_device = {
    .name = "host_device",
    .state_bytes = sizeof(FileState),
    .threading = NODE_ANY,
    .identity_options = host_device_identity,
    .supports_fua = true,
    .co_open = co_host_device_open,
    .co_close = co_file_close,
    .co_reopen = co_file_reopen,
    .reopen_options = file_reopen_options,
    .prepare_perm = file_prepare_perm,
    .commit_perm = file_commit_perm,
    .abort_perm = file_abort_perm,
    .refresh_limits = file_refresh_limits,
    .zeroes_unmap = file_zeroes_unmap,
    .co_preadv = co_file_preadv,
    .co_pwritev = co_file_pwritev,
    .co_pwrite_zeroes = co_file_pwrite_zeroes,
    .co_pdiscard = co_host_device_pdiscard,
    .co_flush = co_file_flush,
    .co_block_status = co_host_device_block_status,
    .co_truncate = co_host_device_truncate,
    .co_allocated_bytes = co_file_allocated_bytes,
    .cluster_bytes = file_cluster_bytes,
};
