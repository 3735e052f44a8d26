/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking L2 tables: what their entries refer to is counted, what cannot be
 * is told.
 *
 * Invariant: an entry is mended only if it names no data: one that says that
 * its cluster reads as zeroes.
 */
#include "block/qcow2/check-int.h"

typedef struct L2Walk {
    bool active;   /* counts for the fragmentation of the disk */
    uint64_t next; /* where the next cluster would lie if in a row */
} L2Walk;

static void check_reserved(Qcow2Check *c, uint64_t entry)
{
    if ((entry & QCOW2_COMPRESSED) || !(entry & QCOW2_L2_RESERVED)) {
        return;
    }
    qcow2_check_say(c, "ERROR found l2 entry with reserved bits set: %" PRIx64,
                    entry);
    c->out->corruptions++;
}

/* The flag means nothing there; true if it is set. */
static bool check_no_copied(Qcow2Check *c, uint64_t entry)
{
    uint64_t offset, bytes;

    if (!(entry & QCOW2_COMPRESSED) || !(entry & QCOW2_COPIED)) {
        return false;
    }
    qcow2_compressed_place(c->s, entry, &offset, &bytes);
    qcow2_check_say(c,
                    "ERROR: coffset=0x%" PRIx64 ": copied flag must never be "
                    "set for compressed clusters",
                    offset);
    c->out->corruptions++;
    return true;
}

static void walk_compressed(Qcow2Check *c, const L2Walk *w, uint64_t index,
                            uint64_t entry)
{
    uint64_t offset, bytes;

    qcow2_compressed_place(c->s, entry, &offset, &bytes);
    if (c->s->has_data_file) {
        qcow2_check_say(c,
                        "ERROR compressed cluster %" PRIu64 " with data "
                        "file, entry=0x%" PRIx64,
                        index, entry);
        c->out->corruptions++;
        return;
    }
    qcow2_check_ref(c, offset, bytes);
    if (w->active) {
        c->out->allocated_clusters++;
        c->out->compressed_clusters++;
        /* They are not read in one piece anyway. */
        c->out->fragmented_clusters++;
    }
}

/* Whether it has a place, if any, in which nothing lies. */
static bool is_zero(const Qcow2Check *c, Qcow2Entry e)
{
    return c->s->extended_l2 ? !(e.bitmap & UINT32_MAX) : e.entry & QCOW2_ZERO;
}

static void walk_placed(Qcow2Check *c, L2Walk *w, Qcow2Entry e)
{
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK;
    bool zero = is_zero(c, e);

    if (offset % c->s->cluster_bytes) {
        qcow2_check_say(c,
                        "ERROR offset=%" PRIx64 ": %s is not properly "
                        "aligned; L2 entry corrupted.",
                        offset, zero ? "Preallocated cluster" : "Data cluster");
        c->out->corruptions++;
    }
    if (w->active) {
        c->out->allocated_clusters++;
        if (w->next && offset != w->next) {
            c->out->fragmented_clusters++;
        }
        w->next = offset + c->s->cluster_bytes;
    }
    if (!c->s->has_data_file) {
        qcow2_check_ref(c, offset, c->s->cluster_bytes);
    }
}

/* What the subclusters of an entry say must fit the cluster. False: what it
 * refers to is not counted, as nothing is to be mended. */
static bool check_subclusters(Qcow2Check *c, uint64_t index, Qcow2Entry e)
{
    bool placed = (e.entry & QCOW2_OFFSET_MASK) ||
                  (c->s->has_data_file && (e.entry & QCOW2_COPIED));

    if ((e.entry & QCOW2_COMPRESSED) && e.bitmap) {
        qcow2_check_say(c,
                        "ERROR compressed cluster %" PRIu64 " with non-zero "
                        "subcluster allocation bitmap, entry=0x%" PRIx64,
                        index, e.entry);
        c->out->corruptions++;
        /* QEMU calls what it refers to leaked, and frees it: data. */
        return c->out->fix;
    } else if (!(e.entry & QCOW2_COMPRESSED) && !placed &&
               (e.bitmap & UINT32_MAX)) {
        qcow2_check_say(c, "ERROR: Unallocated cluster has non-zero "
                           "subcluster allocation map");
    } else if (!(e.entry & QCOW2_COMPRESSED) && placed &&
               (e.bitmap & e.bitmap >> 32)) {
        qcow2_check_say(c,
                        "ERROR offset=%" PRIx64 ": Allocated cluster has "
                        "corrupted subcluster allocation bitmap",
                        e.entry & QCOW2_OFFSET_MASK);
    } else {
        return true;
    }
    c->out->corruptions++;
    return true;
}

