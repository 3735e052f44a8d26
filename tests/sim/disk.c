/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Simulated disks. Each has its bytes here, and beside them a file in memory
 * (memfd), so that the calls of the file driver that are not in the back end's
 * table (length, holes, locks) have something real to look at: it is as long
 * and has its holes where they are. When and in which order bytes are read and
 * written, and what fails, is decided in disk-request.c.
 *
 * What survives a loss of power is kept beside: a sector that was written and
 * not flushed since may have its old or its new content. The worst is the old
 * one, which sim_disk_peek shows.
 *
 * Invariants:
 * 1. gen[s] != 0 exactly while sector s is newer than stable[s]; it numbers the
 *    first landing that made it so. Beyond sectors_used both are zero.
 * 2. Holes and what is beyond the length are zeroes in bytes[].
 */
#include "disk-int.h"

#include <fcntl.h>
#include <sys/mman.h> /* memfd_create */
#include <sys/stat.h>
#include <unistd.h>

#define FDS 1024u
#define PAGE_BYTES UINT64_C(4096)
#define PAGES (DISK_MAX_BYTES / PAGE_BYTES)

static Disk disks[SIM_DISKS];
static Disk *disk_of_fd[FDS];
static unsigned open_count;

/* --- files --------------------------------------------------------------- */

const char *sim_disk_path(unsigned n)
{
    static const char *const paths[SIM_DISKS] = {
        "sim0", "sim1", "sim2", "sim3", "sim4", "sim5", "sim6", "sim7",
    };

    return paths[n];
}

SimDiskFaults *sim_disk_faults(unsigned n)
{
    return &disks[n].faults;
}

unsigned sim_disk_busy(unsigned n)
{
    return disks[n].busy;
}

static void disk_init(Disk *d)
{
    d->memory_fd = memfd_create("sim", MFD_CLOEXEC);
    assert(d->memory_fd >= 0);
    d->bytes = g_malloc0(DISK_MAX_BYTES);
    d->backed = g_new0(bool, PAGES);
    d->stable = g_malloc0(DISK_MAX_BYTES);
    d->gen = g_new0(uint64_t, DISK_MAX_BYTES / SIM_SECTOR);
}

void sim_disk_reset(unsigned n, uint64_t bytes)
{
    Disk *d = &disks[n];

    assert(n < SIM_DISKS && bytes <= DISK_MAX_BYTES && !d->busy);
    if (!d->stable) {
        disk_init(d);
    }
    if (ftruncate(d->memory_fd, 0) || ftruncate(d->memory_fd, bytes)) {
        abort();
    }
    memset(d->bytes, 0, d->sectors_used * SIM_SECTOR);
    memset(d->backed, 0, PAGES * sizeof(*d->backed));
    memset(d->stable, 0, d->sectors_used * SIM_SECTOR);
    memset(d->gen, 0, d->sectors_used * sizeof(*d->gen));
    d->last_gen = d->sectors_used = 0;
    d->length = bytes;
    d->faults = (SimDiskFaults){0};
}

int sim_disk_open(const char *path, int flags)
{
    char name[32];
    int fd;

    for (unsigned i = 0; i < SIM_DISKS; i++) {
        if (strcmp(path, sim_disk_path(i)) || !disks[i].stable) {
            continue;
        }
        /* By name, so that it is an open file of its own, with locks. */
        g_snprintf(name, sizeof(name), "/proc/self/fd/%d", disks[i].memory_fd);
        fd = open(name, (flags & ~O_DIRECT) | O_CLOEXEC);
        assert(fd >= 0 && fd < (int)FDS);
        disk_of_fd[fd] = &disks[i];
        open_count++;
        return fd;
    }
    return -ENOENT;
}

Disk *disk_find(int fd)
{
    return fd >= 0 && fd < (int)FDS ? disk_of_fd[fd] : NULL;
}

unsigned disk_index(const Disk *d)
{
    return d - disks;
}

bool sim_disk_close(int fd)
{
    if (!disk_find(fd)) {
        return false;
    }
    disk_of_fd[fd] = NULL;
    open_count--;
    close(fd);
    return true;
}

unsigned sim_disks_open(void)
{
    return open_count;
}

void sim_disks_end(void)
{
    sim_check(open_count == 0, "%u files are left open", open_count);
    for (unsigned i = 0; i < SIM_DISKS; i++) {
        sim_check(disks[i].busy == 0, "disk %u is busy at the end", i);
    }
}

/* --- content ------------------------------------------------------------- */

