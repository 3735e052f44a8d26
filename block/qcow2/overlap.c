/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps writes away from the image's own tables when the refcounts or L2
 * entries of a damaged image point there, and marks such an image corrupt.
 *
 * Invariant: s->tables has the number of every cluster that s->l1 or
 * s->reftable refers to.
 */
#include "block/graph/device.h"
#include "block/qcow2/snapshot-int.h"

#include <stdio.h>

#include "qapi/qapi-events.h"
#include "qapi/qapi-types.h"

#define PART_ENTRIES 512

static const char *const part_names[] = {
    "qcow2_header",      "active L1 table",   "active L2 table",
    "refcount block",    "refcount table",    "snapshot table",
    "inactive L1 table", "inactive L2 table", "bitmap directory",
};

static gpointer table_key(const Qcow2State *s, uint64_t offset)
{
    return GSIZE_TO_POINTER((offset >> s->cluster_bits) + 1);
}

void qcow2_table_note(Qcow2State *s, uint64_t offset, unsigned what)
{
    gpointer key = table_key(s, offset);
    unsigned known = GPOINTER_TO_UINT(g_hash_table_lookup(s->tables, key));

    g_hash_table_insert(s->tables, key, GUINT_TO_POINTER(known | what));
}

void qcow2_table_unnote(Qcow2State *s, uint64_t offset)
{
    g_hash_table_remove(s->tables, table_key(s, offset));
}

void qcow2_tables_note_all(Qcow2State *s)
{
    g_hash_table_remove_all(s->tables);
    for (uint32_t i = 0; i < s->l1_size; i++) {
        if (s->l1[i] & QCOW2_OFFSET_MASK) {
            qcow2_table_note(s, s->l1[i] & QCOW2_OFFSET_MASK,
                             QCOW2_OL_ACTIVE_L2);
        }
    }
    for (uint32_t i = 0; i < s->reftable_entries; i++) {
        if (s->reftable[i] & QCOW2_REFTABLE_MASK) {
            qcow2_table_note(s, s->reftable[i] & QCOW2_REFTABLE_MASK,
                             QCOW2_OL_REFCOUNT_BLOCK);
        }
    }
}

static bool meets(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
    return b_bytes && a < b + b_bytes && b < a + a_bytes;
}

static unsigned overlap_snapshots(const Qcow2State *s, uint64_t offset,
                                  uint64_t bytes)
{
    for (unsigned i = 0; s->snapshots && i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        if (!qcow2_snapshot_wrong(s, sn) &&
            meets(offset, bytes, sn->l1_offset, sn->l1_size * UINT64_C(8))) {
            return QCOW2_OL_INACTIVE_L1;
        }
    }
    return 0;
}

/* As the header names it. */
static bool overlap_bitmaps(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    Qcow2Extension *ext = qcow2_extension_find(s, QCOW2_EXT_BITMAPS);
    Be64 place[2]; /* bytes, offset: behind the count and a reserved word */

    if (!ext || ext->length < 8 + sizeof(place) ||
        !(s->autoclear & QCOW2_AUTOCLEAR_BITMAPS)) {
        return false;
    }
    memcpy(place, ext->data + 8, sizeof(place));
    return meets(offset, bytes, be64_get(place[1]), be64_get(place[0]));
}

static unsigned overlap_tables(const Qcow2State *s, unsigned checks,
                               uint64_t offset, uint64_t bytes)
{
    for (uint64_t at = ROUND_DOWN(offset, s->cluster_bytes);
         at < offset + bytes; at += s->cluster_bytes) {
        unsigned what =
            checks &
            GPOINTER_TO_UINT(g_hash_table_lookup(s->tables, table_key(s, at)));

        if (what) {
            return what;
        }
    }
    return 0;
}

/* The first part that the range overlaps, as a bit, or 0. */
static unsigned find_overlap(Qcow2State *s, unsigned checks, uint64_t offset,
                             uint64_t bytes)
{
    if ((checks & QCOW2_OL_MAIN_HEADER) && offset < s->cluster_bytes) {
        return QCOW2_OL_MAIN_HEADER;
    }
    if ((checks & QCOW2_OL_ACTIVE_L1) &&
        meets(offset, bytes, s->l1_offset, s->l1_size * UINT64_C(8))) {
        return QCOW2_OL_ACTIVE_L1;
    }
    if ((checks & QCOW2_OL_REFCOUNT_TABLE) &&
        meets(offset, bytes, s->reftable_offset,
              s->reftable_clusters * s->cluster_bytes)) {
        return QCOW2_OL_REFCOUNT_TABLE;
    }
    if ((checks & QCOW2_OL_SNAPSHOT_TABLE) &&
        meets(offset, bytes, s->snapshots_offset, s->snapshots_bytes)) {
        return QCOW2_OL_SNAPSHOT_TABLE;
    }
    if ((checks & QCOW2_OL_BITMAP_DIRECTORY) &&
        overlap_bitmaps(s, offset, bytes)) {
        return QCOW2_OL_BITMAP_DIRECTORY;
    }
    if (checks & QCOW2_OL_INACTIVE_L1) {
        unsigned found = overlap_snapshots(s, offset, bytes);

        if (found) {
            return found;
        }
    }
    return overlap_tables(s, checks, offset, bytes);
}

