/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counts of an image against the references that were found, and the
 * flags that follow from them.
 */
#include "block/qcow2/check-int.h"

#include "qapi/qapi-types.h"

COROUTINE_ONLY
static int co_set_refcount(Qcow2State *s, uint64_t cluster, uint64_t value)
{
    Qcow2Piece *piece;
    uint64_t index, end;
    int ret = co_qcow2_refblock_get(s, cluster, &piece, &index, &end);

    if (ret < 0 || !piece) {
        return ret < 0 ? ret : -EIO;
    }
    if (value > s->refcount_max) {
        ret = -EINVAL;
    } else {
        qcow2_refcount_write(s, qcow2_piece_modify(&s->refs_cache, piece),
                             index, value);
        if (!value) {
            s->free_hint = MIN(s->free_hint, cluster);
        }
    }
    qcow2_piece_put(&s->refs_cache, piece);
    return ret;
}

/* The count of one cluster is not what it should be. */
COROUTINE_ONLY
static void co_mismatch(Qcow2Check *c, uint64_t cluster, uint64_t have,
                        uint64_t want, bool mend)
{
    bool leak = have > want;
    bool fix =
        mend && qcow2_check_fixes(c, leak ? CHECK_FIX_LEAKS : CHECK_FIX_ERRORS);

    qcow2_check_say(
        c, "%s cluster %" PRIu64 " refcount=%" PRIu64 " reference=%" PRIu64,
        fix    ? "Repairing"
        : leak ? "Leaked"
               : "ERROR",
        cluster, have, want);
    if (fix && co_set_refcount(c->s, cluster, want) == 0) {
        *(leak ? &c->out->leaks_fixed : &c->out->corruptions_fixed) += 1;
    } else if (leak) {
        c->out->leaks++;
    } else {
        c->out->corruptions++;
    }
    if (have == 0) {
        /* It was free to be taken: who knows what else has been. */
        c->needs_rebuild = true;
    }
}

static bool block_unusable(const Qcow2Check *c, uint64_t cluster)
{
    const Qcow2State *s = c->s;
    uint64_t block = cluster >> s->refblock_bits;

    return qcow2_check_fixes(c, CHECK_FIX_ERRORS) &&
           block < s->reftable_entries &&
           (s->reftable[block] & QCOW2_REFTABLE_MASK) % s->cluster_bytes != 0;
}

/* The count in the image; for who mends all, what has no usable block counts
 * as zero: it gets a new one. */
COROUTINE_ONLY
static int co_image_count(Qcow2Check *c, uint64_t cluster, uint64_t *count)
{
    *count = 0;
    return block_unusable(c, cluster)
               ? 0
               : co_qcow2_refcount_get(c->s, cluster, count);
}

COROUTINE_ONLY
static void co_compare_all(Qcow2Check *c, bool mend)
{
    uint64_t highest = 0;

    for (uint64_t i = 0; i < MAX(c->clusters, c->counted); i++) {
        uint64_t want = qcow2_check_count(c, i), have;

        if (co_image_count(c, i, &have) < 0) {
            qcow2_check_say(c,
                            "Can't get refcount for cluster %" PRIu64
                            ": Input/output error",
                            i);
            c->out->check_errors++;
            continue;
        }
        if (have || want) {
            highest = i;
        }
        if (have != want) {
            co_mismatch(c, i, have, want, mend);
        }
    }
    c->out->image_end_bytes = (highest + 1) << c->s->cluster_bits;
}

int co_qcow2_check_compare(Qcow2Check *c)
{
    FormatCheck before = *c->out;

    /* All is told first. */
    co_compare_all(c, false);
    if (c->needs_rebuild && qcow2_check_fixes(c, CHECK_FIX_ERRORS)) {
        qcow2_check_say(c, "Rebuilding refcount structure");
        return co_qcow2_check_rebuild(c);
    }
    if (c->needs_rebuild && c->out->fix) {
        qcow2_check_say(c, "ERROR need to rebuild refcount structures");
        return -EIO;
    }
    if (c->out->fix && (c->out->leaks || c->out->corruptions)) {
        *c->out = before;
        co_compare_all(c, true);
    }
    return 0;
}

