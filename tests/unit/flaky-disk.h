/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk in memory for tests of copying: knows its holes, takes its time,
 * fails where it is told to, and counts what goes through it.
 */
#ifndef TESTS_UNIT_FLAKY_DISK_H
#define TESTS_UNIT_FLAKY_DISK_H

#include "block/graph/driver.h"

/* An area in which requests fail; @times of them, then it is well again. */
typedef struct FlakyArea {
    uint64_t offset_bytes, bytes;
    unsigned times;
} FlakyArea;

typedef struct FlakyDisk {
    uint8_t *bytes;
    uint32_t cluster_bytes; /* 0: none */
    bool knows_holes;       /* zero blocks of 4 KiB show as holes */
    GRand *rand;            /* with @max_delay: turns a request waits */
    unsigned max_delay;
    bool hold_writes; /* until flaky_disk_release */
    CoQueue held;
    FlakyArea bad_reads, bad_writes;
    bool bad_flush;
    unsigned reads, writes, zeroes, flushes;
    uint64_t read_bytes, written_bytes, zeroed_bytes, largest_read_bytes;
} FlakyDisk;

/* In a coroutine: a node of @size_bytes of zeroes with one reference. */
Node *flaky_disk_new(const char *name, uint64_t size_bytes,
                     uint32_t cluster_bytes);
FlakyDisk *flaky_disk(Node *node);
/* Fills [@offset_bytes, +@bytes) with random bytes. */
void flaky_disk_fill(Node *node, GRand *rand, uint64_t offset_bytes,
                     uint64_t bytes);
void flaky_disk_release(Node *node);

#endif
