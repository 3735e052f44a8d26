/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of block/qcow2 share: the state of an open image
 * (qcow2-state.h), its own tables (qcow2-metadata.h), and here the calls
 * between its other parts. README.md has the invariants; the ones that every
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

#include "block/qcow2/qcow2-metadata.h"
#include "block/qcow2/qcow2-state.h"

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
