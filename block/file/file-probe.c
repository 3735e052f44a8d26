/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the `file` driver asks about an open file; blocking calls, in workers.
 */
#include "block/file/file-int.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fits every disk of today. */
#define ALIGN_MAX 4096u

typedef struct StatWork {
    int fd;
    struct stat st;
} StatWork;

static int64_t stat_work(void *opaque)
{
    StatWork *w = opaque;

    return fstat(w->fd, &w->st) < 0 ? -errno : 0;
}

int co_file_stat(int fd, bool *regular, uint64_t *bytes,
                 int64_t *allocated_bytes)
{
    StatWork w = {.fd = fd};
    int ret = co_worker_run(stat_work, &w);

    if (ret < 0) {
        return ret;
    }
    *regular = S_ISREG(w.st.st_mode);
    *bytes = w.st.st_size;
    if (allocated_bytes) {
        *allocated_bytes = (int64_t)w.st.st_blocks * 512;
    }
    return 0;
}

typedef struct ProbeWork {
    int fd;
    uint32_t block_bytes, memory_align;
} ProbeWork;

/* The smallest power of two from @min on that reads are done with: as length
 * at an aligned address, or as the distance of an address from one. */
static uint32_t probe_one(int fd, uint8_t *buf, uint32_t min, uint32_t length)
{
    for (uint32_t align = min; align < ALIGN_MAX; align *= 2) {
        ssize_t n = length ? pread(fd, buf + align, length, 0)
                           : pread(fd, buf, align, 0);

        if (n > 0) {
            return align;
        }
        if (n == 0 || errno != EINVAL) {
            break; /* an empty file or a bad disk tells nothing */
        }
    }
    return ALIGN_MAX;
}

static int64_t probe_work(void *opaque)
{
    ProbeWork *w = opaque;
    void *buf;

    if (posix_memalign(&buf, ALIGN_MAX, 2 * ALIGN_MAX) != 0) {
        return -ENOMEM;
    }
    w->block_bytes = probe_one(w->fd, buf, 512, 0);
    w->memory_align = probe_one(w->fd, buf, 512, w->block_bytes);
    free(buf);
    return 0;
}

void co_file_probe_align(int fd, uint32_t *block_bytes, uint32_t *memory_align)
{
    ProbeWork w = {
        .fd = fd,
        .block_bytes = ALIGN_MAX,
        .memory_align = ALIGN_MAX,
    };

    co_worker_run(probe_work, &w);
    *block_bytes = w.block_bytes;
    *memory_align = w.memory_align;
}
