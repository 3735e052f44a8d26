/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of blklogwrites: its format, and writing to it. */
#ifndef BLOCK_TEST_DRIVERS_BLKLOGWRITES_INT_H
#define BLOCK_TEST_DRIVERS_BLKLOGWRITES_INT_H

#include "block/graph/driver.h"
#include "util/le.h"

#define LOG_MAGIC UINT64_C(0x6a736677736872)
#define LOG_VERSION 1
#define LOG_FLUSH 1
#define LOG_FUA 2
#define LOG_DISCARD 4

typedef struct LogSuper {
    Le64 magic, version, entries;
    Le32 sector_bytes;
} LogSuper;

typedef struct LogEntry {
    Le64 sector, sectors, flags, data_bytes;
} LogEntry;

G_STATIC_ASSERT(sizeof(LogSuper) == 28 && sizeof(LogEntry) == 32);

typedef struct LogState {
    /* CONST */
    Edge *file, *log;
    uint32_t sector;   /* bytes */
    uint64_t interval; /* of entries after which the super block is written */
    /* HOME */
    uint64_t next;          /* sector of the log where the next entry goes */
    uint64_t entries;       /* given out */
    CoMutex super, growing; /* one writes it, or makes it longer, at a time */
} LogState;

/* Writes how many entries there are, and flushes the log. 0 or -errno. */
int co_log_write_super(LogState *s) COROUTINE_ONLY;
/* One entry: @data, or, if that is NULL, @bytes of zeroes, or with LOG_DISCARD
 * nothing. Both in whole sectors. 0 or -errno. */
int co_log_entry(LogState *s, uint64_t offset_bytes, uint64_t bytes,
                 unsigned flags, const Iov *data,
                 size_t data_offset) COROUTINE_ONLY;

#endif
