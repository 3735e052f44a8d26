/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file: a regular file of the host. This file opens and closes it, and the
 * devices of host_device, which is the same but for host-device.c.
 *
 * Two descriptors: with auto-read-only the file is opened read-only (fd) and
 * opened once more (fd_write) when the first user that may write comes;
 * reads go on by fd, so that requests in flight never see theirs change.
 *
 * Invariants:
 * 1. fd_write >= 0 whenever a parent has a writing permission.
 * 2. The locks are on fd, which never changes; fd_write has none.
 * 3. node->size_bytes is file_bytes rounded up to a sector; what lies between
 *    reads as zeroes.
 */
#include "block/file/file-bulk.h"
#include "block/file/file-int.h"

#include <fcntl.h>

#include "objects/fd-set.h"
#include "qapi/qapi-types.h"
#include "util/reactor/memory.h"

bool file_options_check(const Node *node, const BlockdevOptionsFile *o,
                        Error **errp)
{
    if (!*o->filename) {
        error_set(errp, "The '%s' block driver requires a file name",
                  node->driver->name);
        return false;
    }
    if (o->has_aio && o->aio == BLOCKDEV_AIO_OPTIONS_NATIVE &&
        !node->cache_direct) {
        error_set(errp, "aio=native was specified, but it requires "
                        "cache.direct=on, which was not specified.");
        return false;
    }
    if (o->has_aio && o->aio == BLOCKDEV_AIO_OPTIONS_IO_URING &&
        !strcmp(reactor_backend_name(reactor_current()), "epoll")) {
        error_set(errp, "Unable to use io_uring: failed to init linux "
                        "io_uring ring");
        return false;
    }
    if (o->pr_manager) {
        error_set(errp, "No persistent reservation manager with id '%s'",
                  o->pr_manager);
        return false;
    }
    if (o->has_aio_max_batch && o->aio_max_batch < 0) {
        error_set(errp,
                  "Parameter 'aio-max-batch' expects a non-negative number "
                  "below 2^64");
        return false;
    }
    return true;
}

static void never_writable_text(Error **errp)
{
    error_set_errno(errp, EACCES, "The device is not writable");
}

int file_open_fd(const FileState *s, bool writable, Error **errp)
{
    int fd, flags;

    if (writable && s->never_writable) {
        never_writable_text(errp);
        return -EACCES;
    }
    flags = s->open_flags | (writable ? O_RDWR : O_RDONLY);
    if (fd_set_is_path(s->path)) {
        return fd_set_open(s->path, flags, errp);
    }
    fd = io_open(s->path, flags, 0);
    if (fd == -EINVAL && s->direct) {
        error_set(errp,
                  "Could not open '%s': filesystem does not support O_DIRECT",
                  s->path);
    } else if (fd < 0) {
        error_set_errno(errp, -fd, "Could not open '%s'", s->path);
    }
    return fd;
}

static bool check_kind(const FileState *s, const FileFacts *facts, Error **errp)
{
    if (!s->device && !facts->regular) {
        error_set(errp, "'file' driver requires '%s' to be a regular file",
                  s->path);
        return false;
    }
    if (s->device && !facts->device) {
        error_set(errp,
                  "'host_device' driver requires '%s' to be either a "
                  "character or block device",
                  s->path);
        return false;
    }
    if (facts->read_only && s->fd_write >= 0) {
        never_writable_text(errp);
        return false;
    }
    return true;
}

COROUTINE_ONLY
static bool co_file_examine(Node *node, Error **errp)
{
    FileState *s = node->state;
    FileFacts facts;
    int ret = co_file_stat(s->fd, &facts);

    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not stat file");
        return false;
    }
    if (!check_kind(s, &facts, errp)) {
        return false;
    }
    if (facts.size_error) {
        error_set_errno(errp, -facts.size_error,
                        "Could not refresh total sector count");
        return false;
    }
    s->file_bytes = facts.bytes;
    s->sector_bytes = facts.sector_bytes;
    s->never_writable = facts.read_only;
    if (s->file_bytes > BLOCK_MAX_BYTES) {
        error_set_errno(errp, EFBIG, "Could not refresh total sector count");
        return false;
    }
    s->in_memory = io_in_memory(s->fd);
    s->block_bytes = 1;
    s->memory_align = 1;
    if (s->direct) {
        co_file_probe_align(s->fd, &s->block_bytes, &s->memory_align);
        s->block_bytes = MAX(s->block_bytes, s->sector_bytes);
    }
    node->size_bytes = ROUND_UP(s->file_bytes, 512);
    return true;
}

void co_file_close(Node *node)
{
    FileState *s = node->state;

    if (s->fd_write >= 0 && s->fd_write != s->fd) {
        fd_set_close(s->fd_write);
    }
    if (s->fd >= 0) {
        fd_set_close(s->fd);
    }
    short_lock_destroy(&s->data_lock);
    pthread_mutex_destroy(&s->seek_lock);
    g_free(s->path);
}

bool file_bulk_in_workers;

