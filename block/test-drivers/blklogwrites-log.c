/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing the log of blklogwrites: see blklogwrites-int.h. */
#include "block/test-drivers/blklogwrites-int.h"

#include "block/io/io.h"

COROUTINE_ONLY
static int co_log_reach(LogState *s, uint64_t bytes)
{
    int ret = 0;

    co_mutex_lock(&s->growing); /* or one made it shorter than another */
    if (bytes > s->log->child->size_bytes) {
        ret = co_edge_set_length(s->log, bytes);
    }
    comutex_unlock(&s->growing);
    return ret;
}

/* A sector of the log that begins with @bytes of @head, and after it @data. */
COROUTINE_ONLY
static int co_write_sector(LogState *s, uint64_t sector, const void *head,
                           size_t bytes, const Iov *data, size_t data_offset,
                           uint64_t data_bytes)
{
    uint8_t *buf = io_buffer_alloc(s->log->child, s->sector);
    uint64_t at = sector * s->sector;
    Iov iov;
    int ret;

    if (!buf) {
        return -ENOMEM;
    }
    memset(buf, 0, s->sector);
    memcpy(buf, head, bytes);
    iov_init_buf(&iov, buf, s->sector);
    if (data) {
        iov_add_slice(&iov, data, data_offset, data_bytes);
    }
    ret = co_log_reach(s, at + s->sector + data_bytes);
    if (ret == 0) {
        ret = co_edge_pwritev(s->log, at, s->sector + (data ? data_bytes : 0),
                              &iov, 0, 0);
    }
    if (ret == 0 && !data && data_bytes) {
        ret = co_edge_pwrite_zeroes(s->log, at + s->sector, data_bytes, 0);
    }
    iov_free(&iov);
    io_buffer_free(buf);
    return ret;
}

int co_log_write_super(LogState *s)
{
    LogSuper super = {
        .magic = le64(LOG_MAGIC),
        .version = le64(LOG_VERSION),
        .sector_bytes = le32(s->sector),
    };
    int ret;

    co_mutex_lock(&s->super);
    super.entries = le64(s->entries);
    ret = co_write_sector(s, 0, &super, sizeof(super), NULL, 0, 0);
    if (ret == 0) {
        ret = co_edge_flush(s->log);
    }
    comutex_unlock(&s->super);
    return ret;
}

int co_log_entry(LogState *s, uint64_t offset_bytes, uint64_t bytes,
                 unsigned flags, const Iov *data, size_t data_offset)
{
    LogEntry entry = {
        .sector = le64(offset_bytes / s->sector),
        .sectors = le64(bytes / s->sector),
        .flags = le64(flags),
    };
    uint64_t data_bytes = flags & LOG_DISCARD ? 0 : bytes;
    uint64_t at = s->next;
    bool update;
    int ret;

    s->next += 1 + data_bytes / s->sector;
    update = ++s->entries % s->interval == 0 || (flags & LOG_FLUSH);
    ret = co_write_sector(s, at, &entry, sizeof(entry), data, data_offset,
                          data_bytes);
    return ret == 0 && update ? co_log_write_super(s) : ret;
}
