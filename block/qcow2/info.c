/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an image tells of itself. */
#include "block/qcow2/bitmap-int.h"
#include "block/qcow2/crypt.h"

#include "qapi/qapi-types.h"

COROUTINE_ONLY
static ImageInfoSpecific *co_qcow2_info_specific(Node *node, Error **errp)
{
    const Qcow2State *s = qcow2_state(node);
    ImageInfoSpecific *info = g_new0(ImageInfoSpecific, 1);
    ImageInfoSpecificQCow2 *q = g_new0(ImageInfoSpecificQCow2, 1);

    info->type = IMAGE_INFO_SPECIFIC_KIND_QCOW2;
    info->u.qcow2.data = q;
    q->compat = g_strdup(s->version < 3 ? "0.10" : "1.1");
    q->refcount_bits = 1 << s->refcount_order;
    q->compression_type = s->compression == QCOW2_COMPRESSION_ZSTD
                              ? QCOW2_COMPRESSION_TYPE_ZSTD
                              : QCOW2_COMPRESSION_TYPE_ZLIB;
    q->encrypt = qcow2_crypt_info(s);
    if (s->version < 3) {
        return info;
    }
    q->has_lazy_refcounts = true;
    q->lazy_refcounts = s->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS;
    q->has_corrupt = true;
    q->corrupt = s->incompatible & QCOW2_INCOMPAT_CORRUPT;
    q->has_extended_l2 = true;
    q->extended_l2 = s->extended_l2;
    q->bitmaps = qcow2_bitmaps_info(s);
    if (s->has_data_file) {
        q->data_file = g_strdup(s->data_file_name);
        q->has_data_file_raw = true;
        q->data_file_raw = s->data_file_raw;
    }
    return info;
}

static const char *backing_file(const Node *node)
{
    return qcow2_state(node)->backing_file;
}

static const char *backing_format(const Node *node)
{
    return qcow2_state(node)->backing_format;
}

static uint64_t file_used_bytes(const Node *node)
{
    const Qcow2State *s = qcow2_state(node);

    return s->file_grown ? s->fresh_from : UINT64_MAX;
}

static bool dirty(const Node *node)
{
    return qcow2_state(node)->incompatible & QCOW2_INCOMPAT_DIRTY;
}

static bool lost(const Node *node)
{
    return qcow2_state(node)->corrupt;
}

const FormatOps qcow2_format_ops = {
    .create_options = qcow2_create_options,
    .co_create = co_qcow2_create,
    .co_create_file = co_qcow2_create_file,
    .co_measure = co_qcow2_measure,
    .co_info_specific = co_qcow2_info_specific,
    .backing_file = backing_file,
    .backing_format = backing_format,
    .encryption = qcow2_crypt_format,
    .vm_state_offset = qcow2_vm_state_offset,
    .co_vm_state_read = co_qcow2_vm_state_read,
    .co_vm_state_write = co_qcow2_vm_state_write,
    .file_used_bytes = file_used_bytes,
    .dirty = dirty,
    .lost = lost,
    .co_check = co_qcow2_check,
    .co_amend = co_qcow2_amend,
    .co_amend_options = co_qcow2_amend_options,
    .co_change_backing_file = co_qcow2_change_backing_file,
    .co_snapshot_list = co_qcow2_snapshot_list,
    .co_snapshot_create = co_qcow2_snapshot_create,
    .co_snapshot_apply = co_qcow2_snapshot_apply,
    .co_snapshot_delete = co_qcow2_snapshot_delete,
    .co_snapshot_load = co_qcow2_snapshot_load,
    .co_resize = co_qcow2_resize,
    .co_pwritev_compressed = co_qcow2_pwritev_compressed,
    .co_make_empty = co_qcow2_make_empty,
};
