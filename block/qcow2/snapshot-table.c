/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of snapshots: read with all its lengths checked, written as a
 * whole to a new place before the header names it.
 *
 * Invariant: s->snapshots is what the header's table says.
 */
#include "block/qcow2/snapshot-int.h"

#include "qapi/qapi-types.h"

void qcow2_snapshot_free(gpointer data)
{
    Qcow2Snapshot *sn = data;

    g_free(sn->id);
    g_free(sn->name);
    g_free(sn->extra);
    g_free(sn);
}

void qcow2_snapshots_free(Qcow2State *s)
{
    if (s->snapshots) {
        g_ptr_array_free(s->snapshots, TRUE);
        s->snapshots = NULL;
    }
}

/* --- reading ------------------------------------------------------------- */

typedef struct Reader {
    Qcow2State *s;
    uint64_t at;
    bool mend;
    int ret;
} Reader;

COROUTINE_ONLY
static void co_take(Reader *r, void *buf, size_t bytes)
{
    if (r->ret == 0 && bytes) {
        r->ret = co_qcow2_file_read(r->s, r->at, buf, bytes);
    }
    r->at += bytes;
}

COROUTINE_ONLY
static char *co_take_text(Reader *r, size_t bytes)
{
    char *text = g_malloc0(bytes + 1);

    co_take(r, text, bytes);
    return text;
}

/* More than fits into memory is refused, or passed over by who mends. */
COROUTINE_ONLY
static void co_take_unknown(Reader *r, Qcow2Snapshot *sn, uint32_t bytes)
{
    sn->extra_bytes =
        MIN(bytes, QCOW2_MAX_SNAPSHOT_EXTRA_BYTES - sizeof(Qcow2SnapshotExtra));
    if (sn->extra_bytes) {
        sn->extra = g_malloc(sn->extra_bytes);
        co_take(r, sn->extra, sn->extra_bytes);
        r->at += bytes - sn->extra_bytes;
    }
}

COROUTINE_ONLY
static void co_take_extra(Reader *r, Qcow2Snapshot *sn, uint32_t bytes,
                          uint64_t disk_bytes)
{
    Qcow2SnapshotExtra extra = {.icount = be64(UINT64_MAX)};
    uint32_t known = MIN(bytes, sizeof(extra));

    co_take(r, &extra, known);
    sn->extra_found_bytes = bytes;
    sn->disk_bytes = disk_bytes;
    if (known >= offsetof(Qcow2SnapshotExtra, disk_size)) {
        sn->vm_state_bytes = be64_get(extra.vm_state_size_large);
    }
    if (known >= offsetof(Qcow2SnapshotExtra, icount)) {
        sn->disk_bytes = be64_get(extra.disk_size);
    }
    sn->icount = known == sizeof(extra) ? be64_get(extra.icount) : UINT64_MAX;
    co_take_unknown(r, sn, bytes - known);
}

const char *qcow2_snapshot_wrong(const Qcow2State *s, const Qcow2Snapshot *sn)
{
    if (sn->l1_size > QCOW2_MAX_L1_BYTES / 8) {
        return "Snapshot L1 table too large";
    }
    if (sn->l1_offset % s->cluster_bytes ||
        sn->l1_offset >= INT64_MAX - QCOW2_MAX_L1_BYTES) {
        return "Snapshot L1 table offset invalid";
    }
    return NULL;
}

COROUTINE_ONLY
static Qcow2Snapshot *co_read_one(Reader *r, uint32_t index, Error **errp)
{
    Qcow2Snapshot *sn = g_new0(Qcow2Snapshot, 1);
    Qcow2SnapshotHead h = {0};
    uint32_t extra;

    r->at = ROUND_UP(r->at, 8);
    co_take(r, &h, sizeof(h));
    sn->l1_offset = be64_get(h.l1_table_offset);
    sn->l1_size = be32_get(h.l1_size);
    sn->date_sec = be32_get(h.date_sec);
    sn->date_nsec = be32_get(h.date_nsec);
    sn->vm_clock_nsec = be64_get(h.vm_clock_nsec);
    sn->vm_state_bytes = be32_get(h.vm_state_size);
    extra = be32_get(h.extra_data_size);
    if (r->ret == 0 && extra > QCOW2_MAX_SNAPSHOT_EXTRA_BYTES && !r->mend) {
        r->ret = -EFBIG;
        error_set(errp, "Too much extra metadata in snapshot table entry %u",
                  index);
        error_append_hint(errp, "You can force-remove this extra metadata with "
                                "qemu-img check -r all\n");
    }
    if (r->ret == 0) {
        co_take_extra(r, sn, extra, r->s->disk_bytes);
        sn->id = co_take_text(r, be16_get(h.id_str_size));
        sn->name = co_take_text(r, be16_get(h.name_size));
    }
    if (r->ret < 0) {
        qcow2_snapshot_free(sn);
        return NULL;
    }
    return sn;
}

