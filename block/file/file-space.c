/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Space for what a format is about to write in parts. It is taken ahead: a
 * format's new clusters follow each other, and each call costs as much as a
 * small write. What is too much goes when the format cuts its file to length.
 * A file in memory has no places, so nothing is won by taking them early, and
 * making pages costs more than all the rest of a small write.
 *
 * Invariant: no data is ever changed, so that a stale idea of what has its
 * space costs nothing but the space.
 */
#include "block/file/file-int.h"

#include <fcntl.h>
#include <linux/falloc.h>

#define AHEAD_BYTES (8 * MiB)

static bool has_space(FileState *s, uint64_t start, uint64_t end)
{
    bool found;

    short_lock(&s->data_lock);
    found = start >= s->space_start && end <= s->space_end;
    short_unlock(&s->data_lock);
    return found;
}

static void note_space(FileState *s, uint64_t start, uint64_t end)
{
    short_lock(&s->data_lock);
    if (start > s->space_end) {
        s->space_start = start;
    }
    s->space_end = MAX(s->space_end, end);
    short_unlock(&s->data_lock);
}

int co_file_take_space(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    FileState *s = node->state;
    uint64_t end = offset_bytes + bytes;
    uint64_t ahead = MAX(end, MIN(end + AHEAD_BYTES, s->file_bytes));
    int ret;

    if (s->in_memory) {
        return -ENOTSUP;
    }
    if (has_space(s, offset_bytes, end)) {
        return 0;
    }
    ret = co_io_fallocate(s->fd_write, FALLOC_FL_KEEP_SIZE, offset_bytes,
                          ahead - offset_bytes);
    if (ret == -ENOSPC && ahead > end) {
        ahead = end;
        ret = co_io_fallocate(s->fd_write, FALLOC_FL_KEEP_SIZE, offset_bytes,
                              bytes);
    }
    if (ret == 0) {
        note_space(s, offset_bytes, ahead);
    }
    return file_unsupported(ret) ? -ENOTSUP : ret;
}
