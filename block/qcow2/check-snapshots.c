/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of snapshots, as part of a check: whether it can be read, and
 * whether its entries have all that version 3 wants of them. Mending writes it
 * anew, without what is too much.
 */
#include "block/qcow2/check-int.h"
#include "block/qcow2/snapshot-int.h"

#include <stdio.h>

static const char force_remove[] =
    "You can force-remove %s with qemu-img check -r all\n";

/* What the header says of them; false: the check ends. */
static int look_at_header(Qcow2Check *c)
{
    Qcow2State *s = c->s;
    const char *wrong = qcow2_snapshots_wrong(s);
    uint32_t over;

    if (s->snapshots_found > QCOW2_MAX_SNAPSHOTS) {
        over = s->snapshots_found - QCOW2_MAX_SNAPSHOTS;
        if (!qcow2_check_fixes(c, CHECK_FIX_ERRORS)) {
            g_autofree char *all =
                g_strdup_printf("all %u overhanging snapshots", over);

            error_report("ERROR snapshot table too large");
            fprintf(stderr, force_remove, all);
            return -EFBIG;
        }
        qcow2_check_say(c, "Discarding %u overhanging snapshots", over);
        s->snapshots_found = QCOW2_MAX_SNAPSHOTS;
        c->out->corruptions += over;
        wrong = qcow2_snapshots_wrong(s);
    }
    if (wrong) {
        error_report("ERROR snapshot table offset invalid");
        return -EINVAL;
    }
    return 0;
}

/* The least that version 3 wants: the sizes of state and disk. */
static bool incomplete(const Qcow2State *s, const Qcow2Snapshot *sn)
{
    return s->version >= 3 &&
           sn->extra_found_bytes < offsetof(Qcow2SnapshotExtra, icount);
}

static void look_for_too_much(Qcow2Check *c, uint32_t index,
                              const Qcow2Snapshot *sn)
{
    if (sn->extra_found_bytes > QCOW2_MAX_SNAPSHOT_EXTRA_BYTES) {
        qcow2_check_say(c,
                        "Discarding too much extra metadata in snapshot table "
                        "entry %u (%u > %u)",
                        index, sn->extra_found_bytes,
                        QCOW2_MAX_SNAPSHOT_EXTRA_BYTES);
        c->out->corruptions++;
    }
}

static void look_for_too_little(Qcow2Check *c, uint32_t index,
                                const Qcow2Snapshot *sn)
{
    if (incomplete(c->s, sn)) {
        qcow2_check_say(c, "%s snapshot table entry %u is incomplete",
                        qcow2_check_fixes(c, CHECK_FIX_ERRORS) ? "Repairing"
                                                               : "ERROR",
                        index);
        c->out->corruptions++;
    }
}

COROUTINE_ONLY
static int co_read(Qcow2Check *c)
{
    bool mend = qcow2_check_fixes(c, CHECK_FIX_ERRORS);
    Error *err = NULL;
    int ret = co_qcow2_snapshots_read(c->s, mend, &err);

    if (ret < 0) {
        error_prepend(&err, "ERROR failed to read the snapshot table: ");
        error_report_err(err);
        return ret;
    }
    if (c->s->snapshots->len < c->s->snapshots_found) {
        uint32_t over = c->s->snapshots_found - c->s->snapshots->len;

        qcow2_check_say(c,
                        "Discarding %u overhanging snapshots (snapshot table "
                        "is too big)",
                        over);
        c->out->corruptions += over;
    }
    return 0;
}

/* The clusters of the old table; counts that are wrong already are left for
 * the rest of the check. */
COROUTINE_ONLY
static void co_free_old(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    uint64_t end = DIV_ROUND_UP(offset + bytes, s->cluster_bytes), count;

    for (uint64_t i = offset >> s->cluster_bits; i < end; i++) {
        if (co_qcow2_refcount_get(s, i, &count) == 0 && count == 1) {
            co_qcow2_refcount_change(s, i << s->cluster_bits, 1, -1);
        }
    }
}

/* On disk in whole. */
int co_qcow2_mend_snapshots(Qcow2Check *c, uint64_t wrong)
{
    Qcow2State *s = c->s;
    uint64_t offset = s->snapshots_offset, bytes = s->snapshots_bytes;
    int ret;

    if (c->beyond->len) {
        return 0; /* what seems free may not be */
    }
    s->snapshots_bytes = 0; /* it is not let go of there */
    ret = co_qcow2_snapshots_write(s);
    if (ret < 0) {
        s->snapshots_bytes = bytes;
        qcow2_check_say(c, "ERROR failed to update snapshot table: %s",
                        g_strerror(-ret));
        return ret;
    }
    co_free_old(s, offset, bytes);
    for (unsigned i = 0; i < s->snapshots->len; i++) {
        Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        sn->extra_found_bytes = sizeof(Qcow2SnapshotExtra) + sn->extra_bytes;
    }
    c->out->corruptions_fixed += wrong;
    c->out->corruptions -= wrong;
    return co_qcow2_settle(s);
}

COROUTINE_ONLY
static int co_read_table(Qcow2Check *c)
{
    int ret = look_at_header(c);

    if (ret == 0) {
        ret = co_read(c);
    }
    c->s->snapshots_unread = ret < 0;
    return ret;
}

int co_qcow2_check_snapshots(Qcow2Check *c, uint64_t *wrong)
{
    const Qcow2State *s = c->s;
    int ret = s->snapshots_unread ? co_read_table(c) : 0;

    *wrong = 0;
    if (ret < 0) {
        return ret;
    }
    for (unsigned i = 0; i < s->snapshots->len; i++) {
        look_for_too_much(c, i, g_ptr_array_index(s->snapshots, i));
    }
    for (unsigned i = 0; i < s->snapshots->len; i++) {
        look_for_too_little(c, i, g_ptr_array_index(s->snapshots, i));
    }
    if (qcow2_check_fixes(c, CHECK_FIX_ERRORS)) {
        *wrong = c->out->corruptions;
    }
    return 0;
}
