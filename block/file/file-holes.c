/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holes of files: made by discards and zero writes, told by block status.
 *
 * Invariants:
 * 1. What the file system says it cannot do is not asked again.
 * 2. An answer of lseek is believed within the file's length only.
 */
#include "block/file/file-int.h"
#include "util/sim.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

bool file_unsupported(int ret)
{
    return ret == -ENOTSUP || ret == -EOPNOTSUPP || ret == -ENOSYS ||
           ret == -ENODEV;
}

/* What was learnt of the file system, by whichever reactor. */
static bool known(const bool *fact)
{
    return __atomic_load_n(fact, __ATOMIC_RELAXED);
}

static void learn(bool *fact)
{
    __atomic_store_n(fact, true, __ATOMIC_RELAXED);
}

/* Devices know whole sectors only; the rest is written. */
static bool within_sectors(const FileState *s, uint64_t offset_bytes,
                           uint64_t bytes)
{
    return (offset_bytes | bytes) % s->sector_bytes != 0;
}

COROUTINE_ONLY
static int co_punch(FileState *s, uint64_t offset_bytes, uint64_t bytes)
{
    int ret;

    if (known(&s->no_punch) || within_sectors(s, offset_bytes, bytes)) {
        return -ENOTSUP;
    }
    ret =
        co_io_fallocate(s->fd_write, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        offset_bytes, bytes);
    file_forget_data(s);
    if (file_unsupported(ret)) {
        learn(&s->no_punch);
        return -ENOTSUP;
    }
    return ret;
}

COROUTINE_ONLY
static int co_zero_range(FileState *s, uint64_t offset_bytes, uint64_t bytes)
{
    int ret;

    if (known(&s->no_zero_range) || within_sectors(s, offset_bytes, bytes)) {
        return -ENOTSUP;
    }
    ret =
        co_io_fallocate(s->fd_write, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                        offset_bytes, bytes);
    file_forget_data(s);
    if (file_unsupported(ret)) {
        learn(&s->no_zero_range);
        return -ENOTSUP;
    }
    return ret;
}

/* For file systems that know holes but no zeroed ranges: a hole, given its
 * space again. */
COROUTINE_ONLY
static int co_punch_and_allocate(FileState *s, uint64_t offset_bytes,
                                 uint64_t bytes)
{
    int ret = co_punch(s, offset_bytes, bytes);

    if (ret == 0) {
        ret = co_io_fallocate(s->fd_write, FALLOC_FL_KEEP_SIZE, offset_bytes,
                              bytes);
        /* The zeroes are there; that the space is not is no error. */
        ret = file_unsupported(ret) ? 0 : ret;
    }
    return ret;
}

int co_file_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags)
{
    FileState *s = node->state;
    int ret = -ENOTSUP;

    if ((flags & REQ_UNWRITTEN) && !(flags & REQ_FUA)) {
        return co_file_take_space(node, offset_bytes, bytes);
    }
    if (flags & REQ_MAY_UNMAP) {
        ret = co_punch(s, offset_bytes, bytes);
    }
    if (ret == -ENOTSUP) {
        ret = co_zero_range(s, offset_bytes, bytes);
    }
    if (ret == -ENOTSUP) {
        ret = co_punch_and_allocate(s, offset_bytes, bytes);
    }
    if (ret == 0 && (flags & REQ_FUA) && !node->cache_no_flush) {
        ret = co_file_flush(node);
    }
    return ret;
}

int co_file_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    return co_punch(node->state, offset_bytes, bytes);
}

/* --- data that is known -------------------------------------------------- */

/*
 * To ask where data ends costs the kernel a walk over all of it, so the answer
 * is kept for who asks next. A hole that others make meanwhile is shown as
 * data, which reads the same; one of ours is made first and forgotten then.
 */
static bool find_known_data(FileState *s, uint64_t offset_bytes, off_t *end)
{
    bool found;

    short_lock(&s->data_lock);
    found = offset_bytes >= s->data_start && offset_bytes < s->data_end &&
            !CHANCE("data-forgotten");
    *end = s->data_end;
    short_unlock(&s->data_lock);
    return found;
}

static uint64_t holes_made(FileState *s)
{
    uint64_t n;

    short_lock(&s->data_lock);
    n = s->holes_made;
    short_unlock(&s->data_lock);
    return n;
}