/* --- the flag COPIED ----------------------------------------------------- */

static bool flag_wrong(uint64_t entry, uint64_t count)
{
    return (count == 1) != !!(entry & QCOW2_COPIED);
}

/* Who wants leaks mended only has the flags mended if nothing else is wrong,
 * so that they follow from counts that are right. */
static bool may_fix_flags(const Qcow2Check *c)
{
    const FormatCheck *r = c->out;

    return (r->fix & CHECK_FIX_ERRORS) ||
           (r->fix && !r->check_errors && !r->corruptions && !r->leaks);
}

static const char *verb(const Qcow2Check *c)
{
    return may_fix_flags(c) ? "Repairing" : "ERROR";
}

/* Nothing in a file of its own is shared. */
COROUTINE_ONLY
static int co_data_count(Qcow2Check *c, uint64_t offset, uint64_t *count)
{
    *count = 1;
    return c->s->has_data_file
               ? 0
               : co_image_count(c, offset >> c->s->cluster_bits, count);
}

COROUTINE_ONLY
static void co_copied_entry(Qcow2Check *c, Qcow2Piece *piece, unsigned byte)
{
    Qcow2State *s = c->s;
    Qcow2Entry e = qcow2_entry_load(s, piece->data + byte);
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK, count;

    if ((e.entry & QCOW2_COMPRESSED) || !offset) {
        return;
    }
    if (co_data_count(c, offset, &count) < 0 || !flag_wrong(e.entry, count)) {
        return;
    }
    qcow2_check_say(c,
                    "%s OFLAG_COPIED data cluster: l2_entry=%" PRIx64
                    " refcount=%" PRIu64,
                    verb(c), e.entry, count);
    if (may_fix_flags(c)) {
        e.entry ^= QCOW2_COPIED;
        qcow2_entry_store(s, qcow2_piece_modify(&s->l2_cache, piece) + byte, e);
        c->out->corruptions_fixed++;
    } else {
        c->out->corruptions++;
    }
}

COROUTINE_ONLY
static int co_copied_table(Qcow2Check *c, uint64_t table, uint32_t index)
{
    Qcow2State *s = c->s;

    for (uint64_t at = 0; at < s->cluster_bytes;
         at += s->l2_cache.piece_bytes) {
        Qcow2Piece *piece;
        int ret = co_qcow2_piece_get(&s->l2_cache, table + at, &piece);

        if (ret < 0) {
            c->out->check_errors++;
            return 0;
        }
        piece->l1_index = index;
        for (unsigned byte = 0; byte < s->l2_cache.piece_bytes;
             byte += s->l2_entry_bytes) {
            co_copied_entry(c, piece, byte);
        }
        qcow2_piece_put(&s->l2_cache, piece);
    }
    return 0;
}

int co_qcow2_check_copied(Qcow2Check *c)
{
    Qcow2State *s = c->s;
    int ret = 0;

    for (uint32_t i = 0; i < s->l1_size && ret == 0; i++) {
        uint64_t offset = s->l1[i] & QCOW2_OFFSET_MASK, count;

        if (!offset) {
            continue;
        }
        if (co_image_count(c, offset >> s->cluster_bits, &count) == 0 &&
            flag_wrong(s->l1[i], count)) {
            qcow2_check_say(c,
                            "%s OFLAG_COPIED L2 cluster: l1_index=%u "
                            "l1_entry=%" PRIx64 " refcount=%" PRIu64,
                            verb(c), i, s->l1[i], count);
            if (may_fix_flags(c)) {
                s->l1[i] ^= QCOW2_COPIED;
                qcow2_l1_mark(s, i);
                c->out->corruptions_fixed++;
            } else {
                c->out->corruptions++;
            }
        }
        if (offset % s->cluster_bytes == 0 &&
            offset >> s->cluster_bits < c->clusters) {
            ret = co_copied_table(c, offset, i);
        }
    }
    return ret;
}
