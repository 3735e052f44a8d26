/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resizing, and a longer L1 table.
 *
 * Invariants: no request is in flight. What the disk gains reads as zeroes,
 * whatever lies in the file or in a longer image behind. Entries behind the
 * end of the disk are gone before the size is.
 */
#include "block/qcow2/bitmap-int.h"

#include "qapi/qapi-types.h"

/* --- the L1 table -------------------------------------------------------- */

COROUTINE_ONLY
static int co_l1_write(Qcow2State *s, uint64_t offset, uint32_t entries)
{
    size_t bytes = ROUND_UP(entries * UINT64_C(8), 512);
    Be64 *table = g_try_malloc0(bytes);
    int ret = -ENOMEM;

    if (table) {
        for (uint32_t i = 0; i < MIN(entries, s->l1_size); i++) {
            table[i] = be64(s->l1[i]);
        }
        qcow2_event(s, BLKDBG_L1_GROW_WRITE_TABLE);
        ret = co_qcow2_file_write(s, offset, table, bytes);
    }
    g_free(table);
    return ret;
}

COROUTINE_ONLY
static int co_l1_move(Qcow2State *s, uint64_t offset, uint32_t entries)
{
    uint64_t old_offset = s->l1_offset;
    uint32_t old_size = s->l1_size;
    int ret = co_l1_write(s, offset, entries);

    if (ret == 0) {
        ret = co_qcow2_commit(s, true);
    }
    if (ret < 0) {
        return ret;
    }
    s->l1 = g_renew(uint64_t, s->l1, entries);
    memset(s->l1 + old_size, 0, (entries - old_size) * sizeof(uint64_t));
    s->l1_offset = offset;
    s->l1_size = entries;
    qcow2_event(s, BLKDBG_L1_GROW_ACTIVATE_TABLE);
    ret = co_qcow2_header_write(s);
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    if (ret < 0) {
        /* Which of both the disk knows is not known: keep to the old one. */
        s->l1_offset = old_offset;
        s->l1_size = old_size;
        return ret;
    }
    if (!old_size) {
        return 0;
    }
    qcow2_event(s, BLKDBG_CLUSTER_FREE);
    /* Nothing on disk refers to it any more. */
    return co_qcow2_refcount_change(s, old_offset, old_size * UINT64_C(8), -1);
}

int co_qcow2_l1_grow(Qcow2State *s, uint32_t entries, Error **errp)
{
    uint64_t offset;
    int ret;

    if (entries <= s->l1_size) {
        return 0;
    }
    if (entries > QCOW2_MAX_L1_BYTES / 8) {
        error_set(errp, "Failed to grow the L1 table: File too large");
        return -EFBIG;
    }
    qcow2_event(s, BLKDBG_L1_GROW_ALLOC_TABLE);
    ret = co_qcow2_settle(s);
    if (ret == 0) {
        ret = co_qcow2_alloc_bytes(s, NULL, entries * UINT64_C(8), false,
                                   &offset);
    }
    if (ret == 0) {
        ret = co_l1_move(s, offset, entries);
        if (ret < 0) {
            co_qcow2_free_later(s, offset, entries * UINT64_C(8),
                                QCOW2_FREE_OTHER);
        }
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to grow the L1 table");
    }
    return ret;
}

/* --- resizing ------------------------------------------------------------ */

/* Something behind the old end may have become visible. All that is gained is
 * marked then, also beyond the end of what is behind: that may grow, and QEMU's
 * images are so. Where no cluster can be marked (version 2), zeroes are
 * written, and only as far as something is behind. */
