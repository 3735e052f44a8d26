/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image's own tables: the header, counts and free clusters, the order in
 * which all that reaches the file, and what keeps writes off it. qcow2-int.h
 * has the invariants, and is what to include. */
#ifndef BLOCK_QCOW2_METADATA_H
#define BLOCK_QCOW2_METADATA_H

#include "block/qcow2/qcow2-state.h"

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
/* Makes the file with the data that long, if it ends before @bytes: others may
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

#endif
