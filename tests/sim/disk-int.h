/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the simulated disks: disk.c, disk-request.c. */
#ifndef TESTS_SIM_DISK_INT_H
#define TESTS_SIM_DISK_INT_H

#include "sim.h"

#define DISK_MAX_BYTES (8 * MiB)

typedef struct Disk {
    int memory_fd;
    uint8_t *bytes; /* what is read */
    bool *backed;   /* a page each: the file has data there, not a hole */
    uint8_t *stable;
    uint64_t *gen, last_gen;
    uint64_t sectors_used; /* no later one ever changed */
    unsigned busy;
    uint64_t length;
    SimDiskFaults faults;
} Disk;

/* The disk that @fd is open on, or NULL. */
Disk *disk_find(int fd);
unsigned disk_index(const Disk *d);
/* The length of its file. */
uint64_t disk_bytes(Disk *d);
void disk_read(Disk *d, uint64_t offset_bytes, void *buf, size_t bytes);
void disk_write(Disk *d, uint64_t offset_bytes, const void *buf, size_t bytes);
/* fallocate() of its file; 0 or -errno. */
int disk_fallocate(Disk *d, int mode, uint64_t offset_bytes, uint64_t bytes);
/* A piece of a write has landed there. */
void disk_sectors_changed(Disk *d, uint64_t offset_bytes, uint64_t bytes);
/* Sectors that had changed by @gen are safe now; later ones perhaps. */
void disk_make_stable(Disk *d, uint64_t first, uint64_t end, uint64_t gen);

#endif
