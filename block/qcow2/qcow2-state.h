/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of an open qcow2 image, and the pieces of its tables that are in
 * memory. qcow2-int.h has the invariants, and is what to include. */
#ifndef BLOCK_QCOW2_STATE_H
#define BLOCK_QCOW2_STATE_H

#include "block/graph/format.h"
#include "block/io/io.h"
#include "block/qcow2/qcow2-format.h"

typedef struct Qcow2State Qcow2State;
typedef struct Qcow2Crypt Qcow2Crypt; /* crypt-int.h */

/* A header extension that is kept as it is. */
typedef struct Qcow2Extension {
    uint32_t type;
    uint32_t length; /* bytes at @data */
    uint8_t *data;
    ListLink link;
} Qcow2Extension;

/* --- cache.c: pieces of tables in memory --------------------------------- */

typedef struct Qcow2Piece {
    uint64_t offset; /* in the file, in bytes; a multiple of the piece size */
    uint8_t *data;   /* big-endian, as on disk */
    uint8_t *out;    /* what is on its way to the disk; NULL: nothing is */
    unsigned pins;   /* who uses it; such a piece stays */
    bool dirty, loading, failed;
    uint32_t l1_index; /* L2 only: which table it is a part of */
    uint64_t used;     /* value of the cache's clock when it was last used */
    ListLink lru;      /* least recently used first */
    ListLink in_dirty;
} Qcow2Piece;

typedef struct Qcow2Cache {
    Qcow2State *s;
    GHashTable *pieces; /* by offset */
    size_t piece_bytes, max_pieces;
    ListLink lru, dirty;
    size_t n_dirty;
    uint64_t clock;
    CoQueue loaded;
    int load_event; /* BlkdebugEvent of a read, or BLKDBG_NONE */
} Qcow2Cache;

void qcow2_cache_init(Qcow2Cache *c, Qcow2State *s, size_t piece_bytes,
                      uint64_t max_bytes, int load_event);
/* Drops everything, dirty or not. */
void qcow2_cache_destroy(Qcow2Cache *c);
/* Drops the pieces of [@offset, +@bytes): the table there is no table any
 * more. Nobody may use them. */
void qcow2_cache_forget(Qcow2Cache *c, uint64_t offset, uint64_t bytes);
/* Drops what is clean and was not used since the last call. */
void qcow2_cache_clean_unused(Qcow2Cache *c);
/* The piece that holds the byte @offset of the file, pinned. May commit to
 * make room. */
int co_qcow2_piece_get(Qcow2Cache *c, uint64_t offset,
                       Qcow2Piece **piece) COROUTINE_ONLY;
/* The piece that holds the byte, if it is in memory; valid until the caller
 * yields. */
Qcow2Piece *qcow2_piece_peek(Qcow2Cache *c, uint64_t offset);
/* The same for a piece of a table that was just made: zeroes, not read. */
int co_qcow2_piece_new(Qcow2Cache *c, uint64_t offset,
                       Qcow2Piece **piece) COROUTINE_ONLY;
void qcow2_piece_put(Qcow2Cache *c, Qcow2Piece *piece);
/* Marks it dirty and returns its bytes, which may be changed until the next
 * yield. */
uint8_t *qcow2_piece_modify(Qcow2Cache *c, Qcow2Piece *piece);
/* For commit.c: the dirty pieces now, each with `out` set and no longer
 * dirty; then the end of writing them. */
GPtrArray *qcow2_cache_take_dirty(Qcow2Cache *c);
void qcow2_cache_written(Qcow2Cache *c, GPtrArray *pieces, bool ok);

/* --- the state ----------------------------------------------------------- */

typedef enum Qcow2FreeKind {
    QCOW2_FREE_REQUEST,  /* a discard or zeroing of the user's */
    QCOW2_FREE_SNAPSHOT, /* a snapshot went */
    QCOW2_FREE_OTHER,
    QCOW2_FREE_ALWAYS, /* its space is given back at any rate */
    QCOW2_FREE_KEEP,   /* its space is never given back to the host */
} Qcow2FreeKind;

typedef struct Qcow2Free {
    uint64_t offset, bytes;
    Qcow2FreeKind kind;
} Qcow2Free;

typedef struct Qcow2Snapshot {
    char *id, *name;
    uint64_t l1_offset;
    uint32_t l1_size; /* entries */
    uint32_t date_sec, date_nsec;
    uint64_t vm_clock_nsec;
    uint64_t vm_state_bytes;
    uint64_t disk_bytes;
    uint64_t icount; /* all ones: none */
    uint8_t *extra;  /* what follows the known extra data */
    uint32_t extra_bytes;
    uint32_t extra_found_bytes; /* in the image, the known ones too */
} Qcow2Snapshot;

