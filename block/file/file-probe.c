/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the drivers file and host_device ask about an open file; blocking
 * calls, in workers.
 */
#include "block/file/file-int.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fits every disk of today. */
#define ALIGN_MAX 4096u

typedef struct StatWork {
    int fd;
    FileFacts *facts;
} StatWork;

static int64_t stat_work(void *opaque)
{
    StatWork *w = opaque;
    FileFacts *facts = w->facts;
    int sector_bytes = 0, read_only = 0;
    struct stat st;
    off_t end;

    if (fstat(w->fd, &st) < 0) {
        return -errno;
    }
    /* Of devices fstat does not know the length, and files whose end cannot
     * be sought (in /proc) have none. */
    end = lseek(w->fd, 0, SEEK_END);
    facts->size_error = end < 0 ? -errno : 0;
    facts->bytes = MAX(end, 0);
    facts->regular = S_ISREG(st.st_mode);
    facts->device = S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode);
    facts->allocated_bytes = (int64_t)st.st_blocks * 512;
    facts->sector_bytes = 1;
    if (S_ISBLK(st.st_mode)) {
        if (ioctl(w->fd, BLKSSZGET, &sector_bytes) == 0 &&
            is_power_of_2(sector_bytes)) {
            facts->sector_bytes = sector_bytes;
        }
        facts->read_only =
            ioctl(w->fd, BLKROGET, &read_only) == 0 && read_only != 0;
    }
    return 0;
}

int co_file_stat(int fd, FileFacts *facts)
{
    StatWork w = {.fd = fd, .facts = facts};

    *facts = (FileFacts){0};
    return co_worker_run(stat_work, &w);
}

/* --- alignment ----------------------------------------------------------- */

typedef struct ProbeWork {
    int fd;
    uint32_t block_bytes, memory_align;
} ProbeWork;

/* What the kernel says, since 6.1 and for most file systems. */
static bool ask_kernel(ProbeWork *w)
{
#ifdef STATX_DIOALIGN
    struct statx stx;

    if (statx(w->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
        (stx.stx_mask & STATX_DIOALIGN) &&
        is_power_of_2(stx.stx_dio_offset_align) &&
        is_power_of_2(stx.stx_dio_mem_align)) {
        w->block_bytes = MAX(512, stx.stx_dio_offset_align);
        w->memory_align = stx.stx_dio_mem_align;
        return true;
    }
#endif
    return false;
}

static ssize_t try_read(int fd, uint8_t *buf, uint32_t align, uint32_t length)
{
    return length ? pread(fd, buf + align, length, 0)
                  : pread(fd, buf, align, 0);
}

/* The smallest power of two that reads are done with: as length at an aligned
 * address (@length 0), or as the distance of an address from one. Where a
 * single byte will do nothing is checked there: a hole, or a file system that
 * takes everything; then nothing is known. */
static uint32_t try_reads(int fd, uint8_t *buf, uint32_t length)
{
    if (try_read(fd, buf, 1, length) >= 0) {
        return ALIGN_MAX;
    }
    for (uint32_t align = 512; align < ALIGN_MAX; align *= 2) {
        ssize_t n = try_read(fd, buf, align, length);

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

    if (ask_kernel(w)) {
        return 0;
    }
    if (posix_memalign(&buf, ALIGN_MAX, 2 * ALIGN_MAX) != 0) {
        return -ENOMEM;
    }
    w->block_bytes = try_reads(w->fd, buf, 0);
    w->memory_align = try_reads(w->fd, buf, w->block_bytes);
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
