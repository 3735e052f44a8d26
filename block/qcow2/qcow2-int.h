/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of block/qcow2 share: the state of an open image and the
 * calls between its parts. README.md has the invariants; the ones that every
 * file relies upon:
 *
 * 1. All runs on node->home. There is no lock over the whole image: requests
 *    hold a range of guest clusters (co_range_lock: reads and writes in place
 *    shared, whatever changes a mapping exclusive), the allocator and the
 *    maker of L2 tables have a mutex each, of which none is held across guest
 *    data I/O. Order: range, l2_mutex, alloc_mutex, commit_mutex.
 * 2. Metadata changes in memory first (pieces of the caches, s->l1,
 *    s->reftable) and reaches the disk in co_qcow2_commit() only, in an order
 *    that leaves nothing but leaks at a crash.
 * 3. An L2 entry enters a piece only after its data has been written, and a
 *    refcount is raised in its piece before the cluster is used.
 * 4. A cluster whose last reference went is not used again before that is on
 *    stable storage (co_qcow2_free_later).
 */
#ifndef BLOCK_QCOW2_INT_H
#define BLOCK_QCOW2_INT_H

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

/* --- header.c ------------------------------------------------------------ */

/* Reads and checks the header and its extensions into the state; texts are
 * QEMU's. */
int co_qcow2_header_read(Qcow2State *s, Error **errp) COROUTINE_ONLY;
/* Writes the whole header anew from the state (extensions, feature names,
 * names of other files) and nothing else. -ENOSPC if it does not fit the
 * first cluster. Does not flush. */
int co_qcow2_header_write(Qcow2State *s) COROUTINE_ONLY;
/* The same into a cluster of memory; the bytes used, or -ENOSPC. */
int64_t qcow2_header_build(Qcow2State *s, uint8_t *cluster);
void qcow2_header_free(Qcow2State *s);
/* The extension @type as read, or NULL. */
Qcow2Extension *qcow2_extension_find(Qcow2State *s, uint32_t type);
/* Replaces or makes it (@length 0: removes); the header is not written. */
void qcow2_extension_set(Qcow2State *s, uint32_t type, const void *data,
                         uint32_t length);
/* Derives sizes and masks from cluster_bits, extended_l2, refcount_order. */
void qcow2_geometry(Qcow2State *s);

/* --- commit.c ------------------------------------------------------------ */

/*
 * Brings metadata to the file in an order that survives a crash; with @flush
 * everything is on stable storage afterwards, and clusters that became free
 * before may be used again. Several at once wait for each other.
 */
int co_qcow2_commit(Qcow2State *s, bool flush) COROUTINE_ONLY;
/* Commit with flush, counts that may be late too, and again until no freed
 * cluster waits. For close, snapshots, resizing: afterwards memory and file
 * agree. */
int co_qcow2_settle(Qcow2State *s) COROUTINE_ONLY;
/* With lazy refcounts: brings those that are in memory to the file, as QEMU
 * does for a new L2 table. What a check finds after a crash is then the same:
 * counts of data that came later are missing, those of tables are there. */
int co_qcow2_write_counts(Qcow2State *s) COROUTINE_ONLY;
/* After co_qcow2_settle(), with nothing in flight: takes the dirty bit off the
 * header if it was set for counts that were late. */
int co_qcow2_mark_clean(Qcow2State *s) COROUTINE_ONLY;
void qcow2_l1_mark(Qcow2State *s, uint32_t index);
void qcow2_reftable_mark(Qcow2State *s, uint32_t index);
/* Marks the whole image corrupt, once: sets the bit in the header if it can,
 * tells it by event and on stderr. @host_offset/@bytes: -1 if not known. */
void co_qcow2_mark_corrupt(Qcow2State *s, bool fatal, int64_t host_offset,
                           int64_t bytes, const char *fmt, ...)
    G_GNUC_PRINTF(5, 6) COROUTINE_ONLY;

/* --- refcount.c, alloc.c ------------------------------------------------- */

uint64_t qcow2_refcount_read(const Qcow2State *s, const uint8_t *block,
                             uint64_t index);
