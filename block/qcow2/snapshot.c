/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots inside an image: a copy of the L1 table, and one more reference
 * for all that it leads to.
 *
 * Invariants, at a crash at any moment:
 * 1. Counts go up before something new refers, and down after it is gone.
 * 2. No entry with the flag COPIED leads to what a snapshot refers to once the
 *    header names that snapshot.
 * Nothing else is in flight in the image meanwhile.
 */
#include "block/bitmap/bitmap.h"
#include "block/qcow2/snapshot-int.h"

#include <stdio.h>

#include "qapi/qapi-types.h"

#define NAME_MAX_BYTES 255

/* --- looking up ---------------------------------------------------------- */

static int find(const Qcow2State *s, const char *id, const char *name)
{
    for (unsigned i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        if ((!id || !strcmp(sn->id, id)) &&
            (!name || !strcmp(sn->name, name))) {
            return i;
        }
    }
    return -1;
}

static int find_either(const Qcow2State *s, const char *id_or_name)
{
    int index = find(s, id_or_name, NULL);

    return index >= 0 ? index : find(s, NULL, id_or_name);
}

static char *new_id(const Qcow2State *s)
{
    uint64_t highest = 0;

    for (unsigned i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        highest = MAX(highest, g_ascii_strtoull(sn->id, NULL, 10));
    }
    return g_strdup_printf("%" PRIu64, highest + 1);
}

SnapshotInfoList *co_qcow2_snapshot_list(Node *node, Error **errp)
{
    const Qcow2State *s = qcow2_state(node);
    SnapshotInfoList *list = g_new0(SnapshotInfoList, 1);

    list->n = s->snapshots->len;
    list->v = g_new0(SnapshotInfo *, MAX(list->n, 1));
    for (unsigned i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);
        SnapshotInfo *info = list->v[i] = g_new0(SnapshotInfo, 1);

        info->id = g_strdup(sn->id);
        info->name = g_strdup(sn->name);
        info->vm_state_size = sn->vm_state_bytes;
        info->date_sec = sn->date_sec;
        info->date_nsec = sn->date_nsec;
        info->vm_clock_sec = sn->vm_clock_nsec / 1000000000;
        info->vm_clock_nsec = sn->vm_clock_nsec % 1000000000;
        info->has_icount = sn->icount != UINT64_MAX;
        info->icount = info->has_icount ? sn->icount : 0;
    }
    return list;
}

/* --- tables -------------------------------------------------------------- */

COROUTINE_ONLY
static int co_write_l1(Qcow2State *s, uint64_t offset, const uint64_t *l1,
                       uint32_t entries)
{
    g_autofree Be64 *table = g_new0(Be64, MAX(entries, 1));

    for (uint32_t i = 0; i < entries; i++) {
        table[i] = be64(l1[i]);
    }
    return co_qcow2_file_write(s, offset, table, entries * sizeof(Be64));
}

/* @sn cannot be used. */
static int wrong(const Qcow2State *s, const Qcow2Snapshot *sn, Error **errp)
{
    error_set(errp, "%s", qcow2_snapshot_wrong(s, sn));
    return sn->l1_size > QCOW2_MAX_L1_BYTES / 8 ? -EFBIG : -EINVAL;
}

COROUTINE_ONLY
static uint64_t *co_read_l1(Qcow2State *s, const Qcow2Snapshot *sn,
                            uint32_t entries, int *ret)
{
    g_autofree Be64 *table = g_new0(Be64, MAX(sn->l1_size, 1));
    uint64_t *l1 = g_new0(uint64_t, MAX(entries, 1));

    *ret =
        co_qcow2_file_read(s, sn->l1_offset, table, sn->l1_size * sizeof(Be64));
    for (uint32_t i = 0; i < MIN(entries, sn->l1_size); i++) {
        l1[i] = be64_get(table[i]);
    }
    return l1;
}

/* --- the operations ------------------------------------------------------ */

static int fail(Error **errp, int ret, const char *what)
{
    error_set_errno(errp, -ret, "%s", what);
    return ret;
}