/* Whether the range meets an L2 table of a snapshot. Their L1 tables are not
 * kept in memory: who asks for this check pays for reading them. */
COROUTINE_ONLY
static int co_overlap_inactive(Qcow2State *s, const Qcow2Snapshot *sn,
                               uint64_t offset, uint64_t bytes, bool *found)
{
    Be64 l1[PART_ENTRIES];
    uint32_t n;

    for (uint32_t i = 0; i < sn->l1_size && !qcow2_snapshot_wrong(s, sn);
         i += n) {
        int ret;

        n = MIN(PART_ENTRIES, sn->l1_size - i);
        ret = co_qcow2_file_read(s, sn->l1_offset + i * UINT64_C(8), l1,
                                 n * sizeof(Be64));
        if (ret < 0) {
            return ret;
        }
        for (uint32_t j = 0; j < n; j++) {
            uint64_t table = be64_get(l1[j]) & QCOW2_OFFSET_MASK;

            if (table && meets(offset, bytes, table, s->cluster_bytes)) {
                *found = true;
                return 0;
            }
        }
    }
    return 0;
}

COROUTINE_ONLY
static int co_find_inactive(Qcow2State *s, uint64_t offset, uint64_t bytes,
                            unsigned *found)
{
    bool meets_one = false;

    for (unsigned i = 0; s->snapshots && i < s->snapshots->len; i++) {
        int ret = co_overlap_inactive(s, g_ptr_array_index(s->snapshots, i),
                                      offset, bytes, &meets_one);

        if (ret < 0) {
            return ret;
        }
        if (meets_one) {
            *found = QCOW2_OL_INACTIVE_L2;
            return 0;
        }
    }
    return 0;
}

COROUTINE_ONLY
static int co_check(Qcow2State *s, unsigned checks, uint64_t offset,
                    uint64_t bytes)
{
    unsigned found = find_overlap(s, checks, offset, bytes);

    if (!found && UNLIKELY(checks & QCOW2_OL_INACTIVE_L2)) {
        int ret = co_find_inactive(s, offset, bytes, &found);

        if (ret < 0) {
            return ret;
        }
    }
    if (LIKELY(!found)) {
        return 0;
    }
    co_qcow2_mark_corrupt(s, true, offset, bytes,
                          "Preventing invalid write on metadata (overlaps with "
                          "%s)",
                          part_names[__builtin_ctz(found)]);
    return -EIO;
}

int co_qcow2_check_overlap(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    return co_check(s, s->overlap_checks, offset, bytes);
}

int co_qcow2_check_table(Qcow2State *s, unsigned what, uint64_t offset,
                         uint64_t bytes)
{
    return co_check(s, s->overlap_checks & ~what, offset, bytes);
}

typedef struct Corrupted {
    const Node *node;
    QapiEventBlockImageCorrupted event;
} Corrupted;

static void send_event(void *opaque)
{
    Corrupted *c = opaque;

    c->event.device = (char *)node_device_name(c->node);
    qapi_event_block_image_corrupted(&c->event);
}

void co_qcow2_mark_corrupt(Qcow2State *s, bool fatal, int64_t host_offset,
                           int64_t bytes, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    Corrupted what = {.node = s->node};
    va_list args;

    fatal = fatal && !s->node->read_only;
    if (s->corrupt || (!fatal && s->corruption_told)) {
        return;
    }
    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    s->corruption_told = true;
    fprintf(stderr,
            fatal ? "qcow2: Marking image as corrupt: %s; further "
                    "corruption events will be suppressed\n"
                  : "qcow2: Image is corrupt: %s; further non-fatal "
                    "corruption events will be suppressed\n",
            text);
    what.event = (QapiEventBlockImageCorrupted){
        .node_name = s->node->name_generated ? NULL : s->node->name,
        .msg = text,
        .has_offset = host_offset >= 0,
        .offset = host_offset,
        .has_size = bytes >= 0,
        .size = bytes,
        .fatal = fatal,
    };
    co_reactor_call(reactor_control(), send_event, &what);
    if (!fatal) {
        return;
    }
    /* From now on there is no I/O; what is in memory may be wrong. */
    s->corrupt = true;
    s->incompatible |= QCOW2_INCOMPAT_CORRUPT;
    if (s->version >= 3 && co_qcow2_header_write(s) == 0) {
        co_edge_flush(s->file);
    }
}

bool qcow2_is_metadata(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    return find_overlap(s, QCOW2_OL_ALL, offset, bytes) != 0;
}
