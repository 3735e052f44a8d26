/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of the bitmaps in an image, and what stands against changing
 * its size. */
#include "block/qcow2/bitmap-int.h"

#include "qapi/qapi-types.h"

static void add_flag(Qcow2BitmapInfo *info, Qcow2BitmapInfoFlags flag)
{
    Qcow2BitmapInfoFlagsList_append(info->flags, flag);
}

static Qcow2BitmapInfo *info_of(const Qcow2Stored *e)
{
    Qcow2BitmapInfo *info = g_new0(Qcow2BitmapInfo, 1);

    info->name = g_utf8_make_valid(e->name, e->name_bytes);
    info->granularity =
        e->granularity_bits < 32 ? UINT32_C(1) << e->granularity_bits : 0;
    info->flags = Qcow2BitmapInfoFlagsList_new();
    if (e->flags & QCOW2_BITMAP_IN_USE) {
        add_flag(info, QCOW2_BITMAP_INFO_FLAGS_IN_USE);
    }
    if (e->flags & QCOW2_BITMAP_AUTO) {
        add_flag(info, QCOW2_BITMAP_INFO_FLAGS_AUTO);
    }
    return info;
}

Qcow2BitmapInfoList *qcow2_bitmaps_info(const Qcow2State *s)
{
    const Qcow2Bitmaps *b = qcow2_bitmaps(s);
    Qcow2BitmapInfoList *list;

    if (!b || !b->stored->len) {
        return NULL;
    }
    list = Qcow2BitmapInfoList_new();
    for (unsigned i = 0; i < b->stored->len; i++) {
        Qcow2BitmapInfoList_append(list,
                                   info_of(g_ptr_array_index(b->stored, i)));
    }
    return list;
}

uint64_t qcow2_bitmaps_measure(const Qcow2State *s, const Node *source)
{
    const DirtyBitmap *bitmap = NULL;
    uint64_t bytes = 0, directory = 0;

    while ((bitmap = bitmap_next(source, bitmap))) {
        uint64_t granularity = bitmap_granularity_bytes(bitmap), clusters;

        if (!bitmap_persistent(bitmap)) {
            continue;
        }
        clusters = qcow2_bits_clusters(
            s, DIV_ROUND_UP(bitmap_size_bytes(bitmap), granularity));
        bytes += clusters * s->cluster_bytes +
                 ROUND_UP(clusters * 8, s->cluster_bytes);
        directory +=
            ROUND_UP(sizeof(Qcow2BitmapHead) + strlen(bitmap_name(bitmap)), 8);
    }
    return bytes + ROUND_UP(directory, s->cluster_bytes);
}

static bool check_resize(const DirtyBitmap *bitmap, uint64_t size_bytes,
                         Error **errp)
{
    uint64_t granularity = bitmap_granularity_bytes(bitmap);

    if (!bitmap_check(bitmap, BITMAP_CHECK_DEFAULT, errp)) {
        return false;
    }
    if (!size_bytes || DIV_ROUND_UP(DIV_ROUND_UP(size_bytes, granularity), 8) >
                           QCOW2_MAX_BITMAP_BYTES) {
        error_set(errp,
                  "Bitmap '%s' could not be stored for a disk of that size",
                  bitmap_name(bitmap));
        return false;
    }
    return true;
}

bool qcow2_bitmaps_check_resize(Qcow2State *s, uint64_t size_bytes,
                                Error **errp)
{
    const Qcow2Bitmaps *b = qcow2_bitmaps(s);
    const DirtyBitmap *bitmap = NULL;

    /* In the order of the image, as QEMU does. */
    for (unsigned i = 0; b && i < b->stored->len; i++) {
        const Qcow2Stored *e = g_ptr_array_index(b->stored, i);

        bitmap = bitmap_find(s->node, e->name);
        if (bitmap && !check_resize(bitmap, size_bytes, errp)) {
            return false;
        }
    }
    bitmap = NULL;
    while ((bitmap = bitmap_next(s->node, bitmap))) {
        if (bitmap_persistent(bitmap) &&
            !check_resize(bitmap, size_bytes, errp)) {
            return false;
        }
    }
    return true;
}