static bool table_too_long(const Reader *r)
{
    return r->at - r->s->snapshots_offset > QCOW2_MAX_SNAPSHOT_TABLE_BYTES;
}

int co_qcow2_snapshots_read(Qcow2State *s, bool mend, Error **errp)
{
    Reader r = {s, s->snapshots_offset, mend, 0};
    Error *err = NULL;

    for (uint32_t i = 0; i < s->snapshots_found; i++) {
        Qcow2Snapshot *sn = co_read_one(&r, i, &err);

        if (!sn) {
            if (!err) {
                error_set_errno(&err, -r.ret, "Could not read snapshots");
            }
            error_propagate(errp, err);
            return r.ret;
        }
        if (table_too_long(&r)) {
            qcow2_snapshot_free(sn);
            if (mend) {
                return 0; /* the rest is left out */
            }
            error_set(errp, "Snapshot table is too big");
            error_append_hint(errp,
                              "You can force-remove all %u overhanging "
                              "snapshots with qemu-img check -r all\n",
                              s->snapshots_found - i);
            return -EFBIG;
        }
        s->snapshots_bytes = r.at - s->snapshots_offset;
        g_ptr_array_add(s->snapshots, sn);
    }
    return 0;
}

int co_qcow2_snapshots_load(Qcow2State *s, Error **errp)
{
    s->snapshots = g_ptr_array_new_with_free_func(qcow2_snapshot_free);
    /* Who checks wants to tell what is wrong with them. */
    s->snapshots_unread = format_opening_for_repair;
    return s->snapshots_unread ? 0 : co_qcow2_snapshots_read(s, false, errp);
}

/* --- writing ------------------------------------------------------------- */

static void put_one(GByteArray *out, const Qcow2Snapshot *sn)
{
    static const uint8_t padding[8];
    Qcow2SnapshotExtra extra = {be64(sn->vm_state_bytes), be64(sn->disk_bytes),
                                be64(sn->icount)};
    uint32_t known = sn->icount == UINT64_MAX && !sn->extra_bytes
                         ? offsetof(Qcow2SnapshotExtra, icount)
                         : sizeof(extra);
    Qcow2SnapshotHead h = {
        be64(sn->l1_offset),
        be32(sn->l1_size),
        be16(strlen(sn->id)),
        be16(strlen(sn->name)),
        be32(sn->date_sec),
        be32(sn->date_nsec),
        be64(sn->vm_clock_nsec),
        be32(sn->vm_state_bytes > UINT32_MAX ? 0 : sn->vm_state_bytes),
        be32(known + sn->extra_bytes),
    };

    g_byte_array_append(out, padding, ROUND_UP(out->len, 8) - out->len);
    g_byte_array_append(out, (const uint8_t *)&h, sizeof(h));
    g_byte_array_append(out, (const uint8_t *)&extra, known);
    if (sn->extra_bytes) {
        g_byte_array_append(out, sn->extra, sn->extra_bytes);
    }
    g_byte_array_append(out, (const uint8_t *)sn->id, strlen(sn->id));
    g_byte_array_append(out, (const uint8_t *)sn->name, strlen(sn->name));
}

int co_qcow2_snapshots_write(Qcow2State *s)
{
    uint64_t old = s->snapshots_offset, old_bytes = s->snapshots_bytes;
    uint64_t new = 0;
    GByteArray *out = g_byte_array_new();
    int ret = 0;

    for (unsigned i = 0; i < s->snapshots->len; i++) {
        put_one(out, g_ptr_array_index(s->snapshots, i));
    }
    if (out->len > QCOW2_MAX_SNAPSHOT_TABLE_BYTES) {
        ret = -EFBIG;
    } else if (out->len) {
        ret = co_qcow2_alloc_bytes(s, NULL, out->len, false, &new);
        if (ret == 0) {
            ret = co_qcow2_file_write(s, new, out->data, out->len);
        }
    }
    if (ret == 0) {
        ret = co_qcow2_commit(s, true); /* its counts and content are there */
    }
    if (ret == 0) {
        s->snapshots_offset = new;
        s->snapshots_bytes = out->len;
        ret = co_qcow2_header_write(s);
        if (ret == 0) {
            ret = co_edge_flush(s->file);
        }
        if (ret < 0) {
            s->snapshots_offset = old;
            s->snapshots_bytes = old_bytes;
        } else if (old_bytes) {
            co_qcow2_free_later(s, old, old_bytes, QCOW2_FREE_OTHER);
        }
    }
    if (ret < 0 && new) {
        co_qcow2_refcount_change(s, new, out->len, -1);
    }
    g_byte_array_free(out, TRUE);
    return ret;
}
