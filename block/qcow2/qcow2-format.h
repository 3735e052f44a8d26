/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qcow2 format as it lies on disk: structures, bits and limits. Source:
 * the published specification of the format, versions 2 and 3. Nothing here
 * but constants and layouts.
 */
#ifndef BLOCK_QCOW2_FORMAT_H
#define BLOCK_QCOW2_FORMAT_H

#include "util/be.h"

#define QCOW2_MAGIC 0x514649fbu

#define QCOW2_MIN_CLUSTER_BITS 9
#define QCOW2_MAX_CLUSTER_BITS 21

/* Limits of what is read into memory because an image says so. */
#define QCOW2_MAX_L1_BYTES (32 * MiB)
#define QCOW2_MAX_REFTABLE_BYTES (8 * MiB)
#define QCOW2_MAX_SNAPSHOTS 65536
#define QCOW2_MAX_SNAPSHOT_TABLE_BYTES (64 * MiB)
#define QCOW2_MAX_SNAPSHOT_EXTRA_BYTES 1024
#define QCOW2_MAX_BACKING_NAME 1023

/* What version 2 has. */
typedef struct Qcow2HeaderV2 {
    Be32 magic;
    Be32 version;
    Be64 backing_file_offset;
    Be32 backing_file_size;
    Be32 cluster_bits;
    Be64 size;
    Be32 crypt_method;
    Be32 l1_size;
    Be64 l1_table_offset;
    Be64 refcount_table_offset;
    Be32 refcount_table_clusters;
    Be32 nb_snapshots;
    Be64 snapshots_offset;
} Qcow2HeaderV2;
STATIC_ASSERT(sizeof(Qcow2HeaderV2) == 72);

typedef struct Qcow2Header {
    Qcow2HeaderV2 v2;
    Be64 incompatible_features;
    Be64 compatible_features;
    Be64 autoclear_features;
    Be32 refcount_order;
    Be32 header_length;
    /* From here on only if header_length says so. */
    uint8_t compression_type;
    uint8_t padding[7];
} Qcow2Header;
STATIC_ASSERT(sizeof(Qcow2Header) == 112);
#define QCOW2_V3_MIN_HEADER_BYTES 104

enum {
    QCOW2_INCOMPAT_DIRTY = 1 << 0,
    QCOW2_INCOMPAT_CORRUPT = 1 << 1,
    QCOW2_INCOMPAT_DATA_FILE = 1 << 2,
    QCOW2_INCOMPAT_COMPRESSION = 1 << 3,
    QCOW2_INCOMPAT_EXTL2 = 1 << 4,
    QCOW2_INCOMPAT_KNOWN = (1 << 5) - 1,

    QCOW2_COMPAT_LAZY_REFCOUNTS = 1 << 0,

    QCOW2_AUTOCLEAR_BITMAPS = 1 << 0,
    QCOW2_AUTOCLEAR_DATA_FILE_RAW = 1 << 1,
    QCOW2_AUTOCLEAR_KNOWN = (1 << 2) - 1,
};

enum { QCOW2_COMPRESSION_ZLIB = 0, QCOW2_COMPRESSION_ZSTD = 1 };
enum { QCOW2_CRYPT_NONE = 0, QCOW2_CRYPT_AES = 1, QCOW2_CRYPT_LUKS = 2 };

/* A header extension: this, then @length bytes, padded to eight. */
typedef struct Qcow2ExtensionHead {
    Be32 type;
    Be32 length;
} Qcow2ExtensionHead;

enum {
    QCOW2_EXT_END = 0,
    QCOW2_EXT_BACKING_FORMAT = (int)0xe2792acau,
    QCOW2_EXT_FEATURE_TABLE = 0x6803f857,
    QCOW2_EXT_BITMAPS = 0x23852875,
    QCOW2_EXT_CRYPTO = 0x0537be77,
    QCOW2_EXT_DATA_FILE = 0x44415441,
};

/* QCOW2_EXT_CRYPTO: where the header of LUKS is. */
typedef struct Qcow2CryptHeader {
    Be64 offset, bytes;
} Qcow2CryptHeader;
STATIC_ASSERT(sizeof(Qcow2CryptHeader) == 16);

typedef struct Qcow2Feature {
    uint8_t type; /* 0 incompatible, 1 compatible, 2 autoclear */
    uint8_t bit;
    char name[46]; /* filled up with zero bytes */
} Qcow2Feature;
STATIC_ASSERT(sizeof(Qcow2Feature) == 48);

/* Entries of the first and second level. */
#define QCOW2_COPIED (UINT64_C(1) << 63)
#define QCOW2_COMPRESSED (UINT64_C(1) << 62)
#define QCOW2_ZERO (UINT64_C(1) << 0)
#define QCOW2_OFFSET_MASK UINT64_C(0x00fffffffffffe00)
#define QCOW2_L1_RESERVED UINT64_C(0x7f000000000001ff)
#define QCOW2_L2_RESERVED UINT64_C(0x3f000000000001fe)
#define QCOW2_REFTABLE_MASK UINT64_C(0xfffffffffffffe00)
#define QCOW2_REFTABLE_RESERVED UINT64_C(0x1ff)

/* Extended entries: so many parts to a cluster; the low half of the second
 * word says "allocated", the high half "reads as zeroes". */
#define QCOW2_SUBCLUSTERS 32

/* An entry of the snapshot table: this, @extra_data_size bytes, the id, the
 * name, padding to eight. */
typedef struct Qcow2SnapshotHead {
    Be64 l1_table_offset;
    Be32 l1_size;
    Be16 id_str_size;
    Be16 name_size;
    Be32 date_sec;
    Be32 date_nsec;
    Be64 vm_clock_nsec;
    Be32 vm_state_size;
    Be32 extra_data_size;
} Qcow2SnapshotHead;
STATIC_ASSERT(sizeof(Qcow2SnapshotHead) == 40);

typedef struct Qcow2SnapshotExtra {
    Be64 vm_state_size_large;
    Be64 disk_size;
    Be64 icount; /* all ones: none */
} Qcow2SnapshotExtra;
STATIC_ASSERT(sizeof(Qcow2SnapshotExtra) == 24);

#endif