/* Unless a hole was made since there were @holes of them. */
static void remember_data(FileState *s, uint64_t start, uint64_t end,
                          uint64_t holes)
{
    short_lock(&s->data_lock);
    if (s->holes_made == holes) {
        bool joined = start <= s->data_end && end >= s->data_start;

        s->data_start = joined ? MIN(start, s->data_start) : start;
        s->data_end = joined ? MAX(end, s->data_end) : end;
    }
    short_unlock(&s->data_lock);
}

void file_forget_data(FileState *s)
{
    short_lock(&s->data_lock);
    s->holes_made++;
    s->data_start = s->data_end = 0;
    s->space_start = s->space_end = 0;
    short_unlock(&s->data_lock);
}

/* --- status -------------------------------------------------------------- */

typedef struct SeekWork {
    FileState *s;
    off_t offset; /* in */
    bool data;    /* out: data at @offset */
    off_t next;   /* out: where that ends, -1: at the end of the file */
} SeekWork;

static int64_t seek(SeekWork *w)
{
    off_t data = lseek(w->s->fd, w->offset, SEEK_DATA);

    w->next = -1;
    if (data < 0) {
        /* ENXIO: nothing but a hole from here on. */
        return errno == ENXIO ? 0 : -errno;
    }
    w->data = data == w->offset;
    if (!w->data) {
        w->next = data;
        return 0;
    }
    w->next = lseek(w->s->fd, w->offset, SEEK_HOLE);
    return w->next < 0 ? -errno : 0;
}

/* A walk by each of those who ask at the same time would take that many times
 * as long: the kernel lets one after the other. */
static int64_t seek_work(void *opaque)
{
    SeekWork *w = opaque;
    FileState *s = w->s;
    uint64_t holes;
    int64_t ret = 0;

    pthread_mutex_lock(&s->seek_lock);
    holes = holes_made(s);
    w->data = find_known_data(s, w->offset, &w->next);
    if (!w->data) {
        ret = seek(w);
    }
    if (ret == 0 && w->data) {
        remember_data(s, w->offset, w->next, holes);
    }
    pthread_mutex_unlock(&s->seek_lock);
    return ret;
}

COROUTINE_ONLY
static int co_seek(FileState *s, uint64_t offset_bytes, SeekWork *w)
{
    int ret;

    *w = (SeekWork){.s = s, .offset = offset_bytes};
    if (known(&s->no_holes)) {
        return -ENOTSUP;
    }
    if (find_known_data(s, offset_bytes, &w->next)) {
        w->data = true;
        return 0;
    }
    /* Nobody else waits for this thread where data is moved in bulk. */
    ret =
        s->bulk_bytes < UINT64_MAX ? seek_work(w) : co_worker_run(seek_work, w);
    if (ret < 0) {
        if (ret == -EINVAL || file_unsupported(ret)) {
            learn(&s->no_holes);
        }
        return -ENOTSUP;
    }
    return 0;
}

/* How far the extent at @offset_bytes goes, in whole blocks; @w->data follows.
 * A border within a block: the block belongs to the data, and a hole that is
 * shorter than that counts as data. */
static uint64_t extent_bytes(const Node *node, uint64_t offset_bytes,
                             SeekWork *w)
{
    uint64_t align = MAX(512, node->limits.request_align);
    uint64_t end = w->data ? ROUND_UP((uint64_t)w->next, align)
                           : ROUND_DOWN((uint64_t)w->next, align);

    if (end <= offset_bytes) {
        w->data = true;
        end = ROUND_UP((uint64_t)w->next, align);
    }
    return end - offset_bytes;
}

int co_file_block_status(Node *node, bool want_zero, uint64_t offset_bytes,
                         uint64_t bytes, BlockStatus *status)
{
    FileState *s = node->state;
    SeekWork w = {.data = true, .next = -1};
    uint64_t file_bytes = __atomic_load_n(&s->file_bytes, __ATOMIC_RELAXED);

    if (offset_bytes >= file_bytes) {
        w.data = false;
    } else if (want_zero && co_seek(s, offset_bytes, &w) < 0) {
        w.data = true;
        w.next = -1;
    }
    if (w.next > (off_t)offset_bytes && w.next < (off_t)file_bytes) {
        bytes = MIN(bytes, extent_bytes(node, offset_bytes, &w));
    }
    status->flags = STATUS_OFFSET | (w.data ? STATUS_DATA : STATUS_ZERO);
    status->bytes = bytes;
    status->map = offset_bytes;
    status->file = node;
    return 0;
}

bool file_zeroes_unmap(const Node *node G_GNUC_UNUSED)
{
    return true; /* or it turns out that its file system cannot */
}
