/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk in memory that records what is written to it and when it is flushed,
 * for tests of what a crash leaves. One at a time.
 */
#ifndef TESTS_UNIT_CRASH_DISK_H
#define TESTS_UNIT_CRASH_DISK_H

#include "block/graph/format.h"
#include "ram-node.h"

#define FILE_MAX (16 * MiB)

typedef enum RecordKind { REC_WRITE, REC_FLUSH, REC_OP, REC_STABLE } RecordKind;

typedef struct Record {
    RecordKind kind;
    uint64_t offset, bytes; /* WRITE: of the file; OP: of the disk */
    uint8_t *data;          /* WRITE; NULL: zeroes */
    uint32_t value;         /* OP: what each sector begins with */
} Record;

/* The disk below. CONST but @bytes while it is in use. */
typedef struct LogDisk {
    uint8_t *bytes;
} LogDisk;

extern GArray *crash_records; /* of Record */
extern bool crash_recording;  /* else nothing is recorded */
extern GRand *crash_chance;   /* how long writes take, and what comes of them */

uint32_t crash_below(uint32_t n);
/* Takes @data over. */
void crash_record(RecordKind kind, uint64_t offset, uint64_t bytes,
                  uint8_t *data, uint32_t value);
void crash_records_free(void);

/* A disk of zeroes, at most FILE_MAX long. */
Node *crash_disk_new(const char *name, uint64_t size_bytes);

#endif
