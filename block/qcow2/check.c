/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking an image: everything that refers to a cluster is walked and
 * counted, then the counts are compared with those in the image.
 *
 * Invariants:
 * 1. Nothing of the image is trusted: offsets are checked before they are
 *    followed, memory follows what is there.
 * 2. A repair changes counts, flags and the refcount structures, never where
 *    the guest's data lies.
 */
#include "block/qcow2/check-int.h"
#include "block/qcow2/snapshot-int.h"

#include "qapi/qapi-types.h"

void qcow2_check_say(Qcow2Check *c, const char *fmt, ...)
{
    va_list args;
    char *text;

    if (!c->out->message) {
        return;
    }
    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    c->out->message(c->out->opaque, text);
    g_free(text);
}

/* --- tables -------------------------------------------------------------- */

/* An L1 table and all below. What cannot be read is counted, the rest is
 * walked. */
COROUTINE_ONLY
static void co_walk_l1(Qcow2Check *c, const uint64_t *l1, uint32_t entries,
                       bool active)
{
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t offset = l1[i] & QCOW2_OFFSET_MASK;

        if (!l1[i]) {
            continue; /* with flags alone the header is what it names */
        }
        if (l1[i] & QCOW2_L1_RESERVED) {
            qcow2_check_say(c,
                            "ERROR found L1 entry with reserved bits set: "
                            "%" PRIx64,
                            l1[i]);
            c->out->corruptions++;
        }
        qcow2_check_ref(c, offset, c->s->cluster_bytes);
        if (offset % c->s->cluster_bytes) {
            qcow2_check_say(c,
                            "ERROR l2_offset=%" PRIx64 ": Table is not "
                            "cluster aligned; L1 entry corrupted",
                            offset);
            c->out->corruptions++;
        }
        if (offset < c->clusters << c->s->cluster_bits) {
            co_qcow2_check_l2(c, active, offset);
        }
    }
}

/* Whether its table may be looked at. */
static bool snapshot_usable(Qcow2Check *c, const Qcow2Snapshot *sn)
{
    const char *wrong = qcow2_snapshot_wrong(c->s, sn);

    if (!wrong) {
        return true;
    }
    if (sn->l1_size > QCOW2_MAX_L1_BYTES / 8 &&
        sn->l1_offset % c->s->cluster_bytes == 0) {
        qcow2_check_say(c,
                        "ERROR snapshot %s (%s) l1_size=0x%x: L1 table is too "
                        "large; snapshot table entry corrupted",
                        sn->id, sn->name, sn->l1_size);
    } else {
        qcow2_check_say(c,
                        "ERROR snapshot %s (%s) l1_offset=0x%" PRIx64 ": L1 "
                        "table is not cluster aligned; snapshot table entry "
                        "corrupted",
                        sn->id, sn->name, sn->l1_offset);
    }
    c->out->corruptions++;
    return false;
}

COROUTINE_ONLY
static void co_walk_snapshot(Qcow2Check *c, const Qcow2Snapshot *sn)
{
    size_t bytes = sn->l1_size * sizeof(Be64);
    Be64 *table;
    uint64_t *l1;

    if (!snapshot_usable(c, sn)) {
        return;
    }
    table = g_try_malloc(MAX(bytes, 1));
    qcow2_check_ref(c, sn->l1_offset, bytes);
    if (!table || co_qcow2_file_read(c->s, sn->l1_offset, table, bytes) < 0) {
        qcow2_check_say(c, "ERROR: I/O error in check_refcounts_l1");
        c->out->check_errors++;
    } else {
        l1 = g_new(uint64_t, MAX(sn->l1_size, 1));
        for (uint32_t i = 0; i < sn->l1_size; i++) {
            l1[i] = be64_get(table[i]);
        }
        co_walk_l1(c, l1, sn->l1_size, false);
        g_free(l1);
    }
    g_free(table);
}