COROUTINE_ONLY
static int co_zero_gained(Qcow2State *s, uint64_t from, uint64_t to)
{
    Edge *backing = node_backing_child(s->node);
    uint64_t behind = backing ? backing->child->size_bytes : 0;
    uint64_t mid = MIN(ROUND_UP(from, s->subcluster_bytes), to);
    uint64_t end = behind > from ? to : mid;
    int ret = 0;

    if (from < mid) {
        void *zeroes = g_malloc0(mid - from);
        bool zero;
        Iov iov;

        ret = co_qcow2_reads_zero(s, from, mid - from, &zero);
        if (ret == 0 && !zero) {
            iov_init_buf(&iov, zeroes, mid - from);
            ret = co_qcow2_pwritev(s->node, from, mid - from, &iov, 0, 0);
            iov_free(&iov);
        }
        g_free(zeroes);
    }
    while (ret == 0 && mid < end) {
        uint64_t n = MIN(ROUND_UP(end, s->cluster_bytes) - mid, 1 * GiB);

        ret = co_qcow2_pwrite_zeroes(s->node, mid, n, 0);
        if (ret == -ENOTSUP) {
            g_autofree void *zeroes = g_malloc0(s->cluster_bytes);
            Iov iov;

            end = MIN(to, behind);
            if (mid >= end) {
                return 0;
            }
            n = s->cluster_bytes;
            iov_init_buf(&iov, zeroes, n);
            ret = co_qcow2_pwritev(s->node, mid, n, &iov, 0, 0);
            iov_free(&iov);
        }
        mid += n;
    }
    return ret;
}

COROUTINE_ONLY
static int co_set_disk_size(Qcow2State *s, uint64_t size_bytes, Error **errp)
{
    uint64_t old = s->disk_bytes;
    int ret;

    s->disk_bytes = size_bytes;
    ret = co_qcow2_header_write(s);
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    if (ret < 0) {
        s->disk_bytes = old;
        error_set_errno(errp, -ret, "Failed to update the image size");
    }
    return ret;
}

/* It lies where the disk is going to be. */
COROUTINE_ONLY
static int co_drop_vm_state(Qcow2State *s, uint32_t from, uint32_t to)
{
    int ret = 0;

    for (uint32_t i = from; i < to && ret == 0; i++) {
        ret = co_qcow2_drop_table(s, i);
    }
    return ret;
}

/* Where zeroes are written because they cannot be marked, clusters that get a
 * place of zeroes next would lose that other one. */
static uint64_t end_to_zero(const Qcow2State *s, uint64_t from, uint64_t to,
                            FormatPreallocation how)
{
    bool placed = how != FORMAT_PREALLOC_OFF && s->version < 3;

    return MIN(placed ? ROUND_UP(from, s->cluster_bytes) : UINT64_MAX,
               ROUND_UP(to, 512));
}

COROUTINE_ONLY CONTROL_ONLY static int co_grow(Qcow2State *s,
                                               uint64_t size_bytes,
                                               FormatPreallocation how,
                                               Error **errp)
{
    uint64_t reach = qcow2_table_reach(s), old = ROUND_DOWN(s->disk_bytes, 512);
    uint64_t entries = size_bytes / reach + (size_bytes % reach > 0);
    int ret;

    if (entries > QCOW2_MAX_L1_BYTES / 8) {
        error_set(errp, "Failed to grow the L1 table: File too large");
        return -EFBIG;
    }
    ret = co_qcow2_l1_grow(s, entries, errp);
    if (ret < 0) {
        return ret;
    }
    ret = co_drop_vm_state(s, DIV_ROUND_UP(old, reach), entries);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to drop the state of a machine");
        return ret;
    }
    if (s->has_data_file && s->data_file->child->size_bytes < size_bytes) {
        ret = co_edge_truncate(s->data_file, size_bytes, false, errp);
        if (ret < 0) {
            return ret;
        }
    }
    /* A data file that is a raw image shows all of itself. */
    if (s->data_file_raw && how == FORMAT_PREALLOC_OFF) {
        how = FORMAT_PREALLOC_METADATA;
    }
    ret = co_zero_gained(s, old, end_to_zero(s, old, size_bytes, how));
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to zero the new area");
        return ret;
    }
    if (how != FORMAT_PREALLOC_OFF) {
        ret = co_qcow2_preallocate(s, old, size_bytes - old, how, errp);
        if (ret < 0) {
            return ret;
        }
    }
    ret = co_qcow2_settle(s);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to flush the L2 table cache");
        return ret;
    }
    return co_set_disk_size(s, size_bytes, errp);
}