static void walk_entry(Qcow2Check *c, L2Walk *w, uint64_t index, Qcow2Entry e)
{
    check_reserved(c, e.entry);
    if (check_no_copied(c, e.entry)) {
        e.entry &= ~QCOW2_COPIED;
    }
    if (c->s->extended_l2 && !check_subclusters(c, index, e)) {
        return;
    }
    if (e.entry & QCOW2_COMPRESSED) {
        walk_compressed(c, w, index, e.entry);
        return;
    }
    if ((e.entry & QCOW2_OFFSET_MASK) ||
        (c->s->has_data_file && (e.entry & QCOW2_COPIED))) {
        walk_placed(c, w, e);
    }
}

/* A cluster of zeroes whose place cannot be: it may as well have none. */
static bool is_misplaced_zero(const Qcow2Check *c, Qcow2Entry e)
{
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK;

    return is_zero(c, e) && !(e.entry & QCOW2_COMPRESSED) &&
           offset % c->s->cluster_bytes;
}

/* Takes the place from the entry at @at of the file; of an extended one what
 * reads from the image behind goes on doing so. -EIO: there must not be
 * written. */
COROUTINE_ONLY
static int co_mend_zero(Qcow2Check *c, uint64_t at, Qcow2Entry e)
{
    Qcow2Entry plain = {.entry = c->s->extended_l2 ? 0 : QCOW2_ZERO,
                        .bitmap = e.bitmap};
    uint8_t data[2 * sizeof(Be64)];
    int ret;

    qcow2_check_say(c,
                    "Repairing offset=%" PRIx64 ": Preallocated cluster is "
                    "not properly aligned; L2 entry corrupted.",
                    e.entry & QCOW2_OFFSET_MASK);
    ret = co_qcow2_check_table(c->s, QCOW2_OL_ACTIVE_L2 | QCOW2_OL_INACTIVE_L2,
                               at, c->s->l2_entry_bytes);
    if (ret < 0) {
        qcow2_check_say(c, "ERROR: Overlap check failed");
    } else {
        qcow2_entry_store(c->s, data, plain);
        ret = co_qcow2_file_write(c->s, at, data, c->s->l2_entry_bytes);
    }
    if (ret == 0) {
        c->out->corruptions_fixed++;
    }
    return ret;
}

int co_qcow2_check_l2(Qcow2Check *c, bool active, uint64_t offset)
{
    L2Walk w = {.active = active};
    Qcow2State *s = c->s;
    bool mend = offset && qcow2_check_fixes(c, CHECK_FIX_ERRORS);
    uint8_t *table = io_buffer_alloc(s->file->child, s->cluster_bytes);
    int ret = table ? co_qcow2_file_read(s, offset, table, s->cluster_bytes)
                    : -ENOMEM;

    for (uint64_t at = 0; ret == 0 && at < s->cluster_bytes;
         at += s->l2_entry_bytes) {
        Qcow2Entry e = qcow2_entry_load(s, table + at);

        if (mend && is_misplaced_zero(c, e)) {
            check_reserved(c, e.entry);
            ret = co_mend_zero(c, offset + at, e);
        } else {
            walk_entry(c, &w, at / s->l2_entry_bytes, e);
        }
    }
    if (mend) {
        qcow2_cache_forget(&s->l2_cache, offset, s->cluster_bytes);
    }
    io_buffer_free(table);
    if (ret < 0) {
        qcow2_check_say(c, "ERROR: I/O error in check_refcounts_l2");
        c->out->check_errors++;
    }
    return ret;
}