/* Parts of the image that a new cluster must not overlap (overlap-check). */
enum {
    QCOW2_OL_MAIN_HEADER = 1 << 0,
    QCOW2_OL_ACTIVE_L1 = 1 << 1,
    QCOW2_OL_ACTIVE_L2 = 1 << 2,
    QCOW2_OL_REFCOUNT_BLOCK = 1 << 3,
    QCOW2_OL_REFCOUNT_TABLE = 1 << 4,
    QCOW2_OL_SNAPSHOT_TABLE = 1 << 5,
    QCOW2_OL_INACTIVE_L1 = 1 << 6,
    QCOW2_OL_INACTIVE_L2 = 1 << 7,
    QCOW2_OL_BITMAP_DIRECTORY = 1 << 8,
    QCOW2_OL_CONSTANT = QCOW2_OL_MAIN_HEADER | QCOW2_OL_ACTIVE_L1 |
                        QCOW2_OL_REFCOUNT_TABLE | QCOW2_OL_SNAPSHOT_TABLE |
                        QCOW2_OL_BITMAP_DIRECTORY,
    QCOW2_OL_CACHED = QCOW2_OL_CONSTANT | QCOW2_OL_ACTIVE_L2 |
                      QCOW2_OL_REFCOUNT_BLOCK | QCOW2_OL_INACTIVE_L1,
    QCOW2_OL_ALL = (1 << 9) - 1,
};

struct Qcow2State {
    /* CONST */
    Node *node;
    Edge *file, *data_file; /* data_file == file where there is none */
    bool has_data_file;

    /* CONST but for amend and reopen, when no request is in flight */
    unsigned version; /* 2 or 3 */
    unsigned cluster_bits, refcount_order;
    uint64_t cluster_bytes;
    bool extended_l2;
    unsigned l2_entry_bytes;   /* 8 or 16 */
    unsigned l2_bits;          /* log2 of entries of a table */
    uint64_t subcluster_bytes; /* = cluster_bytes without extended_l2 */
    unsigned refblock_bits;    /* log2 of entries of a refcount block */
    uint64_t refcount_max;
    unsigned compression;                         /* QCOW2_COMPRESSION_ */
    uint64_t incompatible, compatible, autoclear; /* as in the header */
    bool data_file_raw;
    uint32_t header_bytes;
    uint8_t *header_unknown; /* fields beyond those we know */
    uint32_t header_unknown_bytes;
    char *backing_file, *backing_format, *data_file_name;
    uint32_t crypt_method;   /* QCOW2_CRYPT_ */
    uint64_t crypt_offset;   /* LUKS: where its header is; 0: not known */
    bool crypt_soon;         /* it is being made, and will be encrypted */
    uint64_t crypt_bytes;    /* and how long */
    Qcow2Crypt *crypt;       /* NULL: not encrypted */
    ListLink extensions;     /* Qcow2Extension, kept as they are, and
                                QCOW2_EXT_BITMAPS too */
    GArray *features;        /* Qcow2Feature: the table as read */
    unsigned overlap_checks; /* QCOW2_OL_ */
    bool discard_request, discard_snapshot, discard_other;
    uint64_t cache_clean_interval_s;
    int64_t cache_cleaned_ns;
    bool lazy; /* counts may be written late, once the dirty bit is set */
    bool dirty_is_ours;   /* the dirty bit was set for that, by us */
    bool snapshot_loaded; /* l1 is that of a snapshot: nothing is written */

    /* HOME */
    RangeLocks *ranges; /* guest bytes, whole clusters */
    uint64_t *l1;       /* CPU order; flags included */
    uint32_t l1_size;   /* entries in use */
    uint64_t l1_offset;
    GHashTable *l1_dirty; /* indexes whose entry differs on disk */
    GHashTable *tables;   /* numbers of clusters that hold tables; overlap.c */
    Qcow2Cache l2_cache, refs_cache;
    CoMutex l2_mutex, alloc_mutex, commit_mutex, compress_mutex;
    uint64_t compressed_end; /* where the last compressed data ended; 0: at
                                the end of a cluster, or there is none */

    uint64_t *reftable;        /* CPU order */
    uint32_t reftable_entries; /* in memory */
    uint64_t reftable_offset;
    uint32_t reftable_clusters; /* of the one in memory */
    bool reftable_moved;        /* the header does not know yet */
    GHashTable *reftable_dirty; /* numbers of 512 byte parts */

    uint64_t free_hint;  /* number of the cluster where looking begins */
    uint64_t fresh_from; /* from here on the file has never been written */
    uint64_t file_bytes; /* how long it is now */
    bool file_grown;     /* longer than needed: cut at close */

    GArray *frees_waiting; /* Qcow2Free: until the next commit with a flush */
    GArray *frees_ready;   /* those may be applied */
    GArray *unknown;       /* Qcow2Free: data taken since the last batch */

    uint64_t disk_bytes;      /* as in the header; the node rounds it up */
    uint32_t snapshots_found; /* what the header said */
    GPtrArray *snapshots;     /* Qcow2Snapshot */
    bool snapshots_unread;    /* who checks reads them */
    uint64_t snapshots_offset, snapshots_bytes;

    bool sparse_known, sparse; /* sparse.c */

    bool corrupt; /* marked so, or found so just now: no more I/O */
    bool corruption_told;

    /* bitmaps: for the part that keeps them; NULL as long as there is none */
    void *bitmaps;
    bool bitmaps_unmarked; /* one in the image claims to be right: that must
                              end (bitmap-int.h) before the disk changes */
};

static inline Qcow2State *qcow2_state(const Node *node)
{
    return node->state;
}

#endif
