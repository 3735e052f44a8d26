/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lengths of an image's files: its own grows ahead of what is written, so
 * that few writes have to wait for it, and is cut to what was written in the
 * end. Where clusters that have a place lie beyond its end (QEMU writes of a
 * cluster with subclusters only what it has to) it grows when they are written
 * to, and so does an external data file.
 *
 * Invariant: a file is cut only by co_qcow2_file_trim, to s->fresh_from, and
 * by who shrinks the image.
 */
#include "block/qcow2/alloc-int.h"

#define GROW_MIN_BYTES (4 * MiB)
#define GROW_MAX_BYTES (64 * MiB)

int co_qcow2_file_set_length(Qcow2State *s, uint64_t bytes)
{
    int ret = co_edge_set_length(s->file, bytes);

    s->file_bytes = s->file->child->size_bytes;
    return ret;
}

int co_qcow2_data_reach(Qcow2State *s, uint64_t bytes)
{
    int ret = 0;

    if (LIKELY(bytes <= s->data_file->child->size_bytes)) {
        return 0;
    }
    co_mutex_lock(&s->alloc_mutex); /* or one made it shorter than another */
    if (!s->has_data_file) {
        s->fresh_from = MAX(s->fresh_from, ROUND_UP(bytes, s->cluster_bytes));
        ret = co_qcow2_file_reach(s, bytes);
    } else if (bytes > s->data_file->child->size_bytes) {
        ret = co_edge_set_length(s->data_file, bytes);
    }
    comutex_unlock(&s->alloc_mutex);
    return ret == -ENOTSUP ? -ENOSPC : MIN(ret, 0);
}

int co_qcow2_file_reach(Qcow2State *s, uint64_t bytes)
{
    uint64_t ahead = s->file_bytes / 8;
    int ret;

    if (bytes <= s->file_bytes) {
        return 0;
    }
    ahead = MAX(MIN(ahead, GROW_MAX_BYTES), GROW_MIN_BYTES);
    ret = co_qcow2_file_set_length(s, bytes + ahead);
    if (ret < 0) {
        ret = co_qcow2_file_set_length(s, bytes);
    }
    if (ret < 0) {
        return ret == -ENOTSUP ? -ENOSPC : ret;
    }
    s->file_grown = true;
    return 0;
}

int co_qcow2_file_trim(Qcow2State *s)
{
    if (!s->file_grown || s->fresh_from >= s->file_bytes) {
        return 0;
    }
    s->file_grown = false;
    return co_qcow2_file_set_length(s, s->fresh_from);
}