void qcow2_refcount_write(const Qcow2State *s, uint8_t *block, uint64_t index,
                          uint64_t value);
int co_qcow2_reftable_load(Qcow2State *s, Error **errp) COROUTINE_ONLY;
/* The piece with the count of @cluster, pinned, its index there, and the first
 * cluster behind it (*@end). NULL: there is no block, all counts up to *@end
 * are zero. */
int co_qcow2_refblock_get(Qcow2State *s, uint64_t cluster, Qcow2Piece **piece,
                          uint64_t *index, uint64_t *end) COROUTINE_ONLY;
/* As co_qcow2_refblock_get(), for counts that are about to change. */
int co_qcow2_refblock_change(Qcow2State *s, uint64_t cluster,
                             Qcow2Piece **piece, uint64_t *index,
                             uint64_t *end) COROUTINE_ONLY;
/* How often the cluster with that number is referenced. */
int co_qcow2_refcount_get(Qcow2State *s, uint64_t cluster,
                          uint64_t *refcount) COROUTINE_ONLY;
/* Raises or lowers the refcounts of all clusters that [@offset, +@bytes)
 * touches, at once; lowering makes them usable at once, so only for clusters
 * that nothing on disk refers to. -EINVAL if one would leave its range. */
int co_qcow2_refcount_change(Qcow2State *s, uint64_t offset, uint64_t bytes,
                             int change) COROUTINE_ONLY;
/*
 * Allocates @clusters clusters in a row; *@offset is where in the file.
 * *@fresh: they read as zeroes. The file is long enough for them. @what: what
 * it is called if a damaged image has no other place than the header's; NULL:
 * it has no name of its own.
 */
int co_qcow2_alloc_run(Qcow2State *s, const char *what, uint64_t clusters,
                       uint64_t *offset, bool *fresh) COROUTINE_ONLY;
/* Exactly enough clusters for @bytes, in a row; zeroed if @zero. For tables.
 */
int co_qcow2_alloc_bytes(Qcow2State *s, const char *what, uint64_t bytes,
                         bool zero, uint64_t *offset) COROUTINE_ONLY;
/* One more or less reference on [@offset, +@bytes) of the file once all that
 * was changed before is on stable storage. */
void co_qcow2_free_later(Qcow2State *s, uint64_t offset, uint64_t bytes,
                         Qcow2FreeKind kind) COROUTINE_ONLY;
/* As co_qcow2_free_later(), for clusters of data that an entry named; those
 * that no entry on disk ever named are ready at once. */
void co_qcow2_free_data(Qcow2State *s, uint64_t offset, uint64_t bytes,
                        Qcow2FreeKind kind) COROUTINE_ONLY;
/* [@offset, +@bytes) was taken for data: no entry on disk names it before the
 * next batch is written. */
void qcow2_note_unknown(Qcow2State *s, uint64_t offset, uint64_t bytes);
/* Lowers what is ready. */
int co_qcow2_apply_frees(Qcow2State *s) COROUTINE_ONLY;
/* Makes the file at least @bytes long. */
int co_qcow2_file_reach(Qcow2State *s, uint64_t bytes) COROUTINE_ONLY;
/* Makes an external data file that ends before @bytes that long: others may
 * have cut it, and it need not end where a cluster does. */
int co_qcow2_data_reach(Qcow2State *s, uint64_t bytes) COROUTINE_ONLY;
/* Cuts off what it was made too long. */
int co_qcow2_file_trim(Qcow2State *s) COROUTINE_ONLY;

/* --- overlap.c ----------------------------------------------------------- */

/* 0 if [@offset, +@bytes) of the file may be written to, as data of the guest
 * or as a new table; else -EIO and the image is marked corrupt. Reads the file
 * if L2 tables of snapshots are to be looked at. */
int co_qcow2_check_overlap(Qcow2State *s, uint64_t offset,
                           uint64_t bytes) COROUTINE_ONLY;
/* Whether any table of the image, of those that are known without looking,
 * lies in [@offset, +@bytes). */
bool qcow2_is_metadata(Qcow2State *s, uint64_t offset, uint64_t bytes);
/* A cluster at @offset holds (no longer) an L2 table (QCOW2_OL_ACTIVE_L2) or
 * a refcount block. */