/* The file has a hole there. */
static void clear(Disk *d, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t end = MIN(offset_bytes + bytes, DISK_MAX_BYTES);

    if (offset_bytes < end) {
        memset(d->bytes + offset_bytes, 0, end - offset_bytes);
    }
    for (uint64_t p = DIV_ROUND_UP(offset_bytes, PAGE_BYTES);
         (p + 1) * PAGE_BYTES <= end; p++) {
        d->backed[p] = false;
    }
}

static void refresh_length(Disk *d)
{
    struct stat st;

    if (fstat(d->memory_fd, &st)) {
        abort();
    }
    if ((uint64_t)st.st_size < d->length) {
        clear(d, st.st_size, DISK_MAX_BYTES - st.st_size);
    }
    d->length = st.st_size;
}

void sim_disks_refresh(void)
{
    for (unsigned i = 0; i < SIM_DISKS; i++) {
        if (disks[i].stable) {
            refresh_length(&disks[i]);
        }
    }
}

int disk_fallocate(Disk *d, int mode, uint64_t offset_bytes, uint64_t bytes)
{
    if (fallocate(d->memory_fd, mode, offset_bytes, bytes)) {
        return -errno;
    }
    if (mode & FALLOC_FL_PUNCH_HOLE) {
        clear(d, offset_bytes, bytes);
    }
    refresh_length(d);
    return 0;
}

uint64_t disk_bytes(Disk *d)
{
    return d->length;
}

void disk_read(Disk *d, uint64_t offset_bytes, void *buf, size_t bytes)
{
    uint64_t end = disk_bytes(d);
    size_t n = offset_bytes < end ? MIN(bytes, end - offset_bytes) : 0;

    memcpy(buf, d->bytes + offset_bytes, n);
    memset((char *)buf + n, 0, bytes - n);
}

/* The file has data there, so that who looks for holes finds none. */
static void back(Disk *d, uint64_t offset_bytes, size_t bytes)
{
    bool backed = true;

    for (uint64_t p = offset_bytes / PAGE_BYTES;
         p * PAGE_BYTES < offset_bytes + bytes; p++) {
        backed &= d->backed[p];
        d->backed[p] = true;
    }
    if (!backed && pwrite(d->memory_fd, d->bytes + offset_bytes, bytes,
                          offset_bytes) != (ssize_t)bytes) {
        abort();
    }
}

void disk_write(Disk *d, uint64_t offset_bytes, const void *buf, size_t bytes)
{
    if (offset_bytes + bytes > disk_bytes(d)) {
        if (ftruncate(d->memory_fd, offset_bytes + bytes)) {
            abort();
        }
        d->length = offset_bytes + bytes;
    }
    memcpy(d->bytes + offset_bytes, buf, bytes);
    back(d, offset_bytes, bytes);
}

void sim_disk_peek(unsigned n, uint64_t offset_bytes, void *buf, size_t bytes,
                   bool stable)
{
    if (stable) {
        memcpy(buf, disks[n].stable + offset_bytes, bytes);
    } else {
        disk_read(&disks[n], offset_bytes, buf, bytes);
    }
}

void disk_sectors_changed(Disk *d, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t end = DIV_ROUND_UP(offset_bytes + bytes, SIM_SECTOR);
    uint64_t gen = ++d->last_gen;

    end = MIN(end, DISK_MAX_BYTES / SIM_SECTOR);
    d->sectors_used = MAX(d->sectors_used, end);
    for (uint64_t s = offset_bytes / SIM_SECTOR; s < end; s++) {
        if (!d->gen[s]) {
            d->gen[s] = gen;
        }
    }
}

void disk_make_stable(Disk *d, uint64_t first, uint64_t end, uint64_t gen)
{
    end = MIN(end, d->sectors_used);
    for (uint64_t s = first; s < end; s++) {
        if (d->gen[s] && (d->gen[s] <= gen || sim_percent(50))) {
            disk_read(d, s * SIM_SECTOR, d->stable + s * SIM_SECTOR,
                      SIM_SECTOR);
            d->gen[s] = 0;
        }
    }
}

void sim_disk_lose_power(unsigned n, unsigned to, unsigned lost_percent)
{
    Disk *from = &disks[n], *d = &disks[to];
    uint8_t sector[SIM_SECTOR];
    uint64_t end = disk_bytes(from);

    sim_disk_reset(to, end);
    for (uint64_t s = 0; s < MIN(from->sectors_used, end / SIM_SECTOR); s++) {
        bool lost = from->gen[s] && sim_percent(lost_percent);

        sim_disk_peek(n, s * SIM_SECTOR, sector, SIM_SECTOR, lost);
        if (!buffer_is_zero(sector, SIM_SECTOR)) {
            disk_write(d, s * SIM_SECTOR, sector, SIM_SECTOR);
            memcpy(d->stable + s * SIM_SECTOR, sector, SIM_SECTOR);
            d->sectors_used = s + 1;
        }
    }
}