/* On failure the copy of the L1 table leaks, as QEMU's does: a check after it
 * says the same. What else was raised may leak, too; the disk is as it was. */
COROUTINE_ONLY
static int co_create(Qcow2State *s, Qcow2Snapshot *sn)
{
    uint64_t bytes = s->l1_size * sizeof(Be64);
    int ret = co_qcow2_settle(s);

    if (ret == 0 && bytes) {
        ret = co_qcow2_alloc_bytes(s, NULL, bytes, false, &sn->l1_offset);
    }
    if (ret == 0) {
        ret = co_qcow2_counts_raise(s, s->l1, s->l1_size);
    }
    if (ret == 0) {
        /* The flags go, on disk, before the snapshot is there. */
        ret = co_qcow2_flags_refresh(s);
    }
    if (ret == 0 && bytes) {
        ret = co_write_l1(s, sn->l1_offset, s->l1, s->l1_size);
    }
    return ret;
}

int co_qcow2_snapshot_create(Node *node, const char *name,
                             const SnapshotMoment *moment, char **id,
                             Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    Qcow2Snapshot *sn;
    int ret;

    if (s->has_data_file) {
        error_set(errp, "Snapshots are not supported with an external data "
                        "file");
        return -ENOTSUP;
    }
    if (s->snapshots->len >= QCOW2_MAX_SNAPSHOTS || strlen(name) > 65535) {
        return fail(errp, -EFBIG, "Could not create snapshot");
    }
    sn = g_new0(Qcow2Snapshot, 1);
    sn->id = new_id(s);
    /* Longer names are cut, as QEMU does. */
    sn->name = g_strndup(name, NAME_MAX_BYTES);
    sn->l1_size = s->l1_size;
    sn->date_sec = moment->date_sec;
    sn->date_nsec = moment->date_nsec;
    sn->vm_clock_nsec = moment->vm_clock_nsec;
    sn->icount = moment->icount;
    sn->vm_state_bytes = moment->vm_state_bytes;
    sn->disk_bytes = s->disk_bytes;
    ret = co_create(s, sn);
    if (ret < 0) {
        qcow2_snapshot_free(sn);
        return fail(errp, ret, "Could not create snapshot");
    }
    g_ptr_array_add(s->snapshots, sn);
    ret = co_qcow2_snapshots_write(s);
    if (ret < 0) {
        g_ptr_array_remove_index(s->snapshots, s->snapshots->len - 1);
        return fail(errp, ret, "Could not create snapshot");
    }
    if (id) {
        *id = g_strdup(sn->id);
    }
    ret = sn->vm_state_bytes ? co_qcow2_vm_state_drop(node) : 0;
    return ret < 0 ? fail(errp, ret, "Could not drop the state of a machine")
                   : 0;
}

/* The disk's table becomes the snapshot's; the old references go. */
COROUTINE_ONLY
static int co_apply(Qcow2State *s, const Qcow2Snapshot *sn, Error **errp)
{
    uint64_t *l1, *old;
    int ret = co_qcow2_l1_grow(s, sn->l1_size, errp);

    if (ret < 0) {
        return ret;
    }
    ret = co_qcow2_settle(s);
    l1 = co_read_l1(s, sn, s->l1_size, &ret);
    if (ret == 0) {
        ret = co_qcow2_counts_raise(s, l1, s->l1_size);
    }
    for (uint32_t i = 0; i < s->l1_size; i++) {
        l1[i] &= ~QCOW2_COPIED;
    }
    if (ret == 0) {
        ret = co_qcow2_settle(s);
    }
    if (ret == 0) {
        ret = co_write_l1(s, s->l1_offset, l1, s->l1_size);
    }
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    if (ret < 0) {
        g_free(l1);
        return ret;
    }
    old = s->l1;
    s->l1 = l1;
    ret = co_qcow2_counts_lower(s, old, s->l1_size);
    g_free(old);
    qcow2_tables_note_all(s);
    return ret == 0 ? co_qcow2_flags_refresh(s) : ret;
}

