/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is copied into the page cache and flushed in the end (REQ_FLUSHED_SOON)
 * goes to the disk meanwhile: the kernel begins only when much is dirty, so
 * that copying and writing, of which each could hide the other, come one after
 * the other. Copies go through a file in order, by and large: what lies between
 * the first and the last of a few MiB is sent off at once.
 *
 * Invariant: only begins earlier what a flush does anyway; nobody learns from
 * it that data is safe, and errors are the flush's to tell (the kernel keeps
 * them for it).
 */
#include "block/file/file-int.h"

#include <fcntl.h>

/* Sent off at once. Less is more calls, more is a disk that waits. */
#define SEND_BYTES (8 * MiB)
/* What is wider than this was not written in order: much of it may be somebody
 * else's, who does not want it written. */
#define SPAN_BYTES (4 * SEND_BYTES)

typedef struct SendOff {
    int fd;
    uint64_t start, end;
} SendOff;

static int64_t send_work(void *opaque)
{
    const SendOff *send = opaque;

    return sync_file_range(send->fd, (off_t)send->start,
                           (off_t)(send->end - send->start),
                           SYNC_FILE_RANGE_WRITE);
}

/* Notes a write; true when with it there is enough to be sent. */
static bool note_write(FileState *s, uint64_t start, uint64_t end,
                       SendOff *send)
{
    bool enough;

    short_lock(&s->data_lock);
    if (!s->dirty_bytes ||
        MAX(s->dirty_end, end) - MIN(s->dirty_start, start) > SPAN_BYTES) {
        s->dirty_bytes = 0;
        s->dirty_start = start;
        s->dirty_end = end;
    }
    s->dirty_start = MIN(s->dirty_start, start);
    s->dirty_end = MAX(s->dirty_end, end);
    s->dirty_bytes += end - start;
    enough = s->dirty_bytes >= SEND_BYTES;
    if (enough) {
        *send = (SendOff){s->fd_write, s->dirty_start, s->dirty_end};
        s->dirty_bytes = 0;
    }
    short_unlock(&s->data_lock);
    return enough;
}

void co_file_send_off(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    FileState *s = node->state;
    SendOff send;

    if (s->in_memory || s->direct || node->cache_no_flush) {
        return;
    }
    if (note_write(s, offset_bytes, offset_bytes + bytes, &send)) {
        co_worker_run(send_work, &send);
    }
}