void qcow2_table_note(Qcow2State *s, uint64_t offset, unsigned what);
/* The same for a write to a table, which is a part (QCOW2_OL_) itself. */
int co_qcow2_check_table(Qcow2State *s, unsigned what, uint64_t offset,
                         uint64_t bytes) COROUTINE_ONLY;
/* The same before a piece of a table is changed. */
COROUTINE_ONLY static inline int
co_qcow2_check_piece(Qcow2Cache *c, const Qcow2Piece *piece, unsigned what)
{
    return LIKELY(piece->dirty)
               ? 0
               : co_qcow2_check_table(c->s, what, piece->offset,
                                      c->piece_bytes);
}
void qcow2_table_unnote(Qcow2State *s, uint64_t offset);
/* From s->l1 and s->reftable. */
void qcow2_tables_note_all(Qcow2State *s);

/* --- l2.c: from guest offsets to places in the file ---------------------- */

typedef enum Qcow2Type {
    QCOW2_UNALLOCATED,       /* the image behind shows through */
    QCOW2_UNALLOCATED_ALLOC, /* the same; the cluster has a place */
    QCOW2_ZERO_PLAIN,        /* zeroes, no place */
    QCOW2_ZERO_ALLOC,        /* zeroes; it has a place */
    QCOW2_NORMAL,
    QCOW2_IS_COMPRESSED,
} Qcow2Type;

typedef struct Qcow2Entry {
    uint64_t entry;  /* as on disk, CPU order */
    uint64_t bitmap; /* extended L2; else 0 */
} Qcow2Entry;

typedef struct Qcow2Map {
    Qcow2Type type;
    uint64_t bytes;   /* so far this holds */
    uint64_t host;    /* in the file, of the first byte; NORMAL, *_ALLOC */
    bool copied;      /* that place is ours alone */
    Qcow2Entry first; /* of the first cluster */
} Qcow2Map;

/* Marks the image corrupt and returns -EIO where an entry makes no sense. */
int co_qcow2_map(Qcow2State *s, uint64_t offset, uint64_t bytes,
                 Qcow2Map *map) COROUTINE_ONLY;
/* The same; the texts are those of who writes. */
int co_qcow2_map_to_write(Qcow2State *s, uint64_t offset, uint64_t bytes,
                          Qcow2Map *map) COROUTINE_ONLY;
/* Whether it is known without asking the file that the image holds nothing of
 * [@offset, +@bytes), @bytes > 0. */
bool qcow2_known_empty(Qcow2State *s, uint64_t offset, uint64_t bytes);
/* The entry of the guest cluster at @offset; zeroes where there is no table. */
int co_qcow2_entry_get(Qcow2State *s, uint64_t offset,
                       Qcow2Entry *entry) COROUTINE_ONLY;
/* There is a table of our own for the entry of @guest. It is made before what
 * it will refer to is given a place: images are then laid out as QEMU's. */
int co_qcow2_table_ensure(Qcow2State *s, uint64_t guest) COROUTINE_ONLY;
/* The piece with the entry, in a table of our own, and the entry's place in
 * it. To be put. */
int co_qcow2_entry_writable(Qcow2State *s, uint64_t offset, Qcow2Piece **piece,
                            unsigned *byte) COROUTINE_ONLY;
Qcow2Entry qcow2_entry_load(const Qcow2State *s, const uint8_t *at);
void qcow2_entry_store(const Qcow2State *s, uint8_t *at, Qcow2Entry entry);
/* Where compressed data lies, from its entry. */
void qcow2_compressed_place(const Qcow2State *s, uint64_t entry,
                            uint64_t *offset, uint64_t *bytes);
/* What @entry refers to is let go of, later. */
void co_qcow2_entry_release(Qcow2State *s, Qcow2Entry entry,
                            Qcow2FreeKind kind) COROUTINE_ONLY;
/* Bytes of guest that one L2 table holds. */
static inline uint64_t qcow2_table_reach(const Qcow2State *s)
{
    return s->cluster_bytes << s->l2_bits;
}

/* --- data.c: guest data in the file, encrypted or not -------------------- */