static void walk_reftable(Qcow2Check *c)
{
    Qcow2State *s = c->s;

    qcow2_check_ref(c, s->reftable_offset,
                    s->reftable_clusters * s->cluster_bytes);
    for (uint32_t i = 0; i < s->reftable_entries; i++) {
        uint64_t offset = s->reftable[i] & QCOW2_REFTABLE_MASK;

        if (s->reftable[i] & QCOW2_REFTABLE_RESERVED) {
            qcow2_check_say(c,
                            "ERROR refcount table entry %u has reserved "
                            "bits set",
                            i);
            c->out->corruptions++;
            c->needs_rebuild = true;
        } else if (offset % s->cluster_bytes) {
            qcow2_check_say(c,
                            "ERROR refcount block %u is not cluster aligned; "
                            "refcount table entry corrupted",
                            i);
            c->out->corruptions++;
            c->needs_rebuild = true;
        } else if (!offset) {
            continue;
        } else if (offset >> s->cluster_bits >= c->clusters) {
            qcow2_check_say(c, "%s refcount block %u is outside image",
                            qcow2_check_fixes(c, CHECK_FIX_ERRORS) ? "Repairing"
                                                                   : "ERROR",
                            i);
            c->out->corruptions++;
            c->needs_rebuild |= qcow2_check_fixes(c, CHECK_FIX_ERRORS);
        } else {
            qcow2_check_ref(c, offset, s->cluster_bytes);
            if (qcow2_check_count(c, offset >> s->cluster_bits) != 1) {
                qcow2_check_say(
                    c, "ERROR refcount block %u refcount=%" PRIu64, i,
                    qcow2_check_count(c, offset >> s->cluster_bits));
                c->out->corruptions++;
                c->needs_rebuild = true;
            }
        }
    }
}

int co_qcow2_check_count_all(Qcow2Check *c)
{
    Qcow2State *s = c->s;

    /* What was grown ahead is no part of it. */
    c->clusters =
        DIV_ROUND_UP(s->file_grown ? s->fresh_from : s->file->child->size_bytes,
                     s->cluster_bytes);
    c->out->total_clusters =
        DIV_ROUND_UP(s->node->size_bytes, s->cluster_bytes);
    if (!qcow2_check_refs_init(c)) {
        return -EFBIG;
    }

    qcow2_check_ref(c, 0, 1);
    if (s->l1_size) {
        qcow2_check_ref(c, s->l1_offset, s->l1_size * UINT64_C(8));
    }
    co_walk_l1(c, s->l1, s->l1_size, true);
    if (s->crypt_method == QCOW2_CRYPT_LUKS) {
        qcow2_check_ref(c, s->crypt_offset, s->crypt_bytes);
    }
    for (unsigned i = 0; i < s->snapshots->len; i++) {
        co_walk_snapshot(c, g_ptr_array_index(s->snapshots, i));
    }
    qcow2_check_ref(c, s->snapshots_offset, s->snapshots_bytes);
    co_qcow2_check_bitmaps(c);
    c->elsewhere = c->out->corruptions;
    walk_reftable(c);
    return 0;
}

/* --- the whole ----------------------------------------------------------- */

/* What was damaged is whole again: the marks go, and with whatever repair was
 * asked for, as nothing is left to be mended. */
COROUTINE_ONLY
static int co_clear_marks(Qcow2Check *c)
{
    const uint64_t marks = QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT;
    Qcow2State *s = c->s;
    int ret;

    if (!(s->incompatible & marks) || c->out->check_errors ||
        c->out->corruptions || !c->out->fix) {
        return 0;
    }
    s->incompatible &= ~marks;
    ret = co_qcow2_header_write(s);
    return ret < 0 ? ret : co_edge_flush(s->file);
}

COROUTINE_ONLY
static int co_check_all(Qcow2Check *c)
{
    bool snapshots = c->s->snapshots_unread || format_opening_for_repair;
    uint64_t wrong = 0;
    int ret = snapshots ? co_qcow2_check_snapshots(c, &wrong) : 0;

    if (ret == 0) {
        ret = co_qcow2_check_count_all(c);
    }
    if (ret == 0) {
        ret = co_qcow2_check_compare(c);
    }
    if (ret == 0 && wrong) {
        ret = co_qcow2_mend_snapshots(c, wrong);
    }
    if (ret == 0) {
        ret = co_qcow2_check_copied(c);
    }
    if (ret == 0 && c->out->fix) {
        ret = co_qcow2_settle(c->s);
    }
    if (ret == 0) {
        ret = co_clear_marks(c);
    }
    return ret;
}

int co_qcow2_check(Node *node, FormatCheck *check, Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    Qcow2Check c = {.s = s, .out = check};
    int ret = node->read_only ? 0 : co_qcow2_settle(s);

    if (check->fix && node->read_only) {
        error_set(errp, "Image is read-only");
        return -EACCES;
    }
    if (ret == 0) {
        ret = co_check_all(&c);
        qcow2_check_refs_free(&c);
    }
    if (ret < 0) {
        error_set(errp, "%s", g_strerror(-ret));
    }
    return ret;
}