bool co_file_open_kind(Node *node, const BlockdevOptionsFile *o, bool device,
                       Error **errp)
{
    bool writable = !node->read_only && !node->auto_read_only;
    FileState *s = node->state;

    if (!file_options_check(node, o, errp)) {
        return false;
    }
    short_lock_init(&s->data_lock);
    pthread_mutex_init(&s->seek_lock, NULL);
    s->path = g_strdup(o->filename);
    s->direct = node->cache_direct;
    s->open_flags = s->direct ? O_DIRECT : 0;
    s->device = device;
    s->threads = o->has_aio && o->aio == BLOCKDEV_AIO_OPTIONS_THREADS;
    s->bulk_bytes = file_bulk_in_workers && !o->has_aio && !s->direct
                        ? FILE_BULK_BYTES
                        : UINT64_MAX;
    s->fd = file_open_fd(s, writable, errp);
    s->fd_write = writable ? s->fd : -1;
    if (s->fd < 0 || !co_file_examine(node, errp)) {
        co_file_close(node);
        return false;
    }
    s->locks = (FileLocks){
        .enabled = !o->has_locking || o->locking != ON_OFF_AUTO_OFF,
        .fd = s->fd,
        .path = s->path,
    };
    node->filename = g_strdup(s->path);
    return true;
}

COROUTINE_ONLY
static bool co_file_open(Node *node, const BlockdevOptions *options,
                         Error **errp)
{
    return co_file_open_kind(node, &options->u.file, false, errp);
}

/* Opens for writing when the first writer comes. It stays open when the last
 * one goes: closing it would only matter to who looks at our descriptors. */
static bool open_for_writer(Node *node, Perms perm, Error **errp)
{
    FileState *s = node->state;

    int fd;

    if (!(perm & (PERM_WRITE | PERM_WRITE_UNCHANGED | PERM_RESIZE)) ||
        node->read_only || s->fd_write >= 0) {
        return true;
    }
    fd = file_open_fd(s, true, errp);
    /* A flush of another reactor may look at it just now. */
    __atomic_store_n(&s->fd_write, MAX(fd, -1), __ATOMIC_RELEASE);
    return fd >= 0;
}

bool file_prepare_perm(Node *node, Perms perm, Perms shared, Error **errp)
{
    FileState *s = node->state;

    return open_for_writer(node, perm, errp) &&
           file_locks_prepare(&s->locks, perm, shared, errp);
}

void file_commit_perm(Node *node, Perms perm, Perms shared)
{
    FileState *s = node->state;

    file_locks_commit(&s->locks, perm, shared);
}

void file_abort_perm(Node *node)
{
    FileState *s = node->state;

    file_locks_abort(&s->locks);
}

void file_refresh_limits(Node *node)
{
    const FileState *s = node->state;

    node->limits.request_align = s->block_bytes;
    node->limits.memory_align = s->memory_align;
    node->limits.zeroes_align = s->sector_bytes;
    node->limits.discard_align = s->sector_bytes;
    node->limits.part_written = s->in_memory;
}

int64_t co_file_allocated_bytes(Node *node)
{
    const FileState *s = node->state;
    FileFacts facts;
    int ret = co_file_stat(s->fd, &facts);

    return ret < 0 ? ret : facts.allocated_bytes;
}

/* A file has no clusters; having this says that its state is known. */
uint32_t file_cluster_bytes(const Node *node)
{
    return 0;
}

/* Who had the file before may have changed its length. */
COROUTINE_ONLY CONTROL_ONLY static bool co_file_activate(Node *node,
                                                         Error **errp)
{
    FileState *s = node->state;
    FileFacts facts;
    int ret = co_file_stat(s->fd, &facts);

    if (ret == 0) {
        ret = facts.size_error;
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not refresh total sector count");
        return false;
    }
    s->file_bytes = facts.bytes;
    node_size_changed(node, ROUND_UP(s->file_bytes, 512));
    return true;
}

static const char *const file_identity[] = {"filename", NULL};

const NodeDriver driver_file = {
    .name = "file",
    .state_bytes = sizeof(FileState),
    .threading = NODE_ANY,
    .identity_options = file_identity,
    .supports_fua = true,
    .co_open = co_file_open,
    .co_reopen = co_file_reopen,
    .co_activate = co_file_activate,
    .reopen_options = file_reopen_options,
    .co_close = co_file_close,
    .prepare_perm = file_prepare_perm,
    .commit_perm = file_commit_perm,
    .abort_perm = file_abort_perm,
    .refresh_limits = file_refresh_limits,
    .zeroes_unmap = file_zeroes_unmap,
    .co_preadv = co_file_preadv,
    .co_pwritev = co_file_pwritev,
    .co_pwrite_zeroes = co_file_pwrite_zeroes,
    .co_pdiscard = co_file_pdiscard,
    .co_flush = co_file_flush,
    .co_block_status = co_file_block_status,
    .co_truncate = co_file_truncate,
    .co_allocated_bytes = co_file_allocated_bytes,
    .cluster_bytes = file_cluster_bytes,
};