int co_qcow2_drop_table(Qcow2State *s, uint32_t index)
{
    uint64_t table = s->l1[index] & QCOW2_OFFSET_MASK;
    uint64_t entries = UINT64_C(1) << s->l2_bits;

    if (!table) {
        return 0;
    }
    for (uint64_t i = 0; i < entries; i++) {
        Qcow2Entry e;
        int ret = co_qcow2_entry_get(
            s, index * qcow2_table_reach(s) + (i << s->cluster_bits), &e);

        if (ret < 0) {
            return ret;
        }
        co_qcow2_entry_release(s, e, QCOW2_FREE_ALWAYS);
    }
    s->l1[index] = 0;
    qcow2_l1_mark(s, index);
    qcow2_table_unnote(s, table);
    qcow2_cache_forget(&s->l2_cache, table, s->cluster_bytes);
    co_qcow2_free_later(s, table, s->cluster_bytes, QCOW2_FREE_ALWAYS);
    return 0;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_shrink(Qcow2State *s, uint64_t size_bytes, Error **errp)
{
    uint64_t reach = qcow2_table_reach(s);
    uint64_t from = ROUND_UP(size_bytes, s->cluster_bytes);
    uint64_t table_end = ROUND_UP(from, reach);
    uint64_t end = ROUND_UP(s->disk_bytes, s->cluster_bytes);
    int ret = co_set_disk_size(s, size_bytes, errp);

    if (ret < 0) {
        return ret;
    }
    if (from < MIN(table_end, end)) {
        ret = co_qcow2_unmap(s, from, MIN(table_end, end) - from,
                             QCOW2_FREE_ALWAYS);
    }
    qcow2_event(s, BLKDBG_L1_SHRINK_FREE_L2_CLUSTERS);
    for (uint64_t i = table_end / reach; i < s->l1_size && ret == 0; i++) {
        ret = co_qcow2_drop_table(s, i);
    }
    if (ret == 0) {
        ret = co_qcow2_file_cut(s);
    }
    if (ret == 0 && s->has_data_file) {
        ret = co_edge_truncate(s->data_file, size_bytes, false, errp);
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to discard cropped clusters");
    }
    return ret;
}

int co_qcow2_resize(Node *node, uint64_t size_bytes, bool exact,
                    FormatPreallocation how, Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    int ret;

    if (s->corrupt) {
        error_set(errp, "The image is corrupt");
        return -EIO;
    }
    if (size_bytes % 512) {
        error_set(errp, "The new size must be a multiple of 512");
        return -EINVAL;
    }
    if (s->snapshots->len && s->version < 3) {
        error_set(errp, "Can't resize a v2 image which has snapshots");
        return -ENOTSUP;
    }
    if (!qcow2_bitmaps_check_resize(s, size_bytes, errp)) {
        return -ENOTSUP;
    }
    ret = s->bitmaps_unmarked ? co_qcow2_bitmaps_mark(s) : 0;
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to mark bitmaps as being in use");
        return ret;
    }
    if (size_bytes < s->disk_bytes) {
        if (how != FORMAT_PREALLOC_OFF) {
            error_set(errp, "Preallocation can't be used for shrinking an "
                            "image");
            return -EINVAL;
        }
        return co_shrink(s, size_bytes, errp);
    }
    return co_grow(s, size_bytes, how, errp);
}

int co_qcow2_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    return co_qcow2_resize(node, size_bytes, exact, FORMAT_PREALLOC_OFF, errp);
}