int co_qcow2_snapshot_apply(Node *node, const char *id_or_name, Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    int index = find_either(s, id_or_name);
    const Qcow2Snapshot *sn;
    int ret;

    if (s->has_data_file) {
        error_set(errp, "Snapshots are not supported with an external data "
                        "file");
        return -ENOTSUP;
    }
    if (index < 0) {
        error_set(errp, "Can't find snapshot");
        return -ENOENT;
    }
    if (bitmap_next(node, NULL)) {
        error_set(errp, "Device has active dirty bitmaps");
        return -EBUSY;
    }
    sn = g_ptr_array_index(s->snapshots, index);
    if (qcow2_snapshot_wrong(s, sn)) {
        error_report("%s", qcow2_snapshot_wrong(s, sn));
        return wrong(s, sn, errp);
    }
    if (sn->disk_bytes != s->disk_bytes) {
        /* The size first: what it cuts off is none of the snapshot's. */
        ret = co_qcow2_resize(node, sn->disk_bytes, true, FORMAT_PREALLOC_OFF,
                              errp);
        if (ret < 0) {
            return ret;
        }
        node_size_changed(node, ROUND_DOWN(sn->disk_bytes, 512));
    }
    ret = co_apply(s, sn, errp);
    if (ret < 0) {
        if (errp && !*errp) {
            fail(errp, ret, "Could not apply snapshot");
        }
        return ret;
    }
    return 0;
}

int co_qcow2_snapshot_delete(Node *node, const char *id, const char *name,
                             Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    int index = find(s, id, name), ret;
    Qcow2Snapshot *sn;
    uint64_t *l1;

    if (index < 0) {
        error_set(errp, "Can't find the snapshot");
        return -ENOENT;
    }
    sn = g_ptr_array_index(s->snapshots, index);
    if (qcow2_snapshot_wrong(s, sn)) {
        return wrong(s, sn, errp);
    }
    l1 = co_read_l1(s, sn, sn->l1_size, &ret);
    if (ret == 0) {
        sn = g_ptr_array_steal_index(s->snapshots, index);
        ret = co_qcow2_snapshots_write(s);
        if (ret < 0) {
            g_ptr_array_insert(s->snapshots, index, sn);
        }
    }
    if (ret < 0) {
        g_free(l1);
        return fail(errp, ret, "Failed to remove snapshot from snapshot list");
    }
    ret = co_qcow2_counts_lower(s, l1, sn->l1_size);
    if (sn->l1_size) {
        co_qcow2_free_later(s, sn->l1_offset, sn->l1_size * UINT64_C(8),
                            QCOW2_FREE_SNAPSHOT);
    }
    qcow2_snapshot_free(sn);
    g_free(l1);
    if (ret == 0) {
        ret = co_qcow2_flags_refresh(s);
    }
    return ret < 0 ? fail(errp, ret, "Failed to free the cluster and L1 table")
                   : 0;
}

int co_qcow2_snapshot_load(Node *node, const char *id, const char *name,
                           Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    int index = find(s, id, name), ret;
    const Qcow2Snapshot *sn;
    uint64_t *l1;

    if (!node->read_only) {
        error_set(errp, "Device is not readonly");
        return -EINVAL;
    }
    if (index < 0) {
        error_set(errp, "Can't find snapshot");
        return -ENOENT;
    }
    sn = g_ptr_array_index(s->snapshots, index);
    if (qcow2_snapshot_wrong(s, sn)) {
        return wrong(s, sn, errp);
    }
    if (sn->disk_bytes > BLOCK_MAX_BYTES) {
        error_set(errp, "Snapshot is too big");
        return -EFBIG;
    }
    l1 = co_read_l1(s, sn, sn->l1_size, &ret);
    if (ret < 0) {
        g_free(l1);
        return fail(errp, ret, "Failed to read l1 table for snapshot");
    }
    g_free(s->l1);
    s->l1 = l1;
    s->l1_size = sn->l1_size;
    s->disk_bytes = sn->disk_bytes;
    s->snapshot_loaded = true;
    node_size_changed(node, ROUND_DOWN(sn->disk_bytes, 512));
    return 0;
}