/* From @edge, which may be shorter: zeroes beyond its end. */
int co_qcow2_edge_read(Edge *edge, uint64_t offset, uint64_t bytes, Iov *iov,
                       size_t iov_offset) COROUTINE_ONLY;
/* What the disk has at @guest lies at @host of the data file; whole sectors if
 * the image is encrypted. */
int co_qcow2_data_read(Qcow2State *s, uint64_t guest, uint64_t host,
                       uint64_t bytes, Iov *iov,
                       size_t iov_offset) COROUTINE_ONLY;
int co_qcow2_data_write(Qcow2State *s, uint64_t guest, uint64_t host,
                        uint64_t bytes, Iov *iov, size_t iov_offset,
                        ReqFlags flags) COROUTINE_ONLY;

/* --- read.c -------------------------------------------------------------- */

int co_qcow2_preadv(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
/* The same within a range that the caller has locked. */
int co_qcow2_read_locked(Qcow2State *s, uint64_t offset, uint64_t bytes,
                         Iov *iov, size_t iov_offset) COROUTINE_ONLY;
int co_qcow2_block_status(Node *node, bool want_zero, uint64_t offset,
                          uint64_t bytes, BlockStatus *status) COROUTINE_ONLY;
/* Whether it is worth while to look for zeroes in the file. */
bool co_qcow2_is_sparse(Qcow2State *s) COROUTINE_ONLY;
/* Whether a range reads as zeroes for sure, by metadata. */
int co_qcow2_reads_zero(Qcow2State *s, uint64_t offset, uint64_t bytes,
                        bool *zero) COROUTINE_ONLY;

/* --- compress.c ---------------------------------------------------------- */

/* @in_bytes: what there is, maybe with rubbish behind. -EIO if it is no
 * cluster. */
int co_qcow2_decompress(const Qcow2State *s, const void *in, size_t in_bytes,
                        void *out) COROUTINE_ONLY;
int co_qcow2_pwritev_compressed(Node *node, uint64_t offset, uint64_t bytes,
                                Iov *iov, size_t iov_offset) COROUTINE_ONLY;

/* --- write.c, zero.c ----------------------------------------------------- */

int co_qcow2_pwritev(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                     size_t iov_offset, ReqFlags flags) COROUTINE_ONLY;
int co_qcow2_pwrite_zeroes(Node *node, uint64_t offset, uint64_t bytes,
                           ReqFlags flags) COROUTINE_ONLY;
int co_qcow2_pdiscard(Node *node, uint64_t offset,
                      uint64_t bytes) COROUTINE_ONLY;
int co_qcow2_flush(Node *node) COROUTINE_ONLY;
/* Drops all mappings of whole clusters in the range, also where an image
 * behind would show through. */
int co_qcow2_unmap(Qcow2State *s, uint64_t offset, uint64_t bytes,
                   Qcow2FreeKind kind) COROUTINE_ONLY;

/* --- resize.c ------------------------------------------------------------ */

int co_qcow2_truncate(Node *node, uint64_t size_bytes, bool exact,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;
int co_qcow2_resize(Node *node, uint64_t size_bytes, bool exact,
                    FormatPreallocation preallocation,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Makes places for the whole range [@offset, +@bytes). */
int co_qcow2_preallocate(Qcow2State *s, uint64_t offset, uint64_t bytes,
                         FormatPreallocation preallocation,
                         Error **errp) COROUTINE_ONLY;
/* An L1 table of at least @entries, on disk too. */
int co_qcow2_l1_grow(Qcow2State *s, uint32_t entries,
                     Error **errp) COROUTINE_ONLY;

/* All references that the table at L1 @index holds go, and the table. */
int co_qcow2_drop_table(Qcow2State *s, uint32_t index) COROUTINE_ONLY;

/* --- vm-state.c ---------------------------------------------------------- */

/* At the first table that holds nothing of the disk. */
uint64_t qcow2_vm_state_offset(const Node *node);
int co_qcow2_vm_state_read(Node *node, uint64_t offset, uint64_t bytes,
                           void *buf) COROUTINE_ONLY;
int co_qcow2_vm_state_write(Node *node, uint64_t offset, uint64_t bytes,
                            const void *buf) COROUTINE_ONLY;
/* The disk has none any more; snapshots keep theirs. */
int co_qcow2_vm_state_drop(Node *node) COROUTINE_ONLY;

/* --- cut.c --------------------------------------------------------------- */

/* Settles, then cuts the file behind the last cluster that is counted. */
int co_qcow2_file_cut(Qcow2State *s) COROUTINE_ONLY;
int co_qcow2_make_empty(Node *node, Error **errp) COROUTINE_ONLY;

/* --- snapshot.c ---------------------------------------------------------- */

int co_qcow2_snapshots_load(Qcow2State *s, Error **errp) COROUTINE_ONLY;
/* Why the header's words on snapshots cannot be, or NULL. */
const char *qcow2_snapshots_wrong(const Qcow2State *s);
void qcow2_snapshots_free(Qcow2State *s);
struct SnapshotInfoList *co_qcow2_snapshot_list(Node *node,
                                                Error **errp) COROUTINE_ONLY;
int co_qcow2_snapshot_create(Node *node, const char *name,
                             const struct SnapshotMoment *moment, char **id,
                             Error **errp) COROUTINE_ONLY;
int co_qcow2_snapshot_apply(Node *node, const char *id_or_name,
                            Error **errp) COROUTINE_ONLY CONTROL_ONLY;
int co_qcow2_snapshot_delete(Node *node, const char *id, const char *name,
                             Error **errp) COROUTINE_ONLY;
int co_qcow2_snapshot_load(Node *node, const char *id, const char *name,
                           Error **errp) CONTROL_ONLY COROUTINE_ONLY;

/* --- check.c, create.c, amend.c, measure.c, info.c ----------------------- */

int co_qcow2_check(Node *node, FormatCheck *check, Error **errp) COROUTINE_ONLY;
bool co_qcow2_create(const struct BlockdevCreateOptions *options,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_qcow2_create_file(const char *filename, struct json_object *words,
                          Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_qcow2_measure(struct json_object *words, Node *source,
                      FormatMeasure *measure,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_qcow2_amend(Node *node, struct json_object *words, bool force,
                    void (*progress)(void *opaque, uint64_t done,
                                     uint64_t total),
                    void *opaque, Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_qcow2_amend_options(Node *node,
                            const struct BlockdevAmendOptions *options,
                            bool force,
                            Error **errp) COROUTINE_ONLY CONTROL_ONLY;
int co_qcow2_change_backing_file(Node *node, const char *filename,
                                 const char *format,
                                 Error **errp) COROUTINE_ONLY;
extern const FormatOption qcow2_create_options[];
extern const FormatOps qcow2_format_ops;

/* --- small things -------------------------------------------------------- */

/* Reads or writes @bytes of the file at @offset from memory; what lies beyond
 * its end reads as zeroes. */
int co_qcow2_file_read(Qcow2State *s, uint64_t offset, void *buf,
                       size_t bytes) COROUTINE_ONLY;
int co_qcow2_file_write(Qcow2State *s, uint64_t offset, const void *buf,
                        size_t bytes) COROUTINE_ONLY;
/* Before the disk changes: no bitmap in the image may claim to be right. */
int co_qcow2_bitmaps_mark(Qcow2State *s) COROUTINE_ONLY;
extern const NodeDriver driver_qcow2;
/* At the beginning of all that changes the disk. */
COROUTINE_ONLY static inline int co_qcow2_may_change(Qcow2State *s)
{
    if (UNLIKELY(s->corrupt || s->bitmaps_unmarked)) {
        return s->corrupt ? -ENOMEDIUM : co_qcow2_bitmaps_mark(s);
    }
    return 0;
}
#define qcow2_event(s, event) co_node_debug_event((s)->file->child, event)
/* Whether the file fails where tests want it to. Then metadata reaches it where
 * QEMU's does, earlier than it need: the same requests fail, with the same
 * clusters left over. */
static inline bool qcow2_is_watched(const Qcow2State *s)
{
    return UNLIKELY(s->file->child->driver->co_debug_event);
}

#endif
